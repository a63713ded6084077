# %% ex-11-by-hand | wrong: the ratio of probabilities
by_pencil = [27, 0.8 / 0.4, 2 / 3, 0.75]


# %% ex-11-by-hand | wrong: a straight line
by_pencil = [37 / 3, 6, 2 / 3, 0.75]


# %% ex-11-by-hand | right: an array, with logarithms
rate = np.exp(np.polyfit([0, 1, 2], np.log([1, 3, 9]), 1))
odds = np.exp(np.log(0.8 / 0.2) - np.log(0.4 / 0.6))
soft = 1 / (1 + np.exp(-np.log(4) / 2))
by_pencil = np.array([rate[1] * rate[0] ** 3, odds, soft, 3 / 4])


# %% ex-11-blend | wrong: the largest mean share of the truth
def blend_two(first, second, truth):
    tried = np.linspace(0, 1, 101)
    rows, columns = np.arange(len(truth)), first.columns.get_indexer(truth)
    mean = [(w * first + (1 - w) * second).to_numpy()[rows, columns].mean() for w in tried]
    return tried[int(np.argmax(mean))]


# %% ex-11-blend | right: a loop that keeps the best
def blend_two(first, second, truth):
    best, least = None, float("inf")
    for hundredths in range(101):
        w = hundredths / 100
        mixed = first * w + second * (1 - w)
        total = 0.0
        for row, what in truth.items():
            total -= np.log(mixed.loc[row, what])
        if total < least:
            best, least = w, total
    return best


# %% ex-11-copies | wrong: each column by an order of its own
def lean_on(model, x, truth, columns):
    rng = np.random.default_rng(0)
    before = interest.surprise(interest.predict_interest(model, x), truth).mean()
    after = []
    for _ in range(10):
        changed = x.copy()
        for name in columns:
            changed[name] = x[name].to_numpy()[rng.permutation(len(x))]
        given = interest.predict_interest(model, changed)
        after.append(interest.surprise(given, truth).mean())
    return np.mean(after) - before


importances = [
    lean_on(logit, x["late"], kind["late"], hour),
    lean_on(double, x_double["late"], kind["late"], hour),
    lean_on(double, x_double["late"], kind["late"], hour + copy_of_hour),
]


# %% ex-11-copies | wrong: asks the model without the copy about both
def lean_on(model, x, truth, columns):
    rng = np.random.default_rng(0)
    before = interest.surprise(interest.predict_interest(model, x), truth).mean()
    after = []
    for _ in range(10):
        changed, order = x.copy(), rng.permutation(len(x))
        changed[columns] = x[columns].to_numpy()[order]
        given = interest.predict_interest(model, changed)
        after.append(interest.surprise(given, truth).mean())
    return np.mean(after) - before


importances = [lean_on(logit, x["late"], kind["late"], hour)] * 3


# %% ex-11-copies | right: NumPy, other seeds, a tuple
def lean_on(model, x, truth, columns):
    where = [x.columns.get_loc(name) for name in columns]
    costs = []
    for seed in range(10):
        values = x.to_numpy(copy=True)
        order = np.random.default_rng(100 + seed).permutation(len(values))
        values[:, where] = values[np.ix_(order, where)]
        table = pd.DataFrame(values, index=x.index, columns=x.columns)
        costs.append(interest.surprise(interest.predict_interest(model, table), truth).mean())
    plain = interest.surprise(interest.predict_interest(model, x), truth).mean()
    return sum(costs) / 10 - plain


importances = (
    lean_on(logit, x["late"], kind["late"], hour),
    lean_on(double, x_double["late"], kind["late"], hour),
    lean_on(double, x_double["late"], kind["late"], [*copy_of_hour, *hour]),
)


# %% ex-11-claim | wrong: encodes the late rows by themselves
flaw = "b"
own_marks = pd.get_dummies(late["root_category"]).reindex(columns=city.index, fill_value=0)
own_sums = own_marks.astype(float).groupby(cell_of(late)).transform("sum")
told = (own_sums + city).div(own_sums.sum(axis=1) + 1, axis=0)
honest = max(says + 0.01, interest.surprise(told, kind["late"]).mean())


# %% ex-11-claim | wrong: a rival who knows more
flaw = "c"
honest = of_city


# %% ex-11-claim | right: counted in a loop
flaw = " B"
seen = {}
for cell, what in zip(cell_of(past), past["root_category"]):
    seen.setdefault(cell, []).append(what)
honest = -np.mean([
    np.log((seen.get(cell, []).count(what) + city[what]) / (len(seen.get(cell, [])) + 1))
    for cell, what in zip(cell_of(late), late["root_category"])
])
