#!/usr/bin/python3
"""A worker that behaves as its first argument says; the ways in which workers are hard to manage."""

import json
import os
import signal
import sys
import time


def ignore_term():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ignoring SIGTERM", flush=True)
    forever()


def report(path, *_):
    """What it was given: descriptors, environment, limits, ids."""
    facts = {
        "fds": {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                if os.path.lexists(f"/proc/self/fd/{fd}")},
        "environ": dict(os.environ), "cwd": os.getcwd(), "umask": os.umask(0),
        "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
        "pgid": os.getpgid(0), "pid": os.getpid(), "ppid": os.getppid(),
        "ignored": [s for s in range(1, 32) if signal.getsignal(s) == signal.SIG_IGN],
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "argv": sys.argv,
    }
    with open(path + ".new", "w") as out:
        json.dump(facts, out, default=int)
    os.rename(path + ".new", path)
    forever()


def other_group():
    """Leaves its process group for slotd's, and ignores SIGTERM."""
    os.setpgid(0, os.getpgid(os.getppid()))
    ignore_term()


def family(path):
    """A leader with a child that ignores SIGTERM and outlives it."""
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with open(path, "w") as out:
            out.write(str(os.getpid()))
        forever()
    signal.sigwait({signal.SIGTERM})


def exit_with(status, after="0"):
    time.sleep(float(after))
    os._exit(int(status))


def close_output():
    os.close(1)
    os.close(2)
    forever()


def no_newline(count):
    os.write(1, b"x" * int(count))
    forever()


def forever():
    while True:
        signal.pause()


if sys.argv[1] == "family":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
globals()[sys.argv[1]](*sys.argv[2:])
