"""Log capture with rotation beside a bare read+write loop and supervisord, in the ways programs write.

On tmpfs, for a disk would be what is measured. Lines have 100 bytes, logs are rotated at 10 MB x 10;
the bare loop renames its file to one backup.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
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

MAXBYTES = 10 << 20
ROUNDS = 3
WRITER = BENCH / "writer"

# name: bytes in all, bytes a write
FORMS = {
    "16 KiB a write": (1 << 30, 16 * 1024),
    "4 KiB a write": (1 << 30, 4096),
    "a line a write": (256 << 20, 100),
}

PROGRAM = (
    "[program:writer]\ncommand={writer}\nautostart=false\nautorestart=false\nstartsecs=0\n"
    "stdout_logfile={log}\nstdout_logfile_maxbytes={max}\nstdout_logfile_backups=10\n"
    "redirect_stderr=true\n"
)


def command(b, form):
    return [str(WRITER), *map(str, FORMS[form]), str(b.dir / "took")]


def program(b, form):
    return PROGRAM.format(writer=" ".join(command(b, form)), log=b.dir / "out.log", max=MAXBYTES)


def took(b):
    """Seconds by the writer's own clock: until its last write was taken."""
    return float((b.dir / "took").read_text())


def bare(b, form):
    writer = subprocess.Popen(command(b, form), stdout=subprocess.PIPE)
    copier = subprocess.Popen([BENCH / "floor", "copy", b.dir / "out.log", str(MAXBYTES)],
                              stdin=writer.stdout)
    writer.stdout.close()
    writer.wait()
    _, status, usage = os.wait4(copier.pid, 0)
    copier.returncode = os.waitstatus_to_exitcode(status)
    return took(b), usage.ru_utime + usage.ru_stime


def quiet(pids):
    """What they had to do is done: a moment without CPU."""
    last = cpu_nanoseconds(pids)
    for _ in range(100):
        time.sleep(0.05)
        now = cpu_nanoseconds(pids)
        if now == last:
            break
        last = now


def with_daemon(b, daemon, start, pids):
    quiet(pids())
    before = cpu_nanoseconds(pids())
    start()
    wait_until((b.dir / "took").exists, "the end of the writer", 120)
    wait_until(lambda: not any(command_name(p) == "writer" for p in children(daemon.pid)),
               "the exit of the writer", 10)
    quiet(pids())
    return took(b), (cpu_nanoseconds(pids()) - before) / 1e9


def under_slotd(b, form):
    daemon = b.slotd(program(b, form))
    return with_daemon(b, daemon, lambda: b.slotctl("start", "writer"),
                       lambda: own_processes(daemon))


def under_supervisord(b, form):
    daemon = b.supervisord(program(b, form))
    ctl = ["/usr/bin/supervisorctl", "-c", b.dir / "supervisord.conf", "start", "writer"]
    return with_daemon(b, daemon, lambda: subprocess.run(ctl, capture_output=True),
                       lambda: [daemon.pid])


WAYS = {"bare loop": bare, "slotd": under_slotd, "supervisord": under_supervisord}


def measure(form):
    """Medians of rate (bytes a second) and CPU seconds, of each way."""
    seconds, cpu = {}, {}
    for _ in range(ROUNDS):
        for way, run in WAYS.items():
            with Bench("capture") as b:
                s, c = run(b, form)
            seconds.setdefault(way, []).append(s)
            cpu.setdefault(way, []).append(c)
    return {w: FORMS[form][0] / median(seconds[w]) for w in WAYS}, {w: median(cpu[w]) for w in WAYS}


def main():
    if pathlib.Path("/dev/shm").is_dir():
        tempfile.tempdir = "/dev/shm"
    forms = [f for f in FORMS if not sys.argv[1:] or any(a in f for a in sys.argv[1:])]
    rows, floors = [], []
    for form in forms:
        rate, cpu = measure(form)
        rows += [
            [f"{form}: {w}", f"{rate[w] / 1e6:.0f} MB/s", f"{rate[w] / rate['bare loop']:.2f}",
             f"{cpu[w] * (1 << 30) / FORMS[form][0]:.2f} s", f"{cpu[w] / cpu['bare loop']:.2f}"]
            for w in WAYS
        ]
        floors.append((f"{form}: rate against the bare loop", rate["slotd"] / rate["bare loop"],
                       0.95, True))
        floors.append((f"{form}: CPU against the bare loop", cpu["slotd"] / cpu["bare loop"],
                       1.2, False))
    report(rows, ["log capture", "rate", "to bare", "CPU per GiB", "to bare"])
    for floor in floors:
        floor_line(*floor)


if __name__ == "__main__":
    main()
