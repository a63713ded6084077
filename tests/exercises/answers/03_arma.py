# %% ex-03-pencil | right: from the library
books = np.array([1.0, 3, 2, 4, 0])
phi_yule_walker = series.fit_ar(books, 1, method="yule_walker").ar.item()
phi_burg = series.fit_ar(books, 1, method="burg").ar.item()
# %% ex-03-pencil | right: two decimals, by hand
phi_yule_walker = -0.5
phi_burg = -0.67
# %% ex-03-pencil | wrong: as many squares as products
phi_yule_walker = -5 / (1 + 1 + 0 + 4)
phi_burg = -10 / 15
# %% ex-03-pencil | wrong: Burg without the factor two
phi_yule_walker = -5 / 10
phi_burg = -5 / 15
# %% ex-03-noise | right: covariance over variance, step by step
def seen_phi(v):
    covariance = 0.9 * 1
    variance = np.add(1, v)
    return np.divide(covariance, variance)


half_v = 1.0
# %% ex-03-noise | wrong: a standard deviation below the line
def seen_phi(v):
    return 0.9 / np.sqrt(1 + v)


half_v = 3
# %% ex-03-noise | wrong: noise counted with its square
def seen_phi(v):
    return 0.9 / (1 + v**2)


half_v = 1
# %% ex-03-interval | right: a loop over series
def coverage(n_known, level):
    y = series.simulate_arma(n_known + 1, ar=[0.8], ma=[-0.4], n_series=500, seed=3)
    ahead = series.forecast(series.fit_arma(y[:n_known], (1, 1)), y[:n_known], n_steps=1)
    low, high = (end.to_numpy().ravel() for end in ahead.interval(level))
    inside = 0
    for last, bottom, top in zip(y[n_known], low, high):
        inside += bottom <= last <= top
    return inside / len(low)
# %% ex-03-interval | wrong: forgets the level
def coverage(n_known, level):
    y = series.simulate_arma(n_known + 1, ar=[0.8], ma=[-0.4], n_series=500, seed=7)
    fit = series.fit_arma(y[:-1], (1, 1))
    low, high = series.forecast(fit, y[:-1], 1).interval(0.95)
    return ((y[-1] > low.to_numpy()[0]) & (y[-1] < high.to_numpy()[0])).mean()
# %% ex-03-interval | wrong: always knows two hundred steps
def coverage(n_known, level):
    y = series.simulate_arma(201, ar=[0.8], ma=[-0.4], n_series=500, seed=7)
    fit = series.fit_arma(y[:-1], (1, 1))
    low, high = series.forecast(fit, y[:-1], 1).interval(level)
    return ((y[-1] > low.to_numpy()[0]) & (y[-1] < high.to_numpy()[0])).mean()
# %% ex-03-rival | right: pandas alone
table = pd.crosstab(own.log["local_time"].dt.date, own.log["root_category"], normalize="index")
mean = table.expanding().mean().shift()
smooth = table.ewm(alpha=0.1).mean().shift()
flaw = " D"
errors = [(table - forecast).iloc[14:].abs().to_numpy().mean() for forecast in (smooth, mean)]
honest = (errors[1] - errors[0]) / errors[1]
# %% ex-03-rival | wrong: a mean that knows the future
table = series.make_interest_series(own.log, by="city", freq="D")
smooth = series.predict_smoothed(table, 0.1)
away = (table - smooth)[14:].abs().mean().mean()
flaw = "d"
honest = 1 - away / (table - table.mean())[14:].abs().mean().mean()
# %% ex-03-rival | wrong: blames the fit, though the number is right
table = series.make_interest_series(own.log, by="city", freq="D")
smooth, mean = series.predict_smoothed(table, 0.1), series.predict_mean(table)
flaw = "a"
honest = 1 - (table - smooth)[14:].abs().mean().mean() / (table - mean)[14:].abs().mean().mean()
