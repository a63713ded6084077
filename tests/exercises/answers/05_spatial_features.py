# %% ex-05-by-hand | right: fractions, as an array
by_pencil = np.array([17 / 5, 1 / 2, 2 / 5, np.sqrt(8.5 - (11 / 6) ** 2), 1.459])
# %% ex-05-by-hand | right: a Series, two decimals
by_pencil = pd.Series([3.4, 0.5, 0.4, 2.27, 1.46])
# %% ex-05-by-hand | wrong: six jumps
by_pencil = [17 / 6, 3 / 6, 2 / 5, 2.27, 1.46]
# %% ex-05-by-hand | wrong: natural logarithms
by_pencil = [3.4, 0.5, 0.4, 2.27, 1.011]
# %% ex-05-radius | right: counts the labels
def clusters_in_metres(lat, lon, radius_metres):
    points = np.radians(np.column_stack([lat, lon]))
    model = DBSCAN(eps=radius_metres / 6_371_000, min_samples=3, metric="haversine")
    return len(set(model.fit_predict(points).tolist()) - {-1})


def clusters_in_degrees(lat, lon, radius_metres):
    table = pd.DataFrame({"lat": np.asarray(lat), "lon": np.asarray(lon)})
    labels = DBSCAN(eps=radius_metres / 111_195, min_samples=3).fit(table).labels_
    return pd.Series(labels[labels >= 0]).nunique()
# %% ex-05-radius | wrong: noise counts as a cluster
def clusters_in_metres(lat, lon, radius_metres):
    labels = spatial.dbscan_clusters(lat, lon, radius_metres=radius_metres, min_points=3)
    return len(set(labels))


def clusters_in_degrees(lat, lon, radius_metres):
    model = DBSCAN(eps=radius_metres / 111_195, min_samples=3)
    return len(set(model.fit_predict(np.column_stack([lat, lon]))))
# %% ex-05-radius | wrong: metres in both
def clusters_in_metres(lat, lon, radius_metres):
    return spatial.dbscan_clusters(
        lat, lon, radius_metres=radius_metres, min_points=3).max() + 1


clusters_in_degrees = clusters_in_metres
# %% ex-05-home | right: cuts the past by itself
def home_now(log, asked, night_hours):
    found = pd.Series(0.0, index=asked.index)
    for name, query in asked.iterrows():
        known = (log["user_id"] == query["user_id"]) & (log["timestamp"] < query["timestamp"])
        if known.any():
            home = spatial.find_home_and_work(log[known], night_hours=night_hours)
            found[name] = home["home_lat"].fillna(0).iloc[0]
    return found
# %% ex-05-home | wrong: keeps to the usual night
def home_now(log, asked, night_hours):
    homes = []
    for user, now in zip(asked["user_id"], asked["timestamp"]):
        found = spatial.find_home_and_work(log[log["user_id"] == user], before=now)
        homes.append(found["home_lat"].get(user, 0.0))
    return np.nan_to_num(homes)
# %% ex-05-home | wrong: knows the action itself and all after it
def home_now(log, asked, night_hours):
    found = spatial.find_home_and_work(log, night_hours=night_hours)["home_lat"]
    homes = found.reindex(asked["user_id"]).fillna(0).to_numpy()
    first = log.groupby("user_id")["timestamp"].min().reindex(asked["user_id"]).to_numpy()
    return np.where(asked["timestamp"].to_numpy() <= first, 0, homes)
# %% ex-05-witness | right: a loop over users
true = own.users.set_index("user_id")
found = spatial.find_home_and_work(own.log)
off = []
for user, home in found.iterrows():
    person = true.loc[user]
    if pd.notna(home["home_lat"]) and person["change_kind"] != "move":
        off.append(float(spatial.distance_metres(
            home["home_lat"], home["home_lon"], person["home_lat"], person["home_lon"])))
flaw = "C"
honest = float(pd.Series(off).median() / 1000)
# %% ex-05-witness | wrong: the mean instead of the median
true = own.users[own.users["change_kind"] != "move"].set_index("user_id")
found = spatial.find_home_and_work(own.log).reindex(true.index)
flaw = "c"
honest = np.nanmean(spatial.distance_metres(
    true["home_lat"].to_numpy(), true["home_lon"].to_numpy(),
    found["home_lat"].to_numpy(), found["home_lon"].to_numpy())) / 1000
# %% ex-05-witness | wrong: blames the sample, though the number is right
true = own.users[own.users["change_kind"] != "move"].set_index("user_id")
found = spatial.find_home_and_work(own.log).reindex(true.index)
flaw = "d"
honest = np.nanmedian(spatial.distance_metres(
    true["home_lat"].to_numpy(), true["home_lon"].to_numpy(),
    found["home_lat"].to_numpy(), found["home_lon"].to_numpy())) / 1000
