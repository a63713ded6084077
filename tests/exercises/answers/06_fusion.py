# %% ex-06-by-hand | right: an array, the slope from a fit
fit = Ridge(2.0, fit_intercept=False).fit(np.array([[-2.0], [2.0]]), np.array([-1.0, 1.0]))
by_pencil = np.array([np.sqrt(9), np.sqrt(4), 1.4142136, 2 / 4, 6 / 4, fit.coef_[0] * 2, 3, 2])

# %% ex-06-by-hand | wrong: divides the penalty by the weight, not by its square
by_pencil = [3, 2, np.sqrt(2), 0.5, 1.5, 2 / (2 + 2 / 2), 3, 2]

# %% ex-06-by-hand | wrong: divides by the width instead of its root
by_pencil = [9, 4, 2, 0.5, 1.5, 0.8, 3, 2]

# %% ex-06-weight | right: arrays, a loop over the rows
def weight_of_space(model, w):
    factors = [w if name in SPACE_OF_SIX else 1 for name in own_X["learn"]]
    model.fit(own_X["learn"].to_numpy() * factors, own_y["learn"].to_numpy())
    total = 0
    given = model.predict_proba(own_X["validation"].to_numpy() * factors)
    for chances, happened in zip(given, own_y["validation"]):
        total -= np.log(min(max(chances[int(happened)], 0.01), 0.99))
    return total / len(given)


# %% ex-06-weight | wrong: weighs the learning rows only
def weight_of_space(model, w):
    learn = own_X["learn"].assign(**own_X["learn"][SPACE_OF_SIX] * w)
    model.fit(learn, own_y["learn"])
    food = model.predict_proba(own_X["validation"])[:, 1].clip(0.01, 0.99)
    return -np.log(np.where(own_y["validation"], food, 1 - food)).mean()


# %% ex-06-weight | wrong: weighs all columns
def weight_of_space(model, w):
    model.fit(own_X["learn"] * w, own_y["learn"])
    food = model.predict_proba(own_X["validation"] * w)[:, 1].clip(0.01, 0.99)
    return -np.log(np.where(own_y["validation"], food, 1 - food)).mean()


# %% ex-06-from-here | right: a table of pairs and groupby
def near_here(log, ask):
    past = queries.look_back(ask, log)
    here = log.iloc[past.last[past.query]]
    there = log.iloc[past.row]
    return pd.Series(spatial.distance_metres(
        there["lat"].to_numpy(), there["lon"].to_numpy(),
        here["lat"].to_numpy(), here["lon"].to_numpy()))


def food_share(log, ask, metres, hours):
    past = queries.look_back(ask, log)
    then, now = log["local_time"].iloc[past.row], ask["local_time"].iloc[past.query]
    turn = (temporal.clock_hours(then) - temporal.clock_hours(now)) % 24
    turn = np.minimum(turn, 24 - turn)
    weight = np.exp(-near_here(log, ask) / metres) * np.exp(-0.5 * (turn / hours) ** 2)
    table = pd.DataFrame({
        "query": past.query, "all": weight,
        "food": weight * (log["root_category"].iloc[past.row] == "Food").to_numpy()})
    sums = table.groupby("query").sum().reindex(range(len(ask)), fill_value=0)
    return (sums["food"] + 0.3) / (sums["all"] + 1)


# %% ex-06-from-here | wrong: clocks the long way round midnight
def near_here(log, ask):
    past = queries.look_back(ask, log)
    place = log[["lat", "lon"]].to_numpy()
    return spatial.distance_metres(*place[past.row].T, *place[past.last[past.query]].T)


def food_share(log, ask, metres, hours):
    past = queries.look_back(ask, log)
    gap = (temporal.clock_hours(log["local_time"])[past.row]
           - temporal.clock_hours(ask["local_time"])[past.query])
    weight = np.exp(-near_here(log, ask) / metres - (gap / hours) ** 2 / 2)
    food = log["root_category"].eq("Food").to_numpy()[past.row]
    share, count = (np.bincount(past.query, w, minlength=len(ask))
                    for w in (weight * food, weight))
    return (share + 0.3) / (count + 1)


# %% ex-06-from-here | wrong: the place from which the user came, as in the chapter
def near_here(log, ask):
    past = queries.look_back(ask, log)
    place = log[["lat", "lon"]].to_numpy()
    came_from = log.groupby("user_id")[["lat", "lon"]].shift().to_numpy()[past.row]
    return np.nan_to_num(spatial.distance_metres(*came_from.T, *place[past.last[past.query]].T))


def food_share(log, ask, metres, hours):
    past = queries.look_back(ask, log)
    gap = temporal.circular_distance(
        temporal.clock_hours(log["local_time"])[past.row],
        temporal.clock_hours(ask["local_time"])[past.query])
    weight = np.exp(-near_here(log, ask) / metres - (gap / hours) ** 2 / 2)
    food = log["root_category"].eq("Food").to_numpy()[past.row]
    share, count = (np.bincount(past.query, w, minlength=len(ask))
                    for w in (weight * food, weight))
    return (share + 0.3) / (count + 1)


# %% ex-06-claim | right: the choice made apart from the model
flaw = " C "
chooser = SelectKBest(f_classif, k=20).fit(crosses[older], version[older])
names_right = LogisticRegression().fit(
    chooser.transform(crosses[older]), version[older]
).predict(chooser.transform(crosses[newer])) == version[newer]
honest = np.mean(names_right)

# %% ex-06-claim | wrong: suspects the scaling and mends only that
flaw = "b"
crosses = crosses / crosses[older].std(axis=0)
kept = SelectKBest(f_classif, k=20).fit_transform(crosses, version)
honest = LogisticRegression().fit(kept[older], version[older]).score(kept[newer], version[newer])

# %% ex-06-claim | wrong: the right letter, and the share of the older half
flaw = "c"
best = SelectKBest(f_classif, k=20).fit(crosses[older], version[older]).transform(crosses)
honest = round(LogisticRegression().fit(best[older], version[older]).score(
    best[older], version[older]) * 200) / 200
