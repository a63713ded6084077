"""Fit AR and ARMA to many series, against statsmodels one by one, in the same run.

    .venv/bin/python benchmarks/fit_series.py [--series N] [--peer-series N] [--exact-series N]

Prints seconds, ratios and the largest differences. The peer is timed on the first series and its
time is scaled up, which favours neither. Both sides use one thread each if the environment says so
(OMP_NUM_THREADS=1). Forecasts: the last 20 of 220 steps, one step ahead, coefficients from the
first 200.
"""

import argparse
import time
import warnings

import numpy as np

from stim_lib import series


def best_of(times, job):
    """Result and least seconds of a few runs."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        result = job()
        seconds.append(time.perf_counter() - started)
    return result, min(seconds)


def compare_ar(panel, n_peer, order):
    """AR by least squares, Yule-Walker and Burg: coefficients and speed."""
    from statsmodels.regression.linear_model import burg, yule_walker
    from statsmodels.tsa.ar_model import AutoReg

    peers = {
        "ols": lambda y: AutoReg(y, order).fit().params[1:],
        "yule_walker": lambda y: yule_walker(y, order, method="mle")[0],
        "burg": lambda y: burg(y, order)[0],
    }
    n = panel.shape[1]
    for method, peer in peers.items():
        fit, ours = best_of(3, lambda method=method: series.fit_ar(panel, order, method=method))
        theirs, seconds = best_of(
            2, lambda peer=peer: np.array([peer(panel[:, i]) for i in range(n_peer)])
        )
        apart = np.abs(theirs - fit.ar[:n_peer]).max()
        ratio = seconds / n_peer / (ours / n)
        print(
            f"AR({order}) {method:12} {n:,} series {ours:.3f} s; statsmodels {n_peer:,} in "
            f"{seconds:.2f} s; ratio {ratio:.0f}; coefficients apart by {apart:.0e}"
        )


def compare_arma(panel, n_known):
    """ARMA(1, 1): likelihood, forecasts and speed."""
    from statsmodels.tsa.arima.model import ARIMA

    known, order = panel[:n_known], (1, 1)
    fit, ours = best_of(2, lambda: series.fit_arma(known, order))
    _, alone = best_of(3, lambda: series.fit_arma(known[:, 0], order))
    started = time.perf_counter()
    theirs = [ARIMA(column, order=(1, 0, 1)).fit() for column in known.T]
    seconds = time.perf_counter() - started
    n = panel.shape[1]
    some = known[:, :100]
    lean = {"cov_type": "none", "low_memory": True}
    _, least = best_of(2, lambda: [ARIMA(y, order=(1, 0, 1)).fit(**lean) for y in some.T])
    print(
        f"statsmodels without covariances and at low memory, its fastest exact way: "
        f"{least / some.shape[1]:.4f} s a series; ratio {least / some.shape[1] / (ours / n):.0f}"
    )
    print(f"one series alone: ours {alone:.3f} s, statsmodels {seconds / n:.3f} s")
    print(
        f"ARMA(1, 1) exact likelihood, {n:,} series: {ours:.2f} s; statsmodels {seconds:.1f} s; "
        f"ratio {seconds / ours:.0f}; {fit}"
    )
    apart = fit.log_likelihood - np.array([result.llf for result in theirs])
    print(f"log-likelihood, ours minus theirs: {apart.min():.1e} to {apart.max():.1e}")
    ahead = series.predict_ahead(fit, panel).mean.to_numpy()[n_known:]
    there = np.array(
        [r.append(y[n_known:]).fittedvalues[n_known:] for r, y in zip(theirs, panel.T, strict=True)]
    ).T
    mine, peer = (np.abs(panel[n_known:] - guess).mean() for guess in (ahead, there))
    print(
        f"mean absolute error of forecasts: {mine:.5f} against {peer:.5f}, {mine / peer - 1:+.2%}"
    )


def main():
    """Time both; print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--peer-series", type=int, default=1_000)
    parser.add_argument("--exact-series", type=int, default=1_000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the peer's, about its own future
    panel = series.simulate_arma(
        220, ar=[0.8], ma=[-0.4], mean=3.0, n_series=options.series, seed=0
    )
    compare_ar(panel[:200], options.peer_series, order=2)
    compare_arma(panel[:, : options.exact_series], 200)


if __name__ == "__main__":
    main()
