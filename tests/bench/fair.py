"""What others notice of 500 programs that end as soon as they start: a swap, a status and a health
check beside them against the same ones in quiet, and slotd's descriptors over the time."""

import os
import sys
import time

from common import (
    WEB,
    Bench,
    answers,
    cpu_seconds,
    floor_line,
    free_port,
    median,
    own_processes,
    report,
    wait_until,
)

LOOPERS = 500
TIMES = 10
SECONDS = int(os.environ.get("SLOTD_BENCH_SECONDS", "60"))  # how long descriptors are looked at

CONFIG = """
[program:one]
command={web} 127.0.0.1:%(process_num)d a
numprocs_start={a}
process_name=%(program_name)s_%(process_num)d
startsecs=0

[program:two]
command={web} 127.0.0.1:%(process_num)d b
numprocs_start={b}
process_name=%(program_name)s_%(process_num)d
startsecs=0

[service:x]
listen=127.0.0.1:{port}
slot_a=one
slot_b=two
health=http /healthz
idle_keep={keep}
drain_timeout=1
"""
LOOPER = "[program:loop{i}]\ncommand=/bin/false\nstartsecs=0\nautorestart=true\nautostart=false\n"
GROUP = "[group:loops]\nprograms={names}\n"


def took(b, *command):
    began = time.monotonic()
    done = b.slotctl(*command)
    if done.returncode:
        sys.exit(f"benchmark: slotctl {' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.monotonic() - began


def measure(b):
    """Medians in seconds: swap to a warm slot, status of one."""
    swaps, states = [], []
    for _ in range(TIMES):
        swaps.append(took(b, "swap", "x"))
        states.append(took(b, "status", "one:*", "two:*"))
    return median(swaps), max(swaps), median(states), max(states)


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def starts(b):
    """How often the loopers have been started, as slotd's log says."""
    return (b.dir / "slotd-main.log").read_text(errors="replace").count("spawned: 'loop")


def watch(b, daemon, seconds):
    """Descriptors each second, CPU of slotd and its helpers, starts a second."""
    counts, cpu, began = [], cpu_seconds(own_processes(daemon)), time.monotonic()
    first = starts(b)
    while time.monotonic() < began + seconds:
        time.sleep(1)
        counts.append(descriptors(daemon))
    span = time.monotonic() - began
    return counts, (cpu_seconds(own_processes(daemon)) - cpu) / span, (starts(b) - first) / span


def main():
    port, a, b_port = free_port(), free_port(), free_port()
    names = ",".join(f"loop{i}" for i in range(LOOPERS))
    config = CONFIG.format(web=WEB, port=port, a=a, b=b_port, keep="1h")
    config += "".join(LOOPER.format(i=i) for i in range(LOOPERS)) + GROUP.format(names=names)
    with Bench("fair") as b:
        daemon = b.slotd(config)
        wait_until(lambda: answers(port), "an answer of the service")
        took(b, "swap", "x")  # the first starts the idle slot; from here on both are warm
        took(b, "swap", "x")
        quiet = measure(b)
        idle = descriptors(daemon)
        began = time.monotonic()
        started = took(b, "start", "loops:*")
        burst = measure(b)
        time.sleep(max(0.0, began + 12 - time.monotonic()))
        loud = measure(b)
        counts, cpu, rate = watch(b, daemon, SECONDS)
        ended = [l for l in b.log("slotd-main").splitlines() if " ended: " in l or "ending it" in l]
        took(b, "stop", "loops:*")
        wait_until(lambda: descriptors(daemon) <= idle + 20, "descriptors as before", 30)
    rows = [[n, *(f"{v * 1000:.1f} ms" for v in f)]
            for n, f in (("quiet", quiet), ("burst", burst), ("beside them", loud))]
    report(rows, [f"{LOOPERS} crash loops", "swap", "worst", "status", "worst"])
    print(f"their start: {started:.2f} s; {rate:.0f} starts/s, {cpu * 100:.0f} % CPU; descriptors "
          f"{idle} without them, {min(counts)} to {max(counts)} in {SECONDS} s, at the end "
          f"{counts[-1]}")
    for line in ended:
        print(line)
    floor_line("swap beside crash loops against quiet", loud[0] / quiet[0], 2, False)
    floor_line("status beside crash loops against quiet", loud[2] / quiet[2], 2, False)
    floor_line("helpers that were ended", len(ended), 0, False)


if __name__ == "__main__":
    main()
