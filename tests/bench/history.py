"""Results of benchmarks over time: keeps each, and says what changed since the last.

A series is a list of at least two numbers somewhere in the results: the repetitions of one measurement. Two of the same
name are compared as Google Benchmark's compare.py does: by medians, and by the two-sided Mann-Whitney U test, which takes
nine repetitions a side to be relied on. Results of another machine or build are kept, and not compared with.
"""
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from scipy.stats import mannwhitneyu

ALPHA = 0.05
REPETITIONS_MIN = 9
KEPT = 200  # results of one kind; older ones go


def folder():
    named = os.environ.get("PHOENIX_BENCH_HISTORY")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(named) if named else Path(state) / "phoenix" / "bench"


def series_of(results, path=""):
    """Name: repetitions, of every series anywhere in the results, in their order."""
    found = {}
    if isinstance(results, dict):
        for key, value in results.items():
            found |= series_of(value, f"{path}/{key}" if path else str(key))
    elif isinstance(results, (list, tuple)):
        if len(results) > 1 and all(isinstance(x, (int, float)) and not isinstance(x, bool)
                                    for x in results):
            return {path: [float(x) for x in results]}
        for i, value in enumerate(results):
            label = value.get("nodes", value.get("name", i)) if isinstance(value, dict) else i
            found |= series_of(value, f"{path}/{label}")
    return found


def compare(before, now):
    """Name, median before, median now, relative change, p value (None where one side has one number only)."""
    rows = []
    old, new = series_of(before), series_of(now)
    for name, values in new.items():
        if name not in old:
            continue
        a, b = statistics.median(old[name]), statistics.median(values)
        change = (b - a) / abs(a) if a else float("nan")
        p = mannwhitneyu(old[name], values, alternative="two-sided").pvalue
        rows.append((name, a, b, change, p))
    return rows


def stored(kind, machine):
    """The files of one kind and machine, the oldest first."""
    found = []
    for file in sorted(folder().glob(f"{kind}-*.json")):
        try:
            entry = json.loads(file.read_text())
        except (OSError, ValueError):
            continue
        if entry.get("kind") == kind and entry.get("machine") == machine:
            found.append((file, entry))
    return found


def report(kind, machine, results, out=print):
    """Compares with the last stored results of the same kind and machine, then stores these."""
    known = stored(kind, machine)
    if known:
        file, last = known[-1]
        out(f"\nAgainst {last['time']} ({last['revision']}):\n")
        rows = compare(last["results"], results)
        width = max((len(name) for name, *_ in rows), default=0)
        for name, a, b, change, p in rows:
            word = "" if p >= ALPHA else "differs"
            out(f"  {name:<{width}}  {a:>10.4g} -> {b:<10.4g} {change:+8.1%}  p {p:.3f}  {word}".rstrip())
        fewest = min((len(v) for v in series_of(results).values()), default=0)
        if fewest < REPETITIONS_MIN:
            out(f"\n  {fewest} repetitions: p says little below {REPETITIONS_MIN} (--repeat {REPETITIONS_MIN})")
    save(kind, machine, results)
    for file, _ in known[: max(0, len(known) + 1 - KEPT)]:
        file.unlink(missing_ok=True)


def save(kind, machine, results):
    folder().mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    file = folder() / f"{kind}-{time.time_ns()}.json"
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"kind": kind, "time": stamp, "machine": machine,
                                "revision": revision(), "results": results}, indent=1) + "\n")
    part.rename(file)


def revision():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True,
                          cwd=Path(__file__).resolve().parent)
    return done.stdout.strip() or "unknown"
