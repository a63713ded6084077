# %% ex-01-share | right: an array, in a loop
by_pencil = np.zeros(3)
for row, (seen, share) in enumerate([(1, 0.25), (0, 0.5), (0, 0.25)]):
    by_pencil[row] = (seen + 2 * share) / (1 + 2)
# %% ex-01-share | right: rounded to two decimals
by_pencil = (0.5, 0.333, 0.167)
# %% ex-01-share | wrong: one imagined action, as in the chapter
by_pencil = [(1 + 1 / 4) / 2, (0 + 1 / 2) / 2, (0 + 1 / 4) / 2]
# %% ex-01-share | wrong: imagined actions spread evenly
by_pencil = [(1 + 2 / 3) / 3, (2 / 3) / 3, (2 / 3) / 3]
# %% ex-01-decay | right: without the library
def scores_for_user_2(decay_metres):
    shares = {"Beijing": 0.25, "Shanghai": 0.625, "Guangzhou": 0.125}
    first = four.drop_duplicates("item_id")
    lat, lon = np.radians(first[["lat", "lon"]].to_numpy().T)
    here = list(first["item_id"]).index("Shanghai")
    cosine = np.sin(lat) * np.sin(lat[here]) + np.cos(lat) * np.cos(
        lat[here]) * np.cos(lon - lon[here])
    metres = 6_371_000 * np.arccos(np.clip(cosine, -1, 1))
    scores = {
        name: shares[name] * np.exp(-far / decay_metres)
        for name, far in zip(first["item_id"], metres)
    }
    return pd.Series(scores).sort_values(ascending=False)
# %% ex-01-decay | wrong: kilometres divided by metres
def scores_for_user_2(decay_metres):
    shares = pd.Series({"Shanghai": 0.625, "Beijing": 0.25, "Guangzhou": 0.125})
    km = pd.Series({"Shanghai": 0, "Beijing": 1070, "Guangzhou": 1210})
    return shares * np.exp(-km / decay_metres)
# %% ex-01-decay | wrong: the shares of user 1
def scores_for_user_2(decay_metres):
    shares = interest.interest_shares(four, by="item_id", prior_weight=1)
    ranked = recommend.rank_places(
        shares.loc["1"], four.drop_duplicates("item_id"),
        here=(31.22222, 121.45806), decay_metres=decay_metres, by="item_id")
    return ranked.set_index("item_id")["score"]
# %% ex-01-told | right: a loop and a dictionary
flaw = "C"
border = own.log["timestamp"].quantile(0.8)
counts, crowd = {}, {}
right = n = 0
for row in own.log.sort_values("timestamp").itertuples():
    cell = row.user_id, row.local_time.weekday(), row.local_time.hour
    if row.timestamp <= border:
        of_cell = counts.setdefault(cell, {})
        for table in (of_cell, crowd):
            table[row.root_category] = table.get(row.root_category, 0) + 1
    else:
        table = counts.get(cell, crowd)
        most = max(table.values())
        guess = min(name for name in table if table[name] == most)
        right, n = right + (guess == row.root_category), n + 1
honest = right / n
# %% ex-01-told | right: by merging tables
cut = own.log["timestamp"].quantile(0.8)
table = own.log.assign(day=own.log["local_time"].dt.day_name(), hour=own.log["local_time"].dt.hour)
key = ["user_id", "day", "hour"]
before, after = table[table["timestamp"] <= cut], table[table["timestamp"] > cut]
first = lambda kinds: kinds.mode().iloc[0]
cell = before.groupby(key)["root_category"].agg(first).rename("guess").reset_index()
after = after.merge(cell, on=key, how="left")
guess = after["guess"].fillna(first(before["root_category"]))
flaw, honest = "c", np.mean(guess == after["root_category"])
# %% ex-01-told | wrong: a cell that is lacking counts as an error
log = own.log.assign(day=own.log["local_time"].dt.day_of_week, hour=own.log["local_time"].dt.hour)
is_past = log["timestamp"] <= log["timestamp"].quantile(0.8)
key = ["user_id", "day", "hour"]
table = log[is_past].groupby(key)["root_category"].agg(lambda kinds: kinds.mode()[0])
after = log[~is_past].join(table.rename("guess"), on=key)
flaw = "c"
honest = (after["guess"] == after["root_category"]).mean()
# %% ex-01-told | wrong: blames the rival, but cuts by time
log = own.log.assign(day=own.log["local_time"].dt.day_of_week, hour=own.log["local_time"].dt.hour)
is_past = log["timestamp"] <= log["timestamp"].quantile(0.8)
key = ["user_id", "day", "hour"]
first = lambda kinds: kinds.mode()[0]
table = log[is_past].groupby(key)["root_category"].agg(first)
after = log[~is_past].join(table.rename("guess"), on=key)
guess = after["guess"].fillna(first(log["root_category"][is_past]))
flaw = "a"
honest = (guess == after["root_category"]).mean()
