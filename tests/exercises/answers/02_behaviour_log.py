# %% ex-02-report | right: all settings spelt out
kept_rows, the_report = cleaning.clean(typed, strategies={})
known = kept_rows.dropna(subset=["lat"])
unnoticed = int((~known["lat"].between(40, 41)).sum())
# %% ex-02-report | wrong: counts the missing place as well
kept_rows, the_report = cleaning.clean(typed)
unnoticed = 3
# %% ex-02-report | wrong: fills the missing places
kept_rows, the_report = cleaning.clean(
    typed, strategies={"lat": "same_item", "lon": "same_item"})
unnoticed = 2
# %% ex-02-sessions | right: differences by user
def sessions_by_gap(log, gaps):
    pause = log.sort_values("timestamp").groupby("user_id")["timestamp"].diff()
    counts = [(pause.isna() | (pause > pd.Timedelta(gap))).sum() for gap in gaps]
    return pd.Series(counts, index=gaps)
# %% ex-02-sessions | right: a loop
def sessions_by_gap(log, gaps):
    counts = {}
    for gap in gaps:
        last, n = {}, 0
        for row in log.sort_values("timestamp").itertuples():
            before = last.get(row.user_id)
            n += before is None or row.timestamp - before > pd.Timedelta(gap)
            last[row.user_id] = row.timestamp
        counts[gap] = n
    return pd.Series(counts)
# %% ex-02-sessions | wrong: one column of times for all users
def sessions_by_gap(log, gaps):
    pause = log["timestamp"].diff()
    return pd.Series({gap: 1 + (pause > pd.Timedelta(gap)).sum() for gap in gaps})
# %% ex-02-sessions | wrong: a pause of exactly the gap cuts
def sessions_by_gap(log, gaps):
    pause = log.groupby("user_id")["timestamp"].diff()
    return pd.Series({
        gap: (pause.isna() | (pause >= pd.Timedelta(gap))).sum() for gap in gaps})
# %% ex-02-rise | right: sets of users
january = seen[seen["local_time"].dt.month == 1]
february = seen[seen["local_time"].dt.month == 2]
both = set(january["user_id"]) & set(february["user_id"])
shares = [
    part[part["user_id"].isin(both)]["root_category"].eq("Food").mean()
    for part in (january, february)
]
flaw = "D"
honest = float(np.diff(shares)[0])
# %% ex-02-rise | right: a pivot table, four decimals
table = seen.assign(month=seen["local_time"].dt.month, food=seen["root_category"] == "Food")
table = table.pivot_table(index="user_id", columns="month", values="food", aggfunc=["sum", "count"])
sums = table.dropna().sum()
flaw = "d"
honest = round(
    sums["sum", 2] / sums["count", 2] - sums["sum", 1] / sums["count", 1], 5)
# %% ex-02-rise | wrong: the mean of the users' own changes
table = seen.assign(month=seen["local_time"].dt.month, food=seen["root_category"] == "Food")
table = table.pivot_table(index="user_id", columns="month", values="food").dropna()
flaw = "d"
honest = (table[2] - table[1]).mean()
# %% ex-02-rise | wrong: blames the size, though the number is right
january, february = (seen[seen["local_time"].dt.month == m] for m in (1, 2))
users = february["user_id"].unique()
january = january[january["user_id"].isin(users)]
february = february[february["user_id"].isin(january["user_id"])]
flaw = "e"
honest = (february["root_category"] == "Food").mean() - (
    january["root_category"] == "Food").mean()
