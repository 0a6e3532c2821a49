"""slotd-spawn makes the workers: killed, stopped, with as much as execve takes, and why it could not."""

import os
import signal
import threading
from pathlib import Path

import pytest

from harness.procs import alive, children, wait_for

MANY = 40
SLEEPERS = (f"[program:many]\ncommand=sleep 1000\nnumprocs={MANY}\nautostart=false\nstartsecs=0\n"
            "process_name=%(program_name)s_%(process_num)d\n"
            "stdout_logfile=NONE\nstderr_logfile=NONE\n")


def spawner(daemon, other_than=None):
    def found():
        return next((p for p, name in children(daemon.pid).items()
                     if name == "slotd-spawn" and p != other_than), None)

    return wait_for(found, "slotd-spawn runs")


def sleepers(daemon):
    return [p for p, name in children(daemon.pid).items() if name == "sleep"]


def test_killed_again_and_again_it_makes_each_worker_once(slotd):
    daemon = slotd(SLEEPERS)
    daemon.rpc.supervisor.startProcessGroup("many", False)
    pid = None
    for _ in range(3):
        pid = spawner(daemon, other_than=pid)
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: daemon.ctl("status").stdout.count("RUNNING") == MANY, "all run")
    assert len(sleepers(daemon)) == MANY
    assert {w["pid"] for w in daemon.rpc.supervisor.getAllProcessInfo()} == set(sleepers(daemon))
    daemon.rpc.supervisor.stopProcessGroup("many")
    assert not sleepers(daemon)


@pytest.mark.plain_only  # sanitizers are libraries
def test_it_maps_no_library_but_libc(slotd):
    """Every mapping is copied for each child."""
    maps = Path(f"/proc/{spawner(slotd())}/maps")

    def libraries():
        return {Path(line.split()[-1]).name for line in maps.read_text().splitlines() if ".so" in line}

    wait_for(lambda: "libc.so.6" in libraries(), "it has begun")
    assert {name for name in libraries() if not name.startswith(("libc.", "ld-"))} == set()


def test_a_start_waits_for_the_next_one(slotd):
    daemon = slotd(SLEEPERS)
    os.kill(spawner(daemon), signal.SIGSTOP)
    assert daemon.ctl("start", "many:many_0").stdout == "many:many_0: started\n"
    daemon.wait_log("slotd-spawn ended: it had read nothing for 4 s")
    assert len(sleepers(daemon)) == 1


def starting(daemon):
    return [w["name"] for w in daemon.rpc.supervisor.getAllProcessInfo()
            if w["statename"] == "STARTING"]


def start_in_vain(daemon):
    """Asks for all of them while slotd-spawn is stopped; some have been asked of it then."""
    pid = spawner(daemon)
    os.kill(pid, signal.SIGSTOP)
    asking = threading.Thread(target=daemon.ctl, args=("start", "many:*"))
    asking.start()
    wait_for(lambda: starting(daemon), "they are on their way")
    return pid, asking


def test_what_waits_for_its_process_can_be_stopped_and_signalled(slotd):
    daemon = slotd(SLEEPERS)
    pid, asking = start_in_vain(daemon)
    daemon.rpc.supervisor.signalProcess(f"many:{starting(daemon)[0]}", "KILL")
    daemon.rpc.supervisor.stopProcessGroup("many", False)
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: daemon.ctl("status").stdout.count("STOPPED") == MANY, "all are stopped")
    asking.join()
    assert not sleepers(daemon) and spawner(daemon) == pid
    assert "spawnerr" not in daemon.log()


def test_a_shutdown_does_not_wait_for_starts(slotd):
    daemon = slotd(SLEEPERS)
    _, asking = start_in_vain(daemon)
    assert daemon.end() == 0
    asking.join()


def test_an_environment_as_large_as_it_gets(slotd):
    """2 MB is what execve(2) takes where the stack may have 8."""
    large = {f"LARGE{i}": "x" * 120_000 for i in range(16)}
    daemon = slotd("[program:one]\ncommand=/bin/sh -c 'cat /proc/self/environ | wc -c; exec sleep 1000'\n"
                   f"environment=MINE=\"{'y' * 50_000}\"\nstdout_logfile=%D%/log/one\n", env=large)
    wait_for(lambda: daemon.read("log/one").strip(), "it says how much")
    assert int(daemon.read("log/one")) > 16 * 120_000 + 50_000
    assert daemon.info("one")["statename"] in ("STARTING", "RUNNING")


def test_more_than_execve_takes_is_said(slotd):
    long = " ".join(["a" * 1000] * 60)
    large = {f"LARGE{i}": "x" * 120_000 for i in range(17)}
    daemon = slotd(f"[program:one]\ncommand=/bin/echo {long}\nstartretries=0\n", env=large)
    wait_for(lambda: daemon.info("one")["statename"] == "FATAL", "it is given up")
    assert daemon.info("one")["spawnerr"] == "couldn't exec /bin/echo: E2BIG"


@pytest.mark.parametrize("options, why", [
    ("command=/no/such\n", "can't find command '/no/such'"),
    ("command=sleep 1\ndirectory=/no/such\n", "couldn't chdir to /no/such: ENOENT"),
    ("command=/etc\n", "command at '/etc' is a directory"),
])
def test_why_there_is_none(slotd, options, why):
    daemon = slotd(f"[program:one]\nautostart=false\nstartretries=0\n{options}")
    daemon.ctl("start", "one")
    wait_for(lambda: daemon.info("one")["statename"] == "FATAL", "it is given up")
    assert daemon.info("one")["spawnerr"] == why


def test_it_ends_with_slotd(slotd):
    daemon = slotd(SLEEPERS)
    daemon.rpc.supervisor.startProcess("many:many_0")
    pid, worker = spawner(daemon), daemon.info("many:many_0")["pid"]
    daemon.kill()
    wait_for(lambda: not alive(pid), "it has ended")
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not alive(worker), "the worker is gone")
    daemon.start()
