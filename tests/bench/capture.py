"""Log capture with rotation beside a bare copy loop and supervisord."""

import os
import pathlib
import subprocess
import time

from common import (
    BENCH,
    Bench,
    children,
    command_name,
    cpu_nanoseconds,
    floor_line,
    median,
    own_processes,
    report,
    wait_until,
)

BYTES = 1 << 30
MAXBYTES = 50 << 20
ROUNDS = 3
WRITER = BENCH / "writer"

PROGRAM = (
    "[program:writer]\ncommand={writer} {bytes}\nautostart=false\nautorestart=false\nstartsecs=0\n"
    "stdout_logfile={log}\nstdout_logfile_maxbytes={max}\nstdout_logfile_backups=2\n"
    "redirect_stderr=true\n"
)


def program(b):
    return PROGRAM.format(writer=WRITER, bytes=BYTES, log=b.dir / "out.log", max=MAXBYTES)


def bare(b):
    began = time.monotonic()
    writer = subprocess.Popen([WRITER, str(BYTES)], stdout=subprocess.PIPE)
    copier = b.start(BENCH / "floor", "copy", b.dir / "out.log", MAXBYTES, stdin=writer.stdout)
    writer.stdout.close()
    writer.wait()
    copier.wait()
    return time.monotonic() - began


def copy_cpu(b):
    """The copy loop's CPU by rusage of children, with the writer's taken out by running it alone."""
    before = os.times()
    seconds = bare(b)
    after = os.times()
    both = after.children_user + after.children_system
    both -= before.children_user + before.children_system
    before = os.times()
    with open(os.devnull, "wb") as null:
        subprocess.run([WRITER, str(BYTES)], stdout=null, check=True)
    after = os.times()
    alone = after.children_user + after.children_system
    alone -= before.children_user + before.children_system
    return seconds, max(both - alone, 0.01)


def captured(b):
    """Everything arrived: the files' sizes, the rotated-away part being what is allowed to go."""
    return sum(p.stat().st_size for p in b.dir.glob("out.log*"))


def with_daemon(b, daemon, start, pids):
    before = cpu_nanoseconds(pids())
    began = time.monotonic()
    start()
    wait_until(lambda: any(command_name(p) == "writer" for p in children(daemon.pid))
               or captured(b) > 0, "the writer", 10)
    wait_until(lambda: not any(command_name(p) == "writer" for p in children(daemon.pid)),
               "the end of the writer", 120)
    return time.monotonic() - began, (cpu_nanoseconds(pids()) - before) / 1e9


def under_slotd(b):
    daemon = b.slotd(program(b))
    return with_daemon(b, daemon, lambda: b.slotctl("start", "writer"),
                       lambda: own_processes(daemon))


def under_supervisord(b):
    daemon = b.supervisord(program(b))
    ctl = ["/usr/bin/supervisorctl", "-c", b.dir / "supervisord.conf", "start", "writer"]
    return with_daemon(b, daemon, lambda: subprocess.run(ctl, capture_output=True),
                       lambda: [daemon.pid])


def main():
    ways = {"bare copy": copy_cpu, "slotd": under_slotd, "supervisord": under_supervisord}
    seconds, cpu = {}, {}
    for _ in range(ROUNDS):
        for way, run in ways.items():
            with Bench("capture") as b:
                s, c = run(b)
            seconds.setdefault(way, []).append(s)
            cpu.setdefault(way, []).append(c)
    gib = BYTES / (1 << 30)
    rows = [
        [w, f"{BYTES / median(seconds[w]) / 1e6:.0f} MB/s", f"{median(cpu[w]) / gib:.2f} s"]
        for w in ways
    ]
    report(rows, ["log capture", "rate", "CPU per GiB"])
    floor_line("rate against a bare copy", median(seconds["bare copy"]) / median(seconds["slotd"]),
               0.9, True)
    floor_line("CPU against a bare copy", median(cpu["slotd"]) / median(cpu["bare copy"]), 1.0, False)


if __name__ == "__main__":
    main()
