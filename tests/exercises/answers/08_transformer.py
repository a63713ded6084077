# %% ex-08-by-hand | right: an array, pairs counted by a loop
weights = np.exp([np.log(1), np.log(2), np.log(5)])
pairs_seen = sum(1 for question in range(4) for action in range(4) if action <= question)
by_pencil = np.array([np.average([0, 8, 16], weights=weights), 5.33, np.log(1 / 5), pairs_seen])

# %% ex-08-by-hand | wrong: the masked weight is not shared out again
by_pencil = [12, 2 * 8 / 8, -np.log(5), 10]

# %% ex-08-by-hand | wrong: an action does not look at itself
by_pencil = [12, 16 / 3, -np.log(5), 6]

# %% ex-08-half-life | right: the logarithm of the weight, with a constant more
def half_life_bias(age_days, half_life_days):
    return np.log(2.0 ** (-np.asarray(age_days) / half_life_days)) + 7


def both_bias(age_days, clock_gap, half_life_days, width_hours):
    weight = np.exp(-0.5 * (clock_gap / width_hours) ** 2) + 1e-300
    return [b + np.log(w) for b, w in zip(half_life_bias(age_days, half_life_days), weight)]


# %% ex-08-half-life | wrong: the weight itself as a bias
def half_life_bias(age_days, half_life_days):
    return 2 ** (-age_days / half_life_days)


def both_bias(age_days, clock_gap, half_life_days, width_hours):
    return half_life_bias(age_days, half_life_days) * np.exp(-(clock_gap**2) / 2 / width_hours**2)


# %% ex-08-half-life | wrong: no logarithm of two
def half_life_bias(age_days, half_life_days):
    return -age_days / half_life_days


def both_bias(age_days, clock_gap, half_life_days, width_hours):
    return half_life_bias(age_days, half_life_days) - clock_gap**2 / 2 / width_hours**2


# %% ex-08-mask | right: a loop over windows and allclose
def sees_ahead(network, windows, column):
    other = []
    for number, window in enumerate(windows):
        stranger = windows[(number + 5) % len(windows)]
        other.append(np.concatenate([window[: column + 1], stranger[column + 1 :]]))
    before = network(windows)
    after = network(np.array(other))
    for question in range(column + 1):
        if not np.allclose(before[:, question], after[:, question], rtol=0, atol=1e-6):
            return True
    return False


# %% ex-08-mask | wrong: exchanges the column itself too
def sees_ahead(network, windows, column):
    changed = windows.copy()
    changed[:, column:] = windows[::-1, column:]
    moved = np.abs(network(changed) - network(windows))[:, : column + 1]
    return moved.max() > 1e-6


# %% ex-08-mask | wrong: asks all rows
def sees_ahead(network, windows, column):
    changed = windows.copy()
    changed[:, column + 1 :] = windows[::-1, column + 1 :]
    return not np.allclose(network(changed), network(windows), atol=1e-6)


# %% ex-08-mask | wrong: leaves the row of the column out
def sees_ahead(network, windows, column):
    changed = windows.copy()
    changed[:, column + 1 :] = windows[::-1, column + 1 :]
    moved = np.abs(network(changed) - network(windows))[:, :column]
    return bool(moved.size and moved.max() > 1e-6)


# %% ex-08-claim | right: the overlap of two shares
flaw = "B"
left = []
for places, hours in histories:
    shares = two_blocks(places, hours)[0]
    left.append(np.minimum(shares, two_blocks(places[-1:], hours[-1:])[0]).sum())
honest = 1 - sum(left) / len(left)

# %% ex-08-claim | wrong: what the map leaves to the others
flaw = "b"
honest = 1 - on_last

# %% ex-08-claim | wrong: suspects the sum of the weights
flaw = "a"
honest = float(np.mean([
    np.abs(two_blocks(p[-1:], h[-1:])[0] - two_blocks(p, h)[0]).sum() / 2 for p, h in histories
]))
