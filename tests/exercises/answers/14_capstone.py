# %% ex-14-users | wrong: cuts the fraction off
def needed(low, high, n_users):
    gap, half = (low + high) / 2, (high - low) / 2
    return int(n_users * (half / gap) ** 2 + 1e-9)


# %% ex-14-users | right: by the formula, with NumPy
def needed(low, high, n_users):
    ratio = (high - low) / (high + low)
    return np.ceil(n_users * ratio**2)


# %% ex-14-config | wrong: no time zone
my_config = """
[columns]
user_id = "Wer"
item_id = "Was"
timestamp = "Wann"
[log]
time_format = "%d.%m.%Y %H:%M"
"""


# %% ex-14-config | wrong: month first
my_config = """
[columns]
user_id = "Wer"
item_id = "Was"
timestamp = "Wann"
[log]
timezone = "Asia/Shanghai"
time_format = "%m.%d.%Y %H:%M"
"""


# %% ex-14-config | right: sections the other way round, dotted keys
my_config = (
    'log.timezone = "Asia/Shanghai"\nlog.time_format = "%d.%m.%Y %H:%M"\n'
    'columns = {item_id = "Was", user_id = "Wer", timestamp = "Wann"}\n'
)


# %% ex-14-columns | wrong: changes the log that was handed in
def fallen(loaded, columns):
    before = {c.text for c in system.claims_of_log(loaded) if c.holds}
    for name in columns:
        loaded.log[name] = np.nan
    return before - {c.text for c in system.claims_of_log(loaded) if c.holds}


# %% ex-14-columns | right: a loop over claims, on a copy
def fallen(loaded, columns):
    log = loaded.log.copy()
    log[list(columns)] = float("nan")
    left = [c.text for c in system.claims_of_log(dataclasses.replace(loaded, log=log)) if c.holds]
    gone = set()
    for claim in system.claims_of_log(loaded):
        if claim.holds and claim.text not in left:
            gone.add(claim.text)
    return gone


# %% ex-14-claim | wrong: deals, but looks at the reported till and kind only
flaw = "c"
rng = np.random.default_rng(0)
one = [abs(distances(rng.permutation(till))[number, kind]) for _ in range(500)]
honest = float(np.mean(np.array(one) >= largest))


# %% ex-14-claim | wrong: blames the five people
flaw = "d"
honest = 0.05


# %% ex-14-claim | right: a loop, another seed, a capital letter
flaw = "C"
count = 0
for seed in range(500):
    dealt = np.random.default_rng(seed).permutation(till)
    far = distances(dealt)
    if max(far.max(), -far.min()) >= largest:
        count += 1
honest = count / 500
