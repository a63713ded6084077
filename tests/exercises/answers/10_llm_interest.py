# %% ex-10-shares | right: logarithms
by_sum = [0.5, 0.25, 0.25]
logs = np.array([np.log(0.2), np.log(0.1), (np.log(0.4) + np.log(0.25)) / 2])
by_mean = list(np.exp(logs) / sum(np.exp(logs)))
# %% ex-10-shares | wrong: forgets the second token
by_sum = np.array([0.2, 0.1, 0.4]) / 0.7
by_mean = by_sum
# %% ex-10-shares | wrong: no shares, the mean of probabilities
by_sum = [0.5, 0.25, 0.25]
by_mean = [0.2, 0.1, (0.4 + 0.25) / 2]
# %% ex-10-words | right: a loop over queries
def total_so_far(asked, history):
    texts = []
    for user, when in zip(asked["user_id"], asked["timestamp"]):
        before = (history["user_id"] == user) & (history["timestamp"] < when)
        texts.append([f"In all: {before.sum()}"])
    return texts
# %% ex-10-words | wrong: all that is in the file
def total_so_far(asked, history):
    return total_in_file(asked, history)
# %% ex-10-words | wrong: counts the query itself
def total_so_far(asked, history):
    texts = []
    for user, when in zip(asked["user_id"], asked["timestamp"]):
        before = (history["user_id"] == user) & (history["timestamp"] <= when)
        texts.append([f"In all: {before.sum()}"])
    return np.array(texts)
# %% ex-10-reply | right: by hand
def choice_of(reply, n):
    text = reply.strip().removesuffix(".")
    return int(text) if text.isdecimal() and 1 <= int(text) <= n else None
# %% ex-10-reply | wrong: no look at the list
def choice_of(reply, n):
    text = reply.strip().rstrip(".")
    return int(text) if text.isdigit() else None
# %% ex-10-understood | right: a bootstrap by hand
flaw = "C"
table = mine.assign(gain=mine["zero-shot, lines and habits"] - mine["hour counter"])
groups = [part.to_numpy() for _, part in table["gain"].groupby(person[mine.index])]
rng = np.random.default_rng(11)
means = []
for _ in range(1000):
    drawn = [groups[i] for i in rng.integers(len(groups), size=len(groups))]
    means.append(np.concatenate(drawn).mean())
honest = (table["gain"].mean(), np.quantile(means, 0.025), np.quantile(means, 0.975))
# %% ex-10-understood | wrong: the rival is Markov
flaw = "c"
gain = metrics.paired_differences(
    mine["zero-shot, lines and habits"].rename("accuracy"),
    mine["Markov"].rename("accuracy"), person[mine.index])
honest = gain[["value", "low", "high"]].iloc[0].tolist()
# %% ex-10-understood | wrong: turned round, and the ten sides of a coin
flaw = "a"
gain = metrics.paired_differences(
    mine["hour counter"].rename("accuracy"),
    mine["zero-shot, lines and habits"].rename("accuracy"), person[mine.index])
honest = gain[["value", "low", "high"]].iloc[0].tolist()
