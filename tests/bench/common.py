"""What the benchmarks share: processes that end, ports, CPU and memory of a set of processes.

Every figure is a ratio against a peer or a floor of the same run; nothing here judges a time.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("SLOTD_BUILD", "build")).resolve()
BENCH = BUILD / "tests" / "bench"
SLOTD = BUILD / "src" / "supervisor" / "slotd"
SLOTCTL = BUILD / "src" / "ctl" / "slotctl"
WEB = BUILD / "tests" / "system" / "web"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"benchmark: {what} did not happen within {seconds} s")
        time.sleep(0.005)


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return s.recv(16).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def children(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(p) for p in text.split()]


def family(pid):
    found = [pid]
    for p in found:
        found += children(p)
    return found


def command_name(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def cpu_seconds(pids):
    """User and system time of processes that live, with what they waited for."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(f) for f in fields[11:13])
    return total / TICKS


def cpu_nanoseconds(pids):
    """Finer than cpu_seconds: the scheduler's own count (Documentation/scheduler/sched-stats)."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
                total += int((thread / "schedstat").read_text().split()[0])
    return total


def wakeups(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])
    return total


def pss_kib(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
    return total


# Debian's packages with what slotd is compared to.
PEERS = ("haproxy", "libnginx-mod-stream", "nginx-light", "runit", "supervisor", "wrk")


class Bench:
    """A private directory and processes that end with it, by pid."""

    def __init__(self, name):
        self.name = name
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"slotd-bench-{name}-"))
        self.dir.chmod(0o755)
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for p in reversed(self.processes):
            self.end(p)
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, *argv, **options):
        log = open(self.dir / f"{pathlib.Path(str(argv[0])).name}.log", "ab")
        options.setdefault("stdout", log)
        options.setdefault("stderr", log)
        options.setdefault("stdin", subprocess.DEVNULL)
        try:
            p = subprocess.Popen([str(a) for a in argv], **options)
        except FileNotFoundError:
            sys.exit(f"benchmark: {argv[0]} is missing: apt-get install {' '.join(PEERS)}")
        self.processes.append(p)
        return p

    def end(self, p):
        if p.poll() is None:
            # runsvdir(8) leaves its services where it was, but for HUP
            p.send_signal(signal.SIGHUP if p.args[0] == "runsvdir" else signal.SIGTERM)
            try:
                p.wait(timeout=30)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        if p in self.processes:
            self.processes.remove(p)

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def slotd(self, text):
        """slotd in the foreground; ready when its control socket answers."""
        head = (
            "[slotd]\n"
            f"state_dir={self.dir}/state\nrun_dir={self.dir}/run\nlog_dir={self.dir}\n"
            f"logfile={self.dir}/slotd-main.log\npidfile={self.dir}/slotd.pid\n"
            f"childlogdir={self.dir}\n"
        )
        for sub in ("state", "run"):
            (self.dir / sub).mkdir(exist_ok=True)
        config = self.write("slotd.conf", head + text)
        p = self.start(SLOTD, "-n", "-s", "-c", config)
        wait_until(lambda: self.slotctl("version").returncode == 0 or p.poll() is not None, "slotd")
        if p.poll() is not None:
            sys.exit(f"benchmark: slotd did not start:\n{self.log('slotd')}")
        return p

    def slotctl(self, *args):
        url = f"unix://{self.dir}/run/slotd.sock"
        return subprocess.run(
            [SLOTCTL, "-s", url, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def supervisord(self, text):
        sock = self.dir / "supervisor.sock"
        head = (
            f"[supervisord]\nnodaemon=true\nsilent=true\nlogfile={self.dir}/supervisord.log\n"
            f"pidfile={self.dir}/supervisord.pid\nchildlogdir={self.dir}\nminfds=16384\n"
            f"[unix_http_server]\nfile={sock}\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{sock}\n"
        )
        config = self.write("supervisord.conf", head + text)
        p = self.start("/usr/bin/supervisord", "-n", "-s", "-c", config)
        wait_until(sock.exists, "supervisord")
        return p

    def log(self, name):
        path = self.dir / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""


def own_processes(daemon):
    """slotd and its helpers, without the workers."""
    return [p for p in family(daemon.pid) if command_name(p).startswith("slotd")]


def median(values):
    return statistics.median(values)


def report(rows, header):
    """A table, one row per way; columns are what was measured."""
    widths = [max(len(str(r[i])) for r in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        print("  ".join(str(c).ljust(w) for c, w in zip(row, widths)).rstrip())


def floor_line(what, value, bound, at_least):
    """One floor of the product: held or not. A benchmark tells; it never fails on a time."""
    held = value >= bound if at_least else value <= bound
    sign = ">=" if at_least else "<="
    print(f"{'floor held' if held else 'FLOOR MISSED'}: {what}: {value:.3g} (wanted {sign} {bound:g})")
