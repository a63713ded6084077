# %% ex-04-by-hand | right: as an array
gaps = np.array([1, 1, 4])
by_pencil = np.array([
    23.0, (gaps.std() - gaps.mean()) / (gaps.std() + gaps.mean()), 5 / 2, 13 / 16])
# %% ex-04-by-hand | wrong: the spread of a sample, over two
gaps = pd.Series([1, 1, 4])
by_pencil = [23, (gaps.std() - 2) / (gaps.std() + 2), 2.5, 0.8125]
# %% ex-04-by-hand | wrong: hours by the wall
by_pencil = [23, (2**0.5 - 2) / (2**0.5 + 2), 1.5, 0.8125]
# %% ex-04-same-hour | right: a loop over queries
def same_hour_count(log, asked):
    counts = []
    for query in asked.itertuples():
        own_past = log[(log["user_id"] == query.user_id) & (log["timestamp"] < query.timestamp)]
        local = own_past["local_time"].dt
        hours = local.hour + local.minute / 60 + local.second / 3600
        clock = query.local_time
        gap = (hours - clock.hour - clock.minute / 60 - clock.second / 3600).abs()
        counts.append(int((np.minimum(gap, 24 - gap) <= 2).sum()))
    return counts
# %% ex-04-same-hour | wrong: a day is a line
def same_hour_count(log, asked):
    past = queries.look_back(asked, log)
    then = temporal.clock_hours(log["local_time"])[past.row]
    now = temporal.clock_hours(asked["local_time"])[past.query]
    near = np.abs(then - now) <= 3.5
    return np.bincount(past.query[near], minlength=len(asked))
# %% ex-04-same-hour | wrong: everybody's actions
def same_hour_count(log, asked):
    counts = []
    hours = temporal.clock_hours(log["local_time"])
    for query, hour in zip(asked.itertuples(), temporal.clock_hours(asked["local_time"])):
        before = (log["timestamp"] < query.timestamp).to_numpy()
        counts.append((temporal.circular_distance(hours[before], hour) <= 2).sum())
    return np.array(counts)
# %% ex-04-false-alarms | right: one series at a time
def false_alarms(phi, **options):
    rng = np.random.default_rng(5)
    y = np.zeros((184, 500))
    for t in range(1, 184):
        y[t] = phi * y[t - 1] + rng.normal(size=500)
    found = temporal.find_periods(pd.DataFrame(y[100:]), **options)
    return float((found["p_value"] <= 0.05).mean())
# %% ex-04-false-alarms | wrong: forgets the options
def false_alarms(phi, **options):
    y = series.simulate_arma(84, ar=[phi], n_series=500, seed=1)
    return temporal.find_periods(y)["significant"].mean()
# %% ex-04-false-alarms | wrong: white noise whatever is asked
def false_alarms(phi, **options):
    y = series.simulate_arma(84, n_series=500, seed=1)
    return temporal.find_periods(y, **options)["significant"].mean()
# %% ex-04-habit | right: a loop over users
ns, bits = [], []
for user, part in own.log.groupby("user_id"):
    if len(part) < 20:
        continue
    part = part.sort_values("local_time").head(20)
    bins = part["local_time"].dt.day_name() + part["local_time"].dt.strftime("%H")
    p = bins.value_counts(normalize=True)
    ns.append(len(own.log[own.log["user_id"] == user]))
    bits.append(float(-(p * np.log2(p)).sum()))
flaw = "B"
honest = pd.Series(ns).corr(pd.Series(bits))
# %% ex-04-habit | wrong: the last twenty instead of the first
n = own.log.groupby("user_id").size()
n = n[n >= 20]
late = own.log.groupby("user_id").tail(20)
late = late[late["user_id"].isin(n.index)]
week = temporal.week_entropy(late["local_time"], by=late["user_id"], correction="none")
flaw = "b"
honest = n.corr(week["entropy_bits"])
# %% ex-04-habit | wrong: tells a story, though the number is right
n = own.log.groupby("user_id").size()
n = n[n >= 20]
first = own.log.groupby("user_id").head(20)
first = first[first["user_id"].isin(n.index)]
week = temporal.week_entropy(first["local_time"], by=first["user_id"], correction="none")
flaw = "d"
honest = n.corr(week["entropy_bits"])
