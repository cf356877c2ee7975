"""Holds results of the statistics library against scipy and numpy.

    statistics_peer.py FILE

FILE has one case a line, as JSON: what was computed ("op"), from what, and what came out ("found").
Prints the number of cases; a result that is further off than 1e-9 (1e-7 of power, as scipy's
non-central t is no closer), relative to the larger of 1 and its size, is told on stderr and makes
the exit status 1.
"""
import json
import math
import sys

import numpy as np
from scipy import stats


def mean(case):
    x = np.array(case["a"])
    low, high = stats.t.interval(case["confidence"], len(x) - 1, x.mean(), stats.sem(x))
    return {"mean": x.mean(), "sd": x.std(ddof=1), "low": low, "high": high}


def paired(case):
    a, b = np.array(case["a"]), np.array(case["b"])
    d = a - b
    test = stats.ttest_rel(a, b)
    m = len(d) - 1
    dz = d.mean() / d.std(ddof=1)
    low, high = stats.t.interval(case["confidence"], m, d.mean(), stats.sem(d))
    expected = {
        "mean": d.mean(), "low": low, "high": high, "t": test.statistic, "p": test.pvalue,
        "dz": dz, "correlation": stats.pearsonr(a, b)[0],
        "gz": dz * math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2)) / math.sqrt(m / 2),
        "relative": d.mean() / b.mean(),
    }
    # By what Fieller's bounds are: there, the t test of d - x b is just at the level.
    found = case["found"]
    for side in ("relative_low", "relative_high"):
        p = stats.ttest_1samp(d - found[side] * b, 0).pvalue
        expected[side] = found[side] if abs(p - (1 - case["confidence"])) < 1e-9 else math.nan
    return expected


def welch(case):
    a, b = np.array(case["a"]), np.array(case["b"])
    test = stats.ttest_ind(a, b, equal_var=False)
    sa, sb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    nu = (sa + sb) ** 2 / (sa**2 / (len(a) - 1) + sb**2 / (len(b) - 1))
    return {"t": test.statistic, "p": test.pvalue, "nu": nu}


def wilcoxon(case):
    d = np.array(case["a"])
    kept = np.abs(d[d != 0])
    exact = len(kept) <= 25 and len(set(kept)) == len(kept)
    test = stats.wilcoxon(d, correction=True, method="exact" if exact else "approx")
    return {"w": test.statistic, "p": test.pvalue, "exact": float(exact)}


def kendall(case):
    a, b = case["a"], case["b"]
    exact = len(a) <= 33 and len(set(a)) == len(a) and len(set(b)) == len(b)
    test = stats.kendalltau(a, b, method="exact" if exact else "asymptotic")
    return {"tau": test.statistic, "p": test.pvalue, "exact": float(exact)}


def tost(case):
    a, b, margin = np.array(case["a"]), np.array(case["b"]), case["margin"]
    if case["paired"]:
        above = stats.ttest_rel(a + margin, b, alternative="greater").pvalue
        below = stats.ttest_rel(a - margin, b, alternative="less").pvalue
    else:
        above = stats.ttest_ind(a + margin, b, equal_var=False, alternative="greater").pvalue
        below = stats.ttest_ind(a - margin, b, equal_var=False, alternative="less").pvalue
    return {"p": max(above, below)}


def power(case):
    n, shift = case["n"], case["effect"] * math.sqrt(case["n"])
    critical = stats.t.isf(case["level"] / 2, n - 1)
    return {"power": stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift)}


def quantile(case):
    x, q = np.array(case["a"]), case["q"]
    n, outside = len(x), (1 - case["confidence"]) / 2
    return {
        "nearest": np.quantile(x, q, method="inverted_cdf"),
        "interpolated": np.quantile(x, q),
        "low": float(stats.binom.ppf(outside, n, q)),
        "high": float(stats.binom.ppf(1 - outside, n, q)) + 1,
    }


def warm_up(case):
    x = np.array(case["a"])
    z = x[: len(x) // 5 * 5].reshape(-1, 5).mean(axis=1)
    k = len(z)
    errors = [((z[d:] - z[d:].mean()) ** 2).sum() / (k - d) ** 2 for d in range(k // 2 + 1)]
    d = int(np.argmin(errors))
    return {"deleted": 5.0 * d, "mean": z[d:].mean(), "short": float(d == k // 2)}


def is_close(op, found, expected):
    tolerance = 1e-7 if op == "power" else 1e-9
    return abs(found - expected) <= tolerance * max(1.0, abs(expected))


def main():
    ops = {f.__name__: f for f in (mean, paired, welch, wilcoxon, kendall, tost, power, quantile,
                                   warm_up)}
    count, wrong = 0, 0
    for line in open(sys.argv[1]):
        case = json.loads(line)
        expected = ops[case["op"]](case)
        assert expected.keys() == case["found"].keys(), (expected, case["found"])
        for name, value in expected.items():
            if not is_close(case["op"], case["found"][name], value):
                wrong += 1
                print(f"case {count}, {case['op']}.{name}: found {case['found'][name]!r}, "
                      f"expected {float(value)!r}", file=sys.stderr)
        count += 1
    print(count)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
