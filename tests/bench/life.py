"""Crash to restart, start and stop of 1,000 workers, memory, idle and crash loops, beside others."""

import os
import signal
import subprocess
import sys
import threading
import time

from common import (
    BENCH,
    SLOTCTL,
    Bench,
    command_name,
    cpu_nanoseconds,
    cpu_seconds,
    family,
    floor_line,
    median,
    own_processes,
    pss_kib,
    report,
    wait_until,
    wakeups,
)

WORKERS = 20
KILLS_EACH = 6  # of runit's and supervisord's workers
KILLS_A_ROUND = 2
MANY = 1000
ROUNDS = 5
CROWD = 50
SETTLED = 6  # seconds: whether a helper has read what it was sent last is looked at once, after 4


# ---- crash to restart


class Stamps:
    """The FIFO into which every worker writes its pid and when it started."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self.fd = os.open(path, os.O_RDWR)

    def read(self, n):
        got = b""
        while got.count(b"\n") < n:
            got += os.read(self.fd, 4096)
        return [(int(p), float(t)) for p, t in (line.split() for line in got.splitlines())]


def kill_in_turn(stamps, times):
    """Seconds from each kill to the start of the successor; each worker is killed so many times."""
    live = dict(stamps.read(WORKERS))
    taken = []
    for _ in range(times):
        for pid in list(live):
            # runit paces what lived for less than a second: be fair to it.
            time.sleep(max(0.0, live[pid] + 1.2 - time.monotonic()))
            at = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            del live[pid]
            successor, started = stamps.read(1)[0]
            live[successor] = started
            taken.append(started - at)
    return taken


def under_floor(b, fifo):
    b.start(BENCH / "floor", "restart", WORKERS, BENCH / "floor", "stamp", fifo)


PROGRAM = (
    "[program:stamp]\ncommand={bench}/floor stamp {fifo}\nnumprocs={n}\nstartsecs=0\n"
    "autorestart=true\nprocess_name=%(program_name)s_%(process_num)d\n"
    "stdout_logfile=NONE\nstderr_logfile=NONE\n"
)


def under_slotd(b, fifo):
    b.slotd(PROGRAM.format(bench=BENCH, fifo=fifo, n=WORKERS))


def under_supervisord(b, fifo):
    b.supervisord(PROGRAM.format(bench=BENCH, fifo=fifo, n=WORKERS))


def service_dirs(b, n, command):
    top = b.dir / "service"
    for i in range(n):
        one = top / f"w{i}"
        one.mkdir(parents=True)
        (one / "run").write_text(f"#!/bin/sh\nexec {command}\n")
        (one / "run").chmod(0o755)
    return top


def under_runit(b, fifo):
    b.start("runsvdir", service_dirs(b, WORKERS, f"{BENCH}/floor stamp {fifo}"))


def restarts(start, times):
    with Bench("restart") as b:
        stamps = Stamps(b.dir / "stamps")
        start(b, stamps.path)
        return kill_in_turn(stamps, times)


def crash_to_restart():
    """slotd and the bare loop by turns: what else the machine does changes from minute to minute."""
    figures = {"bare loop": [], "slotd": []}
    for _ in range(ROUNDS):
        figures["bare loop"] += restarts(under_floor, KILLS_A_ROUND)
        figures["slotd"] += restarts(under_slotd, KILLS_A_ROUND)
    figures["runit"] = restarts(under_runit, KILLS_EACH)
    figures["supervisord"] = restarts(under_supervisord, KILLS_EACH)
    rows = [
        [w, f"{median(v) * 1000:.2f} ms", f"{sorted(v)[int(len(v) * 0.99)] * 1000:.2f} ms"]
        for w, v in figures.items()
    ]
    report(rows, ["crash to restart", "median", "p99"])
    base = figures["bare loop"]
    floor_line("restart against the bare loop", median(figures["slotd"]) / median(base), 1.35, False)


# ---- a thousand


def bare_loop(*argv):
    """Seconds to start and to stop."""
    out = subprocess.run(
        [BENCH / "floor", *argv, "sleep", "1000"], capture_output=True, text=True, check=True
    ).stdout.split()
    return float(out[0]), float(out[1])


def start_many(b):
    began = time.monotonic()
    b.slotctl("start", "many:*")
    return time.monotonic() - began


def stop_many(b):
    began = time.monotonic()
    b.slotctl("stop", "many:*")
    return time.monotonic() - began


def check_running(b):
    running = b.slotctl("status").stdout.count("RUNNING")
    if running != MANY:
        sys.exit(f"benchmark: {running} of {MANY} workers run\n{b.log('slotd')}")


def idle_costs(own):
    """MiB, share of a processor and wake-ups a second, while all workers run and nothing happens."""
    memory = pss_kib(own) / 1024
    time.sleep(SETTLED)
    cpu, woken = cpu_nanoseconds(own), wakeups(own)
    time.sleep(5)
    return memory, (cpu_nanoseconds(own) - cpu) / 5e9, (wakeups(own) - woken) / 5


def rounds_of_many(b, own):
    """Starts and stops of each way in turn, ROUNDS times, for one alone says little."""
    taken = {way: [] for way in ("bare", "kept", "slotd")}
    for i in range(ROUNDS):
        taken["bare"].append(bare_loop("spawn", str(MANY)))
        # Supervisor's least: pipes for their output, and a log.
        taken["kept"].append(bare_loop("keep", str(MANY), b.dir / "kept.log"))
        started = start_many(b)
        if i == 0:
            check_running(b)
            idle = idle_costs(own)
        taken["slotd"].append((started, stop_many(b)))
    return {way: [median(v) for v in zip(*pairs)] for way, pairs in taken.items()}, idle


def thousand():
    with Bench("thousand") as b:
        daemon = b.slotd(
            f"[program:many]\ncommand=sleep 1000\nnumprocs={MANY}\nstartsecs=0\nautostart=false\n"
            "process_name=%(program_name)s_%(process_num)d\n"
        )
        # Looked for before there are workers: the kernel ends a process the more slowly for each of
        # its names in /proc that somebody has read, and nobody reads those of the bare loop.
        taken, (memory, cpu, woken) = rounds_of_many(b, own_processes(daemon))
    (bare, bare_stop), (kept, kept_stop), (started, stopped) = taken.values()
    report(
        [
            ["bare spawns", f"{bare:.2f} s", f"{bare_stop:.3f} s", "", ""],
            ["with pipes and a log", f"{kept:.2f} s", f"{kept_stop:.3f} s", "", ""],
            ["slotd", f"{started:.2f} s", f"{stopped:.3f} s", f"{memory:.1f} MiB", f"{woken:.1f}/s"],
        ],
        [f"{MANY} workers", "start", "stop", "memory (PSS)", "idle wake-ups"],
    )
    floor_line("start of 1,000 against bare spawns", started / bare, 1.35, False)
    floor_line("stop of 1,000 against the bare loop", stopped / bare_stop, 1.0, False)
    floor_line("start of 1,000 against spawns with pipes and a log", started / kept, 1.0, False)
    floor_line("stop of 1,000 against the loop with pipes and a log", stopped / kept_stop, 1.0,
               False)
    floor_line("seconds to stop 1,000", stopped, 0.2, False)
    floor_line("MiB of all slotd processes with 1,000 workers", memory, 16, False)
    floor_line("CPU share when idle", cpu, 0.0005, False)
    floor_line("wake-ups a second when idle", woken, 0, False)


# ---- status


def whole_process(argv, times):
    taken = []
    for _ in range(times):
        began = time.monotonic()
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=False)
        taken.append(time.monotonic() - began)
    return median(taken)


def status():
    programs = "".join(
        f"[program:p{i}]\ncommand=sleep 1000\nstartsecs=0\n"
        "stdout_logfile=NONE\nstderr_logfile=NONE\n" for i in range(100)
    )
    with Bench("status") as b:
        b.slotd(programs)
        url = f"unix://{b.dir}/run/slotd.sock"
        ours = whole_process([SLOTCTL, "-s", url, "status"], 30)
    with Bench("status") as b:
        b.supervisord(programs)
        ctl = ["/usr/bin/supervisorctl", "-c", b.dir / "supervisord.conf", "status"]
        wait_until(lambda: subprocess.run(ctl, capture_output=True).returncode == 0, "supervisord")
        theirs = whole_process(ctl, 7)
    report(
        [["slotctl", f"{ours * 1000:.1f} ms"], ["supervisorctl", f"{theirs * 1000:.0f} ms"]],
        ["status of 100 programs", "median"],
    )
    floor_line("times faster than supervisorctl", theirs / ours, 20, True)


def at_once(argv, clients, lines):
    """Median seconds of so many clients that ask at the same time; each must get it all."""
    began = time.monotonic()
    asking = [subprocess.Popen(argv, stdout=subprocess.PIPE) for _ in range(clients)]
    taken, answers = [], []

    def take(p):
        answers.append(p.communicate()[0].count(b"RUNNING"))
        taken.append(time.monotonic() - began)

    threads = [threading.Thread(target=take, args=(p,)) for p in asking]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if answers != [lines] * clients:
        sys.exit(f"benchmark: {argv[0]} did not get {lines} lines each time, but {answers}")
    return median(taken), max(taken)


def crowd():
    """Status of a thousand by fifty at once."""
    program = (
        f"[program:many]\ncommand=sleep 1000\nnumprocs={MANY}\nstartsecs=0\n"
        "process_name=%(program_name)s_%(process_num)d\n"
        "stdout_logfile=NONE\nstderr_logfile=NONE\n"
    )
    with Bench("crowd") as b:
        daemon = b.slotd(program)
        ctl = [SLOTCTL, "-s", f"unix://{b.dir}/run/slotd.sock", "status"]
        wait_until(lambda: b.slotctl("status").stdout.count("RUNNING") == MANY, "slotd's workers")
        one = whole_process(ctl, 10)
        ours, last = at_once(ctl, CROWD, MANY)
        memory = pss_kib(p for p in own_processes(daemon) if command_name(p) == "slotd-control")
    with Bench("crowd") as b:
        b.supervisord(program)
        ctl = ["/usr/bin/supervisorctl", "-c", b.dir / "supervisord.conf", "status"]
        wait_until(lambda: subprocess.run(ctl, capture_output=True).returncode == 0, "supervisord",
                   60)
        their_one = whole_process(ctl, 3)
        theirs, their_last = at_once(ctl, CROWD, MANY)
    report(
        [["slotctl", f"{one * 1000:.1f} ms", f"{ours * 1000:.0f} ms", f"{last * 1000:.0f} ms"],
         ["supervisorctl", f"{their_one * 1000:.0f} ms", f"{theirs * 1000:.0f} ms",
          f"{their_last * 1000:.0f} ms"]],
        [f"status of {MANY} workers", "alone", f"median of {CROWD} at once", "the last"],
    )
    print(f"slotd-control: {memory / 1024:.1f} MiB (PSS)")
    floor_line("times faster than supervisorctl, 1,000 workers", their_one / one, 20, True)
    floor_line("times faster than supervisorctl, 1,000 workers, 50 at once", theirs / ours, 20,
               True)


# ---- crash loops


def looping_cpu(pids, seconds=10):
    before = sum(cpu_seconds([p]) for p in pids())
    time.sleep(seconds)
    return (sum(cpu_seconds([p]) for p in pids()) - before) / seconds


def crash_loops():
    figures = {}
    with Bench("loops") as b:
        daemon = b.slotd(
            "[program:loop]\ncommand=/bin/false\nnumprocs=200\nstartsecs=0\nautorestart=true\n"
            "process_name=%(program_name)s_%(process_num)d\n"
            "stdout_logfile=NONE\nstderr_logfile=NONE\n"
        )
        time.sleep(15)  # past the burst of ten starts that may follow at once
        figures["slotd"] = looping_cpu(lambda: own_processes(daemon))
        answered = whole_process(
            [SLOTCTL, "-s", f"unix://{b.dir}/run/slotd.sock", "status"], 10)
    with Bench("loops") as b:
        daemon = b.start("runsvdir", service_dirs(b, 200, "/bin/false"))
        time.sleep(15)
        figures["runit"] = looping_cpu(
            lambda: [p for p in family(daemon.pid) if command_name(p) in ("runsv", "runsvdir")])
    report([[w, f"{v * 100:.1f} %"] for w, v in figures.items()], ["200 crash loops", "CPU"])
    print(f"status meanwhile: {answered * 1000:.1f} ms")
    floor_line("CPU against runit", figures["slotd"] / max(figures["runit"], 1e-9), 1.0, False)


PARTS = {
    "restart": crash_to_restart,
    "thousand": thousand,
    "status": status,
    "crowd": crowd,
    "loops": crash_loops,
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
