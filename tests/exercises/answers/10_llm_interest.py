# %% ex-10-shares | wrong: the mean of the probabilities of the tokens
by_sum = [0.5, 0.25, 0.25]
by_mean = np.array([0.2, 0.1, (0.4 + 0.25) / 2]) / 0.625


# %% ex-10-shares | wrong: forgets the second token
by_sum = np.array([0.2, 0.1, 0.4]) / 0.7
by_mean = by_sum


# %% ex-10-shares | right: lists, with logarithms
tokens = [[0.2], [0.1], [0.4, 0.25]]
sums = [np.exp(sum(map(np.log, some))) for some in tokens]
means = [np.exp(np.mean(np.log(some))) for some in tokens]
by_sum = [one / sum(sums) for one in sums]
by_mean = [one / sum(means) for one in means]


# %% ex-10-words | wrong: counts the action itself
def total_so_far(asked, history):
    rows = []
    for user, moment in zip(asked["user_id"], asked["timestamp"]):
        own_rows = history[history["user_id"] == user]
        rows.append([f"In all: {(own_rows['timestamp'] <= moment).sum()}"])
    return np.array(rows)


# %% ex-10-words | wrong: as in the file
total_so_far = total_in_file


# %% ex-10-words | right: a loop over the queries
def total_so_far(asked, history):
    times = {user: part["timestamp"].sort_values() for user, part in history.groupby("user_id")}
    rows = []
    for query in asked.itertuples():
        before = times.get(query.user_id, pd.Series(dtype=asked["timestamp"].dtype))
        rows.append([f"In all: {int((before < query.timestamp).sum())}"])
    return np.array(rows, dtype=object)


# %% ex-10-reply | wrong: the first number that it finds
def choice_of(reply, n):
    import re

    found = re.search(r"\d+", reply)
    return int(found[0]) if found and 1 <= int(found[0]) <= n else None


# %% ex-10-reply | wrong: any number
def choice_of(reply, n):
    try:
        return int(reply.strip().rstrip("."))
    except ValueError:
        return None


# %% ex-10-reply | right: without the library
def choice_of(reply, n):
    bare = reply.strip().removesuffix(".").strip()
    return int(bare) if bare in {str(i) for i in range(1, n + 1)} else None


# %% ex-10-claim | wrong: asks for more examples
flaw = "d"
nats = scores["nats"]
honest = (nats["SmolLM2 with LoRA", 1000] - nats["logistic on the lines", 3000]).mean()


# %% ex-10-claim | wrong: the fair rival, the wrong way round
flaw = "c"
nats = scores["nats"]
honest = (nats["logistic on the whole past", 1000] - nats["SmolLM2 with LoRA", 1000]).mean()


# %% ex-10-claim | right: paired differences
flaw = "C"
gap = metrics.paired_differences(
    scores["nats"]["SmolLM2 with LoRA", 1000],
    scores["nats"]["logistic on the whole past", 1000],
    users,
)
honest = gap["value"].iloc[0]
