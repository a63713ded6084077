# %% ex-13-by-hand | right: arrays, and loops over the ranks
labels_by_hand = np.array([0.75, 0.6, 2 / 3, 0.7])


def four_metrics(ranks):
    first = hits = reciprocal = gain = 0
    for rank in ranks:
        first += rank == 1
        reciprocal += 1 / rank
        if rank <= 10:
            hits += 1
            gain += np.log(2) / np.log(1 + rank)
    return np.array([first, hits, reciprocal, gain]) / len(ranks)


# %% ex-13-by-hand | wrong: leaves the missing place out of the count
labels_by_hand = [6 / 8, 6 / 10, 2 / 3, 14 / 20]


def four_metrics(ranks):
    ranks = ranks[np.isfinite(ranks)]
    hit = ranks <= 10
    return [(ranks == 1).mean(), hit.mean(), (1 / ranks).mean(),
            (hit / np.log2(1 + ranks)).mean()]


# %% ex-13-by-hand | wrong: precision and recall changed places
labels_by_hand = [6 / 10, 6 / 8, 2 / 3, 14 / 20]


def four_metrics(ranks):
    hit = ranks <= 10
    return [(ranks == 1).mean(), hit.mean(), (1 / ranks).mean(),
            (hit / np.log2(1 + ranks)).mean()]


# %% ex-13-leaks | right: a loop that fills a set
def leaky(features):
    caught = set()
    for name in features:
        found = leaks.find_leaks(features[name], own.log, own_asked, n_instants=3)
        if not found.empty:
            caught.add(name)
    return caught


# %% ex-13-leaks | wrong: types its guess in
def leaky(features):
    return [name for name in features if name == "rows_of_user"]


# %% ex-13-gap | right: a Series of means, the first two by nlargest
def best_half_life(half_lives):
    scores = pd.DataFrame({
        days: evaluation.evaluate(
            baselines.UserCounter(half_life_days=days).fit(own_train), own_validation,
            train=own_train, log=own.log,
        ).scores()["mrr"]
        for days in half_lives
    })
    best, second = scores.mean().nlargest(2).index
    gap = metrics.paired_differences(scores[best], scores[second], own_validation["user_id"])
    return [best, gap, (gap["low"] > 0).item()]


# %% ex-13-gap | wrong: chooses on the test part
def best_half_life(half_lives):
    mrr = {}
    for h in half_lives:
        model = baselines.UserCounter(half_life_days=h).fit(own_train)
        mrr[h] = evaluation.evaluate(model, own_test, train=own_train, log=own.log).scores()["mrr"]
    first, second = sorted(mrr, key=lambda h: -mrr[h].mean())[:2]
    gap = metrics.paired_differences(mrr[first], mrr[second], own_test["user_id"]).iloc[0]
    return first, gap, gap["low"] > 0


# %% ex-13-gap | wrong: draws rows instead of people
def best_half_life(half_lives):
    mrr = {}
    for h in half_lives:
        model = baselines.UserCounter(half_life_days=h).fit(own_train)
        result = evaluation.evaluate(model, own_validation, train=own_train, log=own.log)
        mrr[h] = result.scores()["mrr"]
    first, second = sorted(mrr, key=lambda h: -mrr[h].mean())[:2]
    rows = np.arange(len(own_validation))
    gap = metrics.paired_differences(mrr[first], mrr[second], rows).iloc[0]
    return first, gap, gap["low"] > 0


# %% ex-13-claim | right: counts the places level with the true one
flaw = "B"
model = baselines.Markov(level="user", prior_weight=0).fit(own_train)
scores = model.score(own_asked, history=own.log)
place = model.catalogue.get_indexer(own_answers)
right = 0
for row, column in zip(scores, place):
    if column >= 0:
        right += (row >= row[column]).sum() == 1
honest = right / len(scores)

# %% ex-13-claim | wrong: takes the first of those that are level
flaw = "b"
model = baselines.Markov(level="user", prior_weight=0).fit(own_train)
scores = model.score(own_asked, history=own.log)
honest = (model.catalogue[scores.argmax(axis=1)] == own_answers).mean()

# %% ex-13-claim | wrong: suspects the history
flaw = "a"
honest = evaluation.evaluate(
    baselines.Markov(level="user", prior_weight=0).fit(own_train), own_test, train=own_train,
    log=own.log, history="rolling",
).scores()["mrr"].gt(0.999).mean()
