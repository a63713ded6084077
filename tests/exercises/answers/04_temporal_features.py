# %% ex-04-by-hand | right: worked out on the way
sd = np.std([1, 1, 4])
by_pencil = np.array([23, (sd - 2) / (sd + 2), 0.5 + 1 + 1, 0.8125])
# %% ex-04-by-hand | wrong: the median of numbers, and clocks that don't go back
by_pencil = [21, -0.172, 1.6, 0.8125]
# %% ex-04-by-hand | wrong: the standard deviation of a sample
sd = np.std([1, 1, 4], ddof=1)
by_pencil = [23, (sd - 2) / (sd + 2), 2.5, 0.8125]
# %% ex-04-same-hour | right: a loop
def same_hour_count(log, asked):
    def hours(times):
        t = pd.Series(times).dt
        return (t.hour + t.minute / 60 + t.second / 3600).to_numpy()

    then, now = hours(log["local_time"]), hours(asked["local_time"])
    users, times = log["user_id"].to_numpy(), log["timestamp"].to_numpy()
    counts = []
    for user, time, clock in zip(asked["user_id"], asked["timestamp"].to_numpy(), now):
        apart = np.abs(then - clock)
        near = np.minimum(apart, 24 - apart) <= 2
        counts.append(int(((users == user) & (times < time) & near).sum()))
    return counts
# %% ex-04-same-hour | wrong: midnight is a wall
def same_hour_count(log, asked):
    past = queries.look_back(asked, log)
    then = temporal.clock_hours(log["local_time"])[past.row]
    now = temporal.clock_hours(asked["local_time"])[past.query]
    near = np.abs(then - now) <= 2
    return np.bincount(past.query[near], minlength=len(asked))
# %% ex-04-false-alarms | right: drawn by hand
def false_alarms(phi, **options):
    rng = np.random.default_rng(8)
    noise = rng.normal(size=(184, 500))
    y = np.zeros_like(noise)
    for t in range(1, len(noise)):
        y[t] = phi * y[t - 1] + noise[t]
    found = temporal.find_periods(pd.DataFrame(y[-84:]), **options)
    return float(np.mean(found["significant"]))
# %% ex-04-false-alarms | wrong: forgets the options
def false_alarms(phi, **options):
    y = series.simulate_arma(84, ar=[phi], n_series=500, seed=1)
    return temporal.find_periods(y)["significant"].mean()
# %% ex-04-night | right: the library's circular mean
flaw = "C"
night = own.log[own.log["local_time"].dt.hour < 4]
counts = night.groupby("user_id").size()
user = counts[counts == counts.max()].index.min()
times = own.log.loc[own.log["user_id"] == user, "local_time"]
honest = temporal.clock_statistics(times)["mean_hour"].iloc[0]
# %% ex-04-night | wrong: the mean of numbers again
flaw = "c"
clock = own.log["local_time"].dt
hour = clock.hour + clock.minute / 60
night = own.log["user_id"][hour < 4].value_counts().sort_index()
honest = hour[own.log["user_id"] == night.idxmax()].mean()
# %% ex-04-night | wrong: everybody's circular mean, and blames UTC
flaw = "b"
honest = temporal.clock_statistics(own.log["local_time"])["mean_hour"].iloc[0]
