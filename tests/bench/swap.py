"""A flip beside haproxy's runtime API and an nginx reload: latency around it, and how late the
old slot still gets connections. Both slots are up all the time, so that only the flip is seen. Of
slotd also how long it takes from the command to the flip, with a check of the idle slot on the way."""

import datetime
import pathlib
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from common import (  # noqa: E402
    WEB,
    Bench,
    answers,
    floor_line,
    free_port,
    median,
    report,
    wait_until,
)
from harness.measured import MeasuredLoad, overlap, percentile  # noqa: E402

FLIPS = 20
ROUNDS = 3


class Slotd:
    def __init__(self, b, port, a, b_port):
        slot = (
            "[program:{n}]\ncommand={web} 127.0.0.1:%(process_num)d {s}\n"
            "numprocs_start={p}\nprocess_name=%(program_name)s_%(process_num)d\nstartsecs=0\n"
        )
        b.slotd(
            f"[service:x]\nlisten=127.0.0.1:{port}\nslot_a=one\nslot_b=two\nhealth=tcp\n"
            "idle_keep=1h\ndrain_timeout=1\n"
            + slot.format(n="one", web=WEB, s="a", p=a)
            + slot.format(n="two", web=WEB, s="b", p=b_port)
        )
        self.bench = b
        self.commands = []  # when each was given

    def flip(self, _to):
        self.commands.append(time.time())
        done = self.bench.slotctl("swap", "x")
        if done.returncode:
            sys.exit(f"benchmark: swap failed:\n{done.stdout}{done.stderr}")


    def delays(self):
        """Of each flip, in ms: from the start of slotctl to slotd's line that says it is done."""
        log = self.bench.log("slotd-main")
        times = re.findall(r"^(\S+ \S+) \S+ x: new connections go to slot", log, re.M)
        flips = [datetime.datetime.strptime(t, "%Y-%m-%d %H:%M:%S,%f").timestamp() for t in times]
        if len(flips) != len(self.commands):
            sys.exit(f"benchmark: {len(self.commands)} swaps and {len(flips)} flips")
        return [1000 * (flip - command) for command, flip in zip(self.commands, flips, strict=True)]


class Haproxy:
    def __init__(self, b, port, a, b_port):
        self.socket = b.dir / "haproxy.sock"
        config = b.write(
            "haproxy.cfg",
            f"global\n  stats socket {self.socket} level admin\n  nbthread 2\n"
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n"
            "  timeout server 60s\n"
            f"listen x\n  bind 127.0.0.1:{port}\n  server a 127.0.0.1:{a}\n"
            f"  server b 127.0.0.1:{b_port} disabled\n",
        )
        b.start("haproxy", "-db", "-f", config)

    def flip(self, to):
        old = "b" if to == "a" else "a"
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            s.sendall(f"enable server x/{to}; disable server x/{old}\n".encode())
            while s.recv(4096):
                pass


class Nginx:
    def __init__(self, b, port, a, b_port):
        self.bench, self.ports, self.port = b, {"a": a, "b": b_port}, port
        self.process = b.start("nginx", "-c", self.configure("a"), "-e", f"{b.dir}/nginx.err")

    def configure(self, to):
        return self.bench.write(
            "nginx.conf",
            "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
            f"daemon off; worker_processes 2; pid {self.bench.dir}/nginx.pid;\n"
            f"error_log {self.bench.dir}/nginx.err; events {{ worker_connections 4096; }}\n"
            f"stream {{ server {{ listen 127.0.0.1:{self.port}; "
            f"proxy_pass 127.0.0.1:{self.ports[to]}; }} }}\n",
        )

    def flip(self, to):
        self.configure(to)
        self.process.send_signal(1)


def run(way):
    """p99 of new connections in the second around each flip, and the overlap of the slots."""
    with Bench("swap") as b:
        port, a, b_port = free_port(), free_port(), free_port()
        if way is not Slotd:
            for p, slot in ((a, "a"), (b_port, "b")):
                b.start(WEB, f"127.0.0.1:{p}", slot)
                wait_until(lambda p=p: answers(p), "a backend")
        proxy = way(b, port, a, b_port)
        wait_until(lambda: answers(port), way.__name__)
        if way is Slotd:
            proxy.flip("b")  # the first starts the idle slot; from here on both are warm
            proxy.flip("a")
        load = MeasuredLoad(f"127.0.0.1:{port}", new=8, kept=2, slow=0)
        flips = []
        for n in range(FLIPS):
            time.sleep(0.6)
            began = time.monotonic_ns() // 1000
            proxy.flip("b" if n % 2 == 0 else "a")
            flips.append((began, "a" if n % 2 == 0 else "b"))
        time.sleep(0.6)
        load.stop()
        delays = proxy.delays()[2:] if way is Slotd else []
    placed = load.asked_of_slots()
    around, late = [], []
    for began, old in flips:
        new = "b" if old == "a" else "a"
        around += [r.took for r in placed if abs(r.asked - began) < 500_000]
        late.append(overlap(placed, old, new, began - 100_000, began + 500_000))
    failed = len(load.failed())
    crossed = sum(r.outcome == "crossed" for r in load.requests)
    return percentile(around, 0.99), max(late), median(late), failed, crossed, delays


def middle(rounds):
    """The median of each p99 and of the medians, the worst of what may not happen."""
    p99, worst, mid, failed, crossed, _ = zip(*rounds, strict=True)
    return median(p99), max(worst), median(mid), sum(failed), sum(crossed)


def main():
    ways = (Slotd, Haproxy, Nginx)
    rounds = [[run(way) for way in ways] for _ in range(ROUNDS)]  # in turn: the machine changes
    delays = [delay for its in rounds for delay in its[0][-1]]
    of_each = zip(ways, zip(*rounds, strict=True), strict=True)
    figures = {way.__name__.lower(): middle(its) for way, its in of_each}
    report(
        [
            [w, f"{p / 1000:.1f} ms", f"{worst / 1000:.2f} ms", f"{mid / 1000:.2f} ms", n, c]
            for w, (p, worst, mid, n, c) in figures.items()
        ],
        [f"{ROUNDS} x {FLIPS} flips", "p99 around", "old slot last at", "median", "failed", "crossed"],
    )
    floor_line("p99 around a flip against haproxy's API",
               figures["slotd"][0] / figures["haproxy"][0], 1.0, False)
    floor_line("ms from the flip to the last on the old slot", figures["slotd"][1] / 1000, 1.0, False)
    print(f"from the command to the flip: median {median(delays):.1f} ms, worst {max(delays):.1f} ms")
    floor_line("ms from the command to the flip, idle slot warm", median(delays), 10, False)
    floor_line("failed requests", figures["slotd"][3], 0, False)


if __name__ == "__main__":
    main()
