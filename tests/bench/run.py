"""What Phoenix costs, with peers in the same run. Called by `./dev bench`; see README.md here.

usage: ./dev bench [sim|record|memory|balancers]... [--long] [--repeat N] [--json FILE]
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import history

HERE = Path(__file__).resolve().parent
DEBIAN_PYTHON = "/usr/bin/python3"  # the one Debian's python3-simpy is installed for
SIZES = {20: 10_000, 2_000: 1_000_000}  # nodes: requests per second
BALANCER_NODES = [10, 100, 1_000, 10_000, 100_000]

GOAL_US = {20: 0.6, 2_000: 1.0}  # CPU time of a simulated request
GOAL_RECORD = 5.0  # per cent added by recording
GOAL_MEMORY = 200e6
GOAL_GROWTH = 1.1  # peak memory of the longest run to that of the shortest
GOAL_PICK_NS = {("p2c", n): 25 for n in BALANCER_NODES} | {("least_connections", 10_000): 120}
AGREEMENT = 3.0  # per cent that mean response times of the same model may lie apart


def run_json(command):
    """The JSON object a program prints; its complaint and an exit where it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {command[0]} failed ({done.returncode}): {done.stderr.strip()}")
    return json.loads(done.stdout)


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def print_table(title, head, rows):
    """The first column to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}\n")
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())


def verdict(reached):
    return "reached" if reached else "MISSED"


class Bench:
    def __init__(self, build, repeat, is_long):
        self.programs = Path(build) / "tests" / "bench"
        self.repeat = repeat
        self.is_long = is_long

    def phoenix(self, nodes, requests, seed, record="-"):
        rate = SIZES[nodes]
        return run_json([
            self.programs / "sim_request_bench", HERE / "request.toml", record, f"seed={seed}",
            f"cluster.group.node.count={nodes}", f"workload.rate={rate} /s",
            f"duration={requests / rate} s"])

    def peer(self, command, nodes, requests, seed):
        return run_json([*command, nodes, SIZES[nodes], requests, seed])

    def contenders(self, nodes):
        """Name: a run with a seed. Slow peers get fewer requests; cost is per request."""
        bare = [self.programs / "peer_bare_heap"]
        simgrid = [self.programs / "peer_simgrid"]
        simpy = [DEBIAN_PYTHON, HERE / "peers" / "simpy_processes.py"]
        simgrid_requests = 100_000 if nodes == 20 else 50_000
        return {
            "bare event heap": lambda seed: self.peer(bare, nodes, 4_000_000, seed),
            "Phoenix": lambda seed: self.phoenix(nodes, 4_000_000, seed),
            "SimGrid activities": lambda seed: self.peer(simgrid, nodes, simgrid_requests, seed),
            "SimPy": lambda seed: self.peer(simpy, nodes, 100_000, seed),
        }

    def sim(self):
        return [self.sim_at(nodes) for nodes in SIZES]

    def sim_at(self, nodes):
        contenders = self.contenders(nodes)
        runs = {name: [] for name in contenders}
        for seed in range(1, self.repeat + 1):
            note(f"simulated request, {nodes} nodes, repetition {seed} of {self.repeat}")
            for name, run in contenders.items():
                runs[name].append(run(seed))
        cost = {name: [r["cpu_s"] / r["requests"] * 1e6 for r in results]
                for name, results in runs.items()}
        median = {name: statistics.median(us) for name, us in cost.items()}
        mean_ms = {name: statistics.mean(r["mean_ms"] for r in rs) for name, rs in runs.items()}
        rows = [[
            name, f"{median[name]:.3f}", f"{min(us):.3f} - {max(us):.3f}",
            f"{median[name] / median['bare event heap']:.2f}",
            f"{median[name] / median['Phoenix']:.2f}", f"{mean_ms[name]:.3f}",
            f"{statistics.mean(r['p99_ms'] for r in runs[name]):.1f}",
        ] for name, us in cost.items()]
        print_table(
            f"Simulated request: {nodes:,} nodes of 4 cores, {SIZES[nodes]:,} requests/s, p2c, "
            f"{self.repeat} repetitions",
            ["", "CPU us/request", "spread", "to bare heap", "to Phoenix", "mean ms", "p99 ms"],
            rows)
        reached = median["Phoenix"] <= GOAL_US[nodes]
        print(f"\n  Phoenix at most {GOAL_US[nodes]} us: {verdict(reached)}")
        apart = (max(mean_ms.values()) / min(mean_ms.values()) - 1) * 100
        print(f"  Same model: mean response times lie {apart:.1f} % apart, at most {AGREEMENT} %: "
              f"{verdict(apart <= AGREEMENT)}")
        return {"nodes": nodes, "us_per_request": cost, "mean_ms": mean_ms, "apart_percent": apart,
                "goal_us": GOAL_US[nodes], "reached": reached, "same_model": apart <= AGREEMENT}

    def record(self):
        rows, results = [], []
        for nodes in SIZES:
            added, size = [], 0
            for seed in range(1, self.repeat + 1):
                note(f"recording, {nodes} nodes, repetition {seed} of {self.repeat}")
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "run.h5"
                    pair = [lambda: self.phoenix(nodes, 8_000_000, seed),
                            lambda: self.phoenix(nodes, 8_000_000, seed, path)]
                    order = [0, 1] if seed % 2 else [1, 0]
                    cpu = {which: pair[which]()["cpu_s"] for which in order}
                    size = path.stat().st_size
                added.append((cpu[1] / cpu[0] - 1) * 100)
            median = statistics.median(added)
            rows.append([f"{nodes:,} nodes", f"{median:.1f}", f"{min(added):.1f} - {max(added):.1f}",
                         f"{size / 1e6:.1f}", f"{GOAL_RECORD:.0f}", verdict(median <= GOAL_RECORD)])
            results.append({"nodes": nodes, "added_percent": added, "file_bytes": size,
                            "goal_percent": GOAL_RECORD, "reached": median <= GOAL_RECORD})
        print_table("CPU time added by a record with 1 % of 8 million requests and all series",
                    ["", "% added", "spread", "file MB", "goal", ""], rows)
        return results

    def memory(self):
        counts = [1_000_000, 10_000_000] + ([100_000_000] if self.is_long else [])
        peaks = []
        for count in counts:
            note(f"memory, {count:,} requests")
            peaks.append(self.phoenix(20, count, 1)["peak_bytes"])
        rows = [[f"{count:,} requests", f"{peak / 1e6:.1f}", f"{peak / peaks[0]:.3f}"]
                for count, peak in zip(counts, peaks)]
        print_table("Peak memory of a run, 20 nodes", ["", "MB", "to the first"], rows)
        is_small = max(peaks) < GOAL_MEMORY
        is_flat = max(peaks) <= GOAL_GROWTH * peaks[0]
        print(f"\n  Under {GOAL_MEMORY / 1e6:.0f} MB: {verdict(is_small)}"
              f"\n  Flat (within {(GOAL_GROWTH - 1) * 100:.0f} %): {verdict(is_flat)}")
        return {"requests": counts, "peak_bytes": peaks, "reached": is_small and is_flat}

    def balancers(self):
        note("balancer decisions, about two minutes")
        report = run_json([self.programs / "balancer_bench", "--benchmark_min_time=0.05",
                           "--benchmark_format=json"])
        ns = {"pick": {}, "request": {}}
        for one in report["benchmarks"]:
            kind, name, nodes = one["name"].split("/")
            ns[kind].setdefault(name, {})[int(nodes)] = one["cpu_time"]
        titles = {
            "pick": "Balancer decision: CPU ns a pick, by number of nodes",
            "request": "Pick, send and answer with all that the balancer learns: CPU ns a request",
        }
        growth = BALANCER_NODES[-1] // BALANCER_NODES[0]
        for kind, title in titles.items():
            rows = [[name, *(f"{by_nodes[n]:.1f}" for n in BALANCER_NODES),
                     f"{by_nodes[BALANCER_NODES[-1]] / by_nodes[BALANCER_NODES[0]]:.1f}"]
                    for name, by_nodes in ns[kind].items()]
            print_table(title, ["", *(f"{n:,}" for n in BALANCER_NODES), f"x at {growth:,} x"], rows)
        print()
        missed = [key for key, goal in GOAL_PICK_NS.items() if ns["pick"][key[0]][key[1]] > goal]
        for name in dict.fromkeys(name for name, _ in GOAL_PICK_NS):
            goals = {n: goal for (named, n), goal in GOAL_PICK_NS.items() if named == name}
            where = f"at {min(goals):,}" if len(goals) == 1 else "at every size"
            print(f"  {name} picks in at most {max(goals.values())} ns {where}: "
                  f"{verdict(not any(key[0] == name for key in missed))}")
        return {"ns": ns, "reached": not missed}


def machine_facts():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                if line.startswith("model name")), platform.machine())
    revision = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"],
                              capture_output=True, text=True).stdout.strip()
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.platform(),
            "load_average": os.getloadavg()[0], "revision": revision or "unknown",
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def main():
    sections = ["sim", "record", "memory", "balancers"]
    parser = argparse.ArgumentParser(prog="./dev bench", description="What Phoenix costs.")
    parser.add_argument("build", help=argparse.SUPPRESS)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(sections))
    parser.add_argument("--long", action="store_true", help="memory: also 100 million requests")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="repetitions (5)")
    parser.add_argument("--json", metavar="FILE", help="also write the results to FILE")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sections if name not in sections]
    if unknown:
        parser.error(f"no section {unknown[0]!r}; there are: {', '.join(sections)}")
    if arguments.repeat < 1:
        parser.error("--repeat must be at least 1")

    results = {"machine": machine_facts()}
    machine = results["machine"]
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_average']:.1f}, "
          f"revision {machine['revision']}")
    bench = Bench(arguments.build, arguments.repeat, arguments.long)
    for section in arguments.sections or sections:
        results[section] = getattr(bench, section)()
    history.report("sim", {"cpu": machine["cpu"], "cores": machine["cores"]},
                   {name: results[name] for name in results if name != "machine"})
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=2) + "\n")
    if not all(size["same_model"] for size in results.get("sim", [])):
        sys.exit("bench: the contenders do not play the same model; their costs do not compare")


if __name__ == "__main__":
    main()
