"""What the gateway costs, beside HAProxy and nginx in the same run. Called by `./dev bench --runtime`.

usage: ./dev bench --runtime [proxy|latency|native|record|tls|idle]... [--repeat N] [--seconds S]
                             [--json FILE]

Every proxy runs one thread, picks by least connections among the same two nginx servers (64 bytes,
one worker each) and serves the same 32 keep-alive connections of wrk. Cost is user and system time
of the proxy's processes, as the kernel counts it, per request wrk got answered.
"""
import argparse
import contextlib
import json
import os
import platform
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from scipy.stats import binomtest

import history
from servers import Servers, cpu_seconds, on_core, resident_bytes

CONNECTIONS = 32

GOAL_HTTP = 1.0    # of HAProxy's CPU time, plain HTTP servers behind
GOAL_NODES = 0.7   # of HAProxy's CPU time, Phoenix nodes behind, batched
GOAL_NATIVE_US = 3.0
GOAL_RECORD = 5.0  # per cent
GOAL_IDLE_BYTES = 16 * 1024
IDLE_CONNECTIONS = 10_000


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def verdict(reached):
    return "reached" if reached else "MISSED"


def print_table(title, head, rows):
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}\n")
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())


def wrk(url, seconds):
    """Requests answered; an exit where any of them failed."""
    out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url],
                         capture_output=True, text=True, check=True).stdout
    failed = re.search(r"(Socket errors|Non-2xx).*", out)
    if failed:
        sys.exit(f"bench: {url}: {failed[0]}")
    return int(re.search(r"(\d+) requests in", out)[1])


def wait_ready(url_port):
    """Until the proxy answers 200: its nodes have announced themselves."""
    import http.client
    for _ in range(250):
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", url_port, timeout=2)
            connection.request("GET", "/")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.02)
    sys.exit("bench: the gateway never answered 200")


class RuntimeBench:
    def __init__(self, programs, repeat, seconds):
        self.servers_args = programs
        self.repeat = repeat
        self.seconds = seconds

    def cost_table(self, title, contenders, base):
        """contenders: name -> (url, process). Rounds take turns; cost is CPU us per request."""
        cost = {name: [] for name in contenders}
        rate = {name: [] for name in contenders}
        for url, _ in contenders.values():
            wrk(url, 1)  # connections to the servers stand, caches are warm
        for turn in range(self.repeat):
            note(f"{title}, repetition {turn + 1} of {self.repeat}")
            for name, (url, process) in contenders.items():
                before = cpu_seconds(process.pid)
                requests = wrk(url, self.seconds)
                cost[name].append((cpu_seconds(process.pid) - before) / requests * 1e6)
                rate[name].append(requests / self.seconds)
        median = {name: statistics.median(us) for name, us in cost.items()}
        rows = [[name, f"{median[name]:.2f}", f"{min(us):.2f} - {max(us):.2f}",
                 f"{median[name] / median[base]:.2f}", f"{statistics.median(rate[name]):,.0f}"]
                for name, us in cost.items()]
        print_table(f"{title}: one thread, {CONNECTIONS} connections, {self.repeat} repetitions of "
                    f"{self.seconds} s",
                    ["", "CPU us/request", "spread", f"to {base}", "requests/s"], rows)
        return median, {"us_per_request": cost, "requests_per_s": rate}

    def proxy(self):
        with Servers(self.servers_args) as servers:
            origins = [servers.origin(), servers.origin()]
            haproxy_port, haproxy = servers.haproxy(origins)
            nginx_port, nginx = servers.nginx(origins)
            (plain, _, _), gateway = servers.gateway(origins)
            (batched, frames, _), over_nodes = servers.gateway(
                nodes=True, extra='[knobs]\nbatch_size = 32\nbatch_delay = "200 us"\n')
            for name in ("a", "b"):
                servers.node(frames, name)
            for port in (plain, batched):
                wait_ready(port)
            url = "http://127.0.0.1:{}/".format
            median, result = self.cost_table("Proxied HTTP request", {
                "HAProxy": (url(haproxy_port), haproxy), "nginx": (url(nginx_port), nginx),
                "Phoenix, HTTP servers": (url(plain), gateway),
                "Phoenix, nodes, batched": (url(batched), over_nodes)}, "HAProxy")
        http = median["Phoenix, HTTP servers"] / median["HAProxy"]
        nodes = median["Phoenix, nodes, batched"] / median["HAProxy"]
        print(f"\n  At most {GOAL_HTTP} of HAProxy before HTTP servers: {verdict(http <= GOAL_HTTP)}")
        print(f"  At most {GOAL_NODES} of HAProxy before nodes: {verdict(nodes <= GOAL_NODES)}")
        return {**result, "to_haproxy": {"http": http, "nodes": nodes},
                "reached": http <= GOAL_HTTP and nodes <= GOAL_NODES}

    def load(self, *options):
        """phoenix-load's result as JSON."""
        done = subprocess.run([str(Path(self.servers_args) / "phoenix-load"), *options, "--json"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: phoenix-load: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def latency(self):
        """Latency added at 1,000 requests/s: the proxy's quantiles less those of the server alone.

        Left to the scheduler, the same process is twice as fast in one run as in the next, as it
        shares its core or does not; so it is measured with a core to itself, too."""
        if len(os.sched_getaffinity(0)) < 2:
            note("latency: one core for all, since there is no second")
        free = self.latency_of("cores left to the scheduler", contextlib.nullcontext,
                               contextlib.nullcontext)
        bound = self.latency_of("a core for load and servers, one for the proxies",
                                lambda: on_core(0), lambda: on_core(-1))
        return {**free, "bound": bound, "reached": free["reached"] and bound["reached"]}

    def latency_of(self, title, outside, proxies):
        """Both give a context to start processes in: load and servers, and proxies.

        What disturbs a machine lasts for seconds and is larger than what proxies differ by, so they
        take turns of one second, and what counts is how often one is above the other."""
        rounds = self.repeat * self.seconds
        with Servers(self.servers_args) as servers:
            with outside():
                origins = [servers.origin(), servers.origin()]
            with proxies():
                haproxy_port, _ = servers.haproxy(origins)
                nginx_port, _ = servers.nginx(origins)
                (plain, _, _), _ = servers.gateway(origins)
            wait_ready(plain)
            ports = {"no proxy": origins[0], "HAProxy": haproxy_port, "nginx": nginx_port,
                     "Phoenix": plain}
            seen = {name: {"p50": [], "p99": []} for name in ports}
            note(f"latency, {title}, {rounds} rounds")
            for turn in range(rounds):
                names = list(ports)
                for name in names[turn % len(names):] + names[:turn % len(names)]:
                    with outside():
                        got = self.load("--url", f"http://127.0.0.1:{ports[name]}/",
                                        "--rate", "1000", "--duration", "1s")
                    for quantile in ("p50", "p99"):
                        seen[name][quantile].append(got["latency"][quantile] * 1e6)
        median = {name: {q: statistics.median(v) for q, v in qs.items()}
                  for name, qs in seen.items()}
        added = {name: {q: qs[q] - median["no proxy"][q] for q in qs} for name, qs in median.items()}
        print_table(f"Latency at 1,000 requests/s, {rounds} rounds of 1 s, " + title,
                    ["", "p50 us", "added", "p99 us", "added"],
                    [[name, f"{median[name]['p50']:.0f}", f"{added[name]['p50']:.0f}",
                      f"{median[name]['p99']:.0f}", f"{added[name]['p99']:.0f}"] for name in ports])
        print()
        verdicts = {q: self.not_above(q, seen["Phoenix"][q], seen["HAProxy"][q])
                    for q in ("p50", "p99")}
        return {"us": seen, "added_us": added, "reached": all(verdicts.values())}

    @staticmethod
    def not_above(quantile, ours, peers):
        """Of rounds played in pairs: missed where the sign test tells that ours is above."""
        apart = [a - b for a, b in zip(ours, peers) if a != b]
        above = sum(difference > 0 for difference in apart)
        is_above = binomtest(above, max(len(apart), 1), alternative="greater").pvalue < 0.05
        by = statistics.median(a - b for a, b in zip(ours, peers))
        told = verdict(not is_above) if is_above or by <= 0 else "not told apart"
        print(f"  {quantile} at most HAProxy's: {told}, {by:+.0f} us in the median, above in "
              f"{above} of {len(ours)} rounds")
        return not is_above

    def native(self):
        """CPU time of the gateway per request of a native client, nodes behind; all of them batch.

        Most of it goes into waking up, so it depends on how long frames may wait for company."""
        costs = {delay: self.native_cost(delay) for delay in ("200us", "500us")}
        median = {delay: statistics.median(cost) for delay, cost in costs.items()}
        print_table(f"Native client over frames, 60,000 requests/s, {self.repeat} repetitions",
                    ["frames wait at most", "CPU us/request", "spread"],
                    [[delay, f"{median[delay]:.2f}", f"{min(cost):.2f} - {max(cost):.2f}"]
                     for delay, cost in costs.items()])
        reached = {delay: cost <= GOAL_NATIVE_US for delay, cost in median.items()}
        print(f"\n  At most {GOAL_NATIVE_US} us: " +
              ", ".join(f"{verdict(is_good)} at {delay}" for delay, is_good in reached.items()))
        return {"us_per_request": costs["200us"], "us_per_request_500us": costs["500us"],
                "reached": reached["200us"]}

    def native_cost(self, delay):
        cost = []
        with Servers(self.servers_args) as servers:
            spelled = delay.replace("us", " us")
            knobs = f'batch_size = 64\nbatch_delay = "{spelled}"\npool_size = 1\n'
            (http, frames, _), gateway = servers.gateway(nodes=True, extra="[knobs]\n" + knobs)
            for name in ("a", "b"):
                servers.node(frames, name, 64, delay=delay)
            wait_ready(http)
            options = ["--frames", f"127.0.0.1:{frames}", "--service", "web", "--connections", "1",
                       "--batch", "64", "--batch-delay", delay, "--rate", "60000"]
            self.load(*options, "--duration", "1s")
            for turn in range(self.repeat):
                note(f"native client at {delay}, repetition {turn + 1} of {self.repeat}")
                before = cpu_seconds(gateway.pid)
                got = self.load(*options, "--duration", f"{self.seconds}s")
                cost.append((cpu_seconds(gateway.pid) - before) / got["completed"] * 1e6)
        return cost

    def record(self):
        with Servers(self.servers_args) as servers:
            origins = [servers.origin(), servers.origin()]
            (plain, _, _), gateway = servers.gateway(origins)
            (taped, _, _), recording = servers.gateway(origins, record=True)
            for port in (plain, taped):
                wait_ready(port)
            url = "http://127.0.0.1:{}/".format
            median, result = self.cost_table("Recording 1 % of the requests", {
                "without": (url(plain), gateway), "with": (url(taped), recording)}, "without")
        added = (median["with"] / median["without"] - 1) * 100
        print(f"\n  Adds {added:.1f} %, at most {GOAL_RECORD} %: {verdict(added <= GOAL_RECORD)}")
        return {**result, "added_percent": added, "reached": added <= GOAL_RECORD}

    def tls(self):
        with Servers(self.servers_args) as servers:
            origins = [servers.origin(), servers.origin()]
            (plain, _, _), gateway = servers.gateway(origins)
            (secure, _, _), encrypted = servers.gateway(origins, tls=True)
            wait_ready(plain)
            _, result = self.cost_table("TLS towards clients, connections kept", {
                "plain": (f"http://127.0.0.1:{plain}/", gateway),
                "TLS": (f"https://127.0.0.1:{secure}/", encrypted)}, "plain")
        return {**result, "reached": True}

    def idle(self):
        """Resident memory of the gateway per idle connection that has been served once."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        with Servers(self.servers_args) as servers:
            origin = servers.origin()
            (port, _, _), gateway = servers.gateway(
                [origin], extra='[http_limits]\nidle_timeout = "600 s"\n')
            wait_ready(port)
            before = resident_bytes(gateway.pid)
            held = []
            for _ in range(IDLE_CONNECTIONS):
                one = socket.create_connection(("127.0.0.1", port), 5)
                one.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
                if not one.recv(4096).startswith(b"HTTP/1.1 200"):
                    sys.exit(f"bench: connection {len(held)} was not served")
                held.append(one)
            each = (resident_bytes(gateway.pid) - before) / len(held)
            held[0].sendall(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
            alive = held[0].recv(4096).startswith(b"HTTP/1.1 200")
            for one in held:
                one.close()
        print_table("Idle connections", ["", "held", "bytes each"],
                    [["Phoenix", f"{IDLE_CONNECTIONS:,}", f"{each:,.0f}"]])
        reached = alive and each <= GOAL_IDLE_BYTES
        print(f"\n  At most {GOAL_IDLE_BYTES:,} bytes each, first one still served: {verdict(reached)}")
        return {"bytes_each": each, "held": IDLE_CONNECTIONS, "reached": reached}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench --runtime", description=__doc__.split("\n")[0])
    sections = ["proxy", "latency", "native", "record", "tls", "idle"]
    parser.add_argument("build", help=argparse.SUPPRESS)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(sections)}")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each repetition")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there as well")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sections if name not in sections]
    if unknown:
        parser.error(f"no section `{unknown[0]}`; there are {', '.join(sections)}")
    # So that what was started is stopped then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped by SIGTERM"))
    bench = RuntimeBench(arguments.build, arguments.repeat, arguments.seconds)
    results = {name: getattr(bench, name)() for name in arguments.sections or sections}
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    history.report("runtime", machine, results)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({**machine, "results": results}, indent=1))


if __name__ == "__main__":
    main()
