"""How well every balancer balances: p50, p99, p99.9 and failed requests on three library scenarios.

Paired: every balancer meets the same arrivals and work in each of the replications, so what the
table shows beside a mean is the 95 % interval of that mean over runs (Student's t).
"""

import argparse
import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ("overload_ramp", "heterogeneous", "hot_keys")
COLUMNS = ("p50_s", "p99_s", "p999_s")
# Two-sided 95 % points of Student's t, by degrees of freedom; the last one serves beyond.
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
       2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)


def balancer_names(phoenix):
    listed = subprocess.run([phoenix, "list", "balancers"], capture_output=True, text=True,
                            check=True).stdout
    return [line.strip() for line in listed.splitlines()
            if line.startswith("  ") and not line.startswith("   ")]


def run(phoenix, scenario, balancer, seed):
    command = [phoenix, "run", str(ROOT / "scenarios/library" / f"{scenario}.toml"), "--json",
               "--seed", str(seed), "--set", f"strategies.balancer={balancer}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    total = json.loads(done.stdout)["total"]
    times = total["response_time"]
    return [times[column] * 1000 for column in COLUMNS] + [total["failed"]]


def mean_and_interval(values):
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, math.nan
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    return mean, T95[min(n - 2, len(T95) - 1)] * deviation / math.sqrt(n)


def table(scenario, rows):
    lines = [f"{scenario} (ms; failed is requests)",
             f"  {'balancer':<24}{'p50':>18}{'p99':>20}{'p99.9':>20}{'failed':>22}"]
    for name, runs in sorted(rows.items(), key=lambda row: sum(one[1] for one in row[1])):
        cells = [mean_and_interval([one[i] for one in runs]) for i in range(4)]
        text = [f"{mean:.2f} +- {half:.2f}" for mean, half in cells[:3]]
        text.append(f"{cells[3][0]:.1f} +- {cells[3][1]:.1f}")
        lines.append(f"  {name:<24}{text[0]:>18}{text[1]:>20}{text[2]:>20}{text[3]:>22}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phoenix", default=str(ROOT / "build/release/phoenix"))
    parser.add_argument("--replications", type=int, default=20)
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS))
    parser.add_argument("--balancers", nargs="+", help="all of `phoenix list` unless named")
    parser.add_argument("--json", metavar="FILE", help="write every run's numbers there too")
    arguments = parser.parse_args()

    names = arguments.balancers or balancer_names(arguments.phoenix)
    seeds = range(1, arguments.replications + 1)
    results = {}
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for scenario in arguments.scenarios:
            jobs = {name: [pool.submit(run, arguments.phoenix, scenario, name, seed)
                           for seed in seeds] for name in names}
            results[scenario] = {name: [job.result() for job in of] for name, of in jobs.items()}
            print(table(scenario, results[scenario]), flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results))


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"balancing_quality: {error}")
