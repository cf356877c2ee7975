"""Processes a benchmark plays with: proxies, servers and nodes on ports of their own, what they cost
and where they run."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BODY = "x" * 64


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
