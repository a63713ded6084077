# %% ex-07-by-hand | right: an array from the equations
half = 1 / (1 + np.exp(0.0))
cell, steps = half * 0.81, 0
third = cell
while cell >= 0.05:
    cell, steps = cell * half, steps + 1
by_pencil = np.array([half, half, half, np.tanh(0), third, half * np.tanh(third), steps])

# %% ex-07-by-hand | wrong: a gate that reads nothing is shut
by_pencil = [0.0001, 0.0001, 0.0001, 0, 0, 0, 1]

# %% ex-07-by-hand | wrong: counts the third input among the further steps
by_pencil = [0.5, 0.5, 0.5, 0, 0.405, 0.192, 5]

# %% ex-07-accuracy | right: a loop and another order
def largest_class(kinds_next):
    rows = {}
    for one in sorted(set(kinds_next)):
        yes = sum(kind == one for kind in kinds_next) / len(kinds_next)
        rows[one] = max(yes, 1 - yes)
    return pd.Series(rows)


looks_best = own.log["root_category"].value_counts().index[-1]

# %% ex-07-accuracy | wrong: always no, also to a common kind
def largest_class(kinds_next):
    return (1 - pd.Series(kinds_next).value_counts(normalize=True)).clip(0.5)


looks_best = largest_class(own.log["root_category"]).idxmax()

# %% ex-07-accuracy | wrong: names the most frequent kind
def largest_class(kinds_next):
    share = pd.Series(kinds_next).value_counts(normalize=True)
    return np.maximum(share, 1 - share)


looks_best = own.log["root_category"].mode()[0]

# %% ex-07-windows | right: a loop over the queries
def careful(log, asked):
    rows = []
    for name, instant in zip(asked["user_id"], asked["timestamp"]):
        before = log[(log["user_id"] == name) & (log["timestamp"] < instant)]
        rows.append(([""] * 5 + before["item_id"].tolist())[-5:])
    return np.array(rows, dtype=object).astype(str)


# %% ex-07-windows | wrong: the query itself is in the window
def careful(log, asked):
    return careless(log, asked)


# %% ex-07-windows | wrong: padded on the right
def careful(log, asked):
    past = queries.look_back(asked, log)
    items = log["item_id"].to_numpy()[past.row]
    rows = [items[past.query == n][-5:].tolist() for n in range(len(asked))]
    return np.array([row + [""] * (5 - len(row)) for row in rows])


# %% ex-07-claim | right: weights, as in Keras
flaw = "C"
weight = (target != 0).astype(float)
honest = np.average(said == target, weights=weight)

# %% ex-07-claim | wrong: right answers to real questions, over all positions
flaw = "c"
honest = ((said == target) & (target > 0)).mean()

# %% ex-07-claim | wrong: takes the rival for the flaw
flaw = "e"
honest = always
