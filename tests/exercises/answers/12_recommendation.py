# %% ex-12-by-hand | wrong: adds the recalls of two roads that overlap
by_pencil = [0.6, 0.4, 1.0, -0.5, 1.0, 1 / 3]


# %% ex-12-by-hand | wrong: the answer less the other candidate
by_pencil = [0.6, 0.4, 0.8, -1, 2, 1 / 3]


# %% ex-12-by-hand | right: an array
found = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 0]], dtype=bool)
two = np.array([[1, 0], [0, 2]])
by_pencil = np.r_[found.mean(axis=1), found.any(axis=0).mean(), two[1] - two.sum(0) / 2, 0.3333]


# %% ex-12-roads | wrong: shares of all questions, and the best one by one
def found_without(road):
    still = own_hits.drop(columns=road).any(axis=1)
    return (still & own_been).mean(), (still & ~own_been).mean()


def best_three():
    return list(own_hits.mean().sort_values().index[-3:])


# %% ex-12-roads | wrong: what the road finds, not what is left
def found_without(road):
    return own_hits.loc[own_been, road].mean(), own_hits.loc[~own_been, road].mean()


def best_three():
    reach = {}
    for a in own_hits:
        for b in own_hits:
            for c in own_hits:
                if len({a, b, c}) == 3:
                    reach[a, b, c] = own_hits[[a, b, c]].any(axis=1).mean()
    return max(reach, key=reach.get)


# %% ex-12-roads | right: loops, lists in place of tuple and set
def found_without(road):
    counts = {True: [], False: []}
    for row, back in zip(own_hits.to_dict("records"), own_been):
        counts[bool(back)].append(any(hit for name, hit in row.items() if name != road))
    return [sum(counts[key]) / len(counts[key]) for key in (True, False)]


def best_three():
    best, most = None, -1
    names = list(own_hits.columns)
    for i in range(8):
        for j in range(i):
            for k in range(j):
                some = [names[k], names[j], names[i]]
                reach = own_hits[some].to_numpy().max(axis=1).sum()
                if reach > most:
                    best, most = some, reach
    return best


# %% ex-12-optimist | wrong: one count of showings for all worlds
def optimist(clicks, shows):
    known = np.maximum(shows, 1)
    bonus = np.sqrt(2 * np.log(np.maximum(shows.sum(), 1)) / known) / 4
    return np.where(shows == 0, 100, clicks / known + bonus)


hopeful = run_world(optimist, 0)


# %% ex-12-optimist | wrong: a bonus that does not shrink
def optimist(clicks, shows):
    return np.where(shows == 0, 100, clicks / np.maximum(shows, 1) + 0.25)


hopeful = run_world(optimist, 0)


# %% ex-12-optimist | right: infinity for the unknown, world by world
def optimist(clicks, shows):
    scores = np.full(shows.shape, np.inf)
    for world in range(len(shows)):
        known = shows[world] > 0
        n = shows[world][known]
        if len(n):
            bonus = np.sqrt(2 * np.log(n.sum()) / n) / 4
            scores[world, known] = clicks[world][known] / n + bonus
    return scores


hopeful = run_world(optimist, 0)


# %% ex-12-claim | wrong: a share of the people
flaw = "c"
honest = recorded.groupby("user_id")["item_id"].agg(lambda i: i.isin(the_list).mean()).min()


# %% ex-12-claim | wrong: sees the flaw, weighs the searched visits
flaw = "d"
honest = listed.sum() / (listed.sum() + 10 * (searched & ~listed).sum())


# %% ex-12-claim | right: a loop and a capital letter
flaw = "D "
honest = len([place for place in late["item_id"] if place in list(the_list)]) / len(late)
