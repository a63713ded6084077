# %% ex-05-by-hand | right: from distances between all pairs
by_pencil = np.array([3.4, 1 / 2, 0.4, 0, 1.459])
way = [0, 5, 0, 1, 0, 5]
by_pencil[3] = (sum((a - b) ** 2 for a in way for b in way) / 72) ** 0.5
# %% ex-05-by-hand | wrong: six jumps, and rates of six
by_pencil = [17 / 6, 3 / 6, 3 / 6, 2.27, 1.46]
# %% ex-05-by-hand | wrong: natural logarithms
by_pencil = [3.4, 0.5, 0.4, 2.27, 1.01]
# %% ex-05-radius | right: scikit-learn both times
from sklearn.cluster import DBSCAN


def number(points, radius, **options):
    labels = DBSCAN(eps=radius, min_samples=20, **options).fit_predict(points)
    return sum(1 for label in np.unique(labels) if label >= 0)


def places_of(radius_metres):
    points = np.radians(mine[["lat", "lon"]].to_numpy())
    return number(points, radius_metres / 6_371_008.8, metric="haversine")


def places_in_degrees(radius_metres):
    return number(mine[["lon", "lat"]], radius_metres / 111_195)
# %% ex-05-radius | wrong: noise counts as a place
from sklearn.cluster import DBSCAN


def places_of(radius_metres):
    found = spatial.dbscan_clusters(mine["lat"], mine["lon"], radius_metres=radius_metres, min_points=20)
    return found.max() + 1


def places_in_degrees(radius_metres):
    model = DBSCAN(eps=radius_metres / 111_195, min_samples=20)
    return len(set(model.fit_predict(mine[["lat", "lon"]])))
# %% ex-05-home | right: counting, and a dictionary
def share_of_residences(night_hours):
    found = spatial.find_home_and_work(train, night_hours=night_hours)
    roots = dict(zip(venues["item_id"], venues["root_category"]))
    homes = [home for home in found["home"] if isinstance(home, str)]
    return [sum(roots[home] == "Residence" for home in homes) / len(homes), len(homes)]


def home_now(log, asked):
    answer = np.zeros(len(asked))
    for i, query in enumerate(asked.itertuples()):
        found = spatial.find_home_and_work(log[log["user_id"] == query.user_id], before=query.timestamp)
        if query.user_id in found.index and found["home_lat"].notna()[query.user_id]:
            answer[i] = found.loc[query.user_id, "home_lat"]
    return answer
# %% ex-05-home | wrong: the home of the whole log
def share_of_residences(night_hours):
    found = spatial.find_home_and_work(train, night_hours=night_hours)
    kind = venues.set_index("item_id")["root_category"].reindex(found["home"].dropna())
    return (kind == "Residence").mean(), len(kind)


def home_now(log, asked):
    homes = spatial.find_home_and_work(log)["home_lat"]
    return homes.reindex(asked["user_id"]).fillna(0).to_numpy()
# %% ex-05-home | wrong: shares of all users
def share_of_residences(night_hours):
    found = spatial.find_home_and_work(train, night_hours=night_hours)
    kind = venues.set_index("item_id")["root_category"].reindex(found["home"].dropna())
    return (kind == "Residence").sum() / 193, len(kind)


def home_now(log, asked):
    homes = []
    for user, now in zip(asked["user_id"], asked["timestamp"]):
        found = spatial.find_home_and_work(log[log["user_id"] == user], before=now)
        homes.append(found["home_lat"].get(user, 0.0))
    return np.nan_to_num(homes)
# %% ex-05-neighbours | right: shuffled with sample, cells by a crosstable
flaw = "C"
p = own.places
key = (p["lat"] / 0.05).round().astype(str) + " " + (p["lon"] / 0.05).round().astype(str)
found = []
for seed in range(200):
    roots = p["root_category"].sample(frac=1, random_state=seed).to_numpy()
    table = pd.crosstab(key.to_numpy(), roots)
    found.append(table["Nightlife Spot"].corr(table["Travel & Transport"]))
honest = float(np.mean(found))
# %% ex-05-neighbours | wrong: shuffles once
p = own.places
key = [(p[name] / 0.05).round() for name in ("lat", "lon")]
roots = p["root_category"].sample(frac=1, random_state=0).to_numpy()
counts = pd.DataFrame({"a": roots == "Nightlife Spot", "b": roots == "Travel & Transport"}, p.index)
counts = counts.groupby(key).sum()
flaw, honest = "c", counts["a"].corr(counts["b"])
# %% ex-05-neighbours | wrong: blames the narrow cells
p = own.places
flaw = "a"
key = [(p[name] / 0.05).round() for name in ("lat", "lon")]
roots = own.places["root_category"].to_numpy()
found = []
rng = np.random.default_rng(1)
for _ in range(200):
    mixed = rng.permutation(roots)
    counts = pd.DataFrame({"a": mixed == "Nightlife Spot", "b": mixed == "Travel & Transport"}, p.index)
    counts = counts.groupby(key).sum()
    found.append(counts["a"].corr(counts["b"]))
honest = np.mean(found)
