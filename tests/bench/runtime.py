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
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import history

CONNECTIONS = 32
BODY = "x" * 64
TICK_S = 1 / os.sysconf("SC_CLK_TCK")

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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(500):
        if process.poll() is not None:
            sys.exit(f"bench: {process.args[0]} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    sys.exit(f"bench: nobody listens on port {port}")


def process_tree(pid):
    """The process and all below it."""
    found = [pid]
    with contextlib.suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += process_tree(int(child))
    return found


def cpu_seconds(pid):
    """User and system time of the process and its children, in ns resolution where there is one."""
    total = 0.0
    for one in process_tree(pid):
        with contextlib.suppress(FileNotFoundError):
            for task in Path(f"/proc/{one}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0]) * 1e-9
    return total


def resident_bytes(pid):
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in process_tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def on_core(core):
    """What is started inside stays on this core of the machine."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


class Servers:
    """Starts processes in a folder of their own and stops them whatever happens."""

    def __init__(self, programs):
        self.programs = Path(programs)
        self.folder = Path(tempfile.mkdtemp(prefix="phoenix-bench-"))
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(*reversed(self.running))
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command, port):
        log = open(self.folder / f"log-{len(self.running)}", "w")
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log,
                                   start_new_session=True)
        self.running.append(process)
        if port:
            wait_for(port, process)
        return process

    def stop(self, *processes):
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            self.running = [one for one in self.running if one is not process]

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def origin(self):
        """An nginx that answers everything from memory."""
        port = free_port()
        config = self.write(f"origin-{port}.conf", f"""
            daemon off; worker_processes 1; pid {self.folder}/origin-{port}.pid;
            error_log stderr crit;
            events {{ worker_connections 4000; }}
            http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
              server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{BODY}"; }} }} }}""")
        self.start(["nginx", "-p", self.folder, "-c", config], port)
        return port

    def haproxy(self, origins):
        port = free_port()
        servers = "\n".join(f"  server s{p} 127.0.0.1:{p}" for p in origins)
        config = self.write(f"haproxy-{port}.cfg", f"""
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 60s
  option http-keep-alive
frontend front
  bind 127.0.0.1:{port}
  default_backend back
backend back
  balance leastconn
  http-reuse always
{servers}
""")
        return port, self.start(["haproxy", "-db", "-f", config], port)

    def nginx(self, origins):
        port = free_port()
        servers = " ".join(f"server 127.0.0.1:{p};" for p in origins)
        config = self.write(f"nginx-{port}.conf", f"""
            daemon off; worker_processes 1; pid {self.folder}/nginx-{port}.pid;
            error_log stderr crit;
            events {{ worker_connections 4000; }}
            http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
              upstream back {{ least_conn; {servers} keepalive 64;
                keepalive_requests 1000000000; }}
              server {{ listen 127.0.0.1:{port};
                location / {{ proxy_pass http://back; proxy_http_version 1.1;
                              proxy_set_header Connection ""; }} }} }}""")
        return port, self.start(["nginx", "-p", self.folder, "-c", config], port)

    def gateway(self, origins=(), nodes=False, extra="", record=False, tls=False):
        """A gateway of one thread: before HTTP servers, or before nodes that announce themselves.
        Ports: http, frames, admin."""
        http, frames, admin = free_port(), free_port(), free_port()
        if nodes:
            service = 'protocol = "frames"\n'
        else:
            service = 'protocol = "http"\n' + "".join(
                f'[[service.server]]\naddress = "127.0.0.1:{p}"\n' for p in origins)
        secure = ""
        if tls:
            certificate, key = self.certificate()
            secure = f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
        taped = f'[record]\npath = "{self.folder}/bench-{http}.h5"\nsample = 0.01\n' if record else ""
        config = self.write(f"gateway-{http}.toml", f"""
name = "bench"
threads = 1
http = "127.0.0.1:{http}"
frames = "127.0.0.1:{frames}"
admin = "127.0.0.1:{admin}"
{secure}{extra}{taped}
[[service]]
name = "web"
balancer = "least_connections"
{service}
[[route]]
path = "/"
service = "web"
""")
        process = self.start([self.programs / "phoenix-gateway", "--config", config,
                              "--log-level", "error"], http)
        return (http, frames, admin), process

    def node(self, frames_port, name, batch_size=1, service="web=echo", delay="200us"):
        """`batch_size` responses may share a frame, waiting `delay` at most; 1: none waits."""
        port = free_port()
        self.start([self.programs / "phoenix-node", "--listen", f"127.0.0.1:{port}", "--name", name,
                    "--gateway", f"127.0.0.1:{frames_port}", "--service", service,
                    "--batch-size", str(batch_size), "--batch-delay", delay,
                    "--log-level", "error"], port)

    def certificate(self):
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        if not certificate.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                            "/CN=localhost", "-keyout", key, "-out", certificate],
                           check=True, capture_output=True)
        return certificate, key


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
        reached = all(one["added_us"]["Phoenix"][q] <= one["added_us"]["HAProxy"][q]
                      for one in (free, bound) for q in ("p50", "p99"))
        print(f"\n  Adds no more than HAProxy, either way: {verdict(reached)}")
        return {**free, "bound": bound, "reached": reached}

    def latency_of(self, title, outside, proxies):
        """Both give a context to start processes in: load and servers, and proxies."""
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
            for turn in range(self.repeat):
                note(f"latency, {title}, repetition {turn + 1} of {self.repeat}")
                names = list(ports)
                for name in names[turn % len(names):] + names[:turn % len(names)]:
                    with outside():
                        got = self.load("--url", f"http://127.0.0.1:{ports[name]}/",
                                        "--rate", "1000", "--duration", f"{self.seconds}s")
                    for quantile in ("p50", "p99"):
                        seen[name][quantile].append(got["latency"][quantile] * 1e6)
        median = {name: {q: statistics.median(v) for q, v in qs.items()}
                  for name, qs in seen.items()}
        added = {name: {q: qs[q] - median["no proxy"][q] for q in qs} for name, qs in median.items()}
        print_table(f"Latency at 1,000 requests/s, {self.repeat} repetitions of {self.seconds} s, "
                    + title, ["", "p50 us", "added", "p99 us", "added"],
                    [[name, f"{median[name]['p50']:.0f}", f"{added[name]['p50']:.0f}",
                      f"{median[name]['p99']:.0f}", f"{added[name]['p99']:.0f}"] for name in ports])
        return {"us": seen, "added_us": added}

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
    bench = RuntimeBench(arguments.build, arguments.repeat, arguments.seconds)
    results = {name: getattr(bench, name)() for name in arguments.sections or sections}
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    history.report("runtime", machine, results)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({**machine, "results": results}, indent=1))


if __name__ == "__main__":
    main()
