"""A control group for each worker, below one that is given to slotd as systemd's Delegate=yes does."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import procs
from harness.procs import wait_for
from test_upgrade import install, programs  # noqa: F401

# Starts one that is on its own, says its pid and what it was told to, and stays or ends.
LEAVES = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in sys.argv else signal.SIG_DFL)
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
    time.sleep(1000)
time.sleep(1000)
"""


def mount_point():
    for place in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if (Path(place) / "cgroup.procs").exists():
            return Path(place)
    return None


@pytest.fixture
def given():
    """A group as systemd gives it to a unit."""
    above = mount_point()
    if os.geteuid() != 0 or above is None:
        pytest.skip("makes control groups")
    path = above / f"slotd-test.{os.getpid()}.{time.monotonic_ns()}"
    try:
        path.mkdir()
        os.setxattr(path, "trusted.delegate", b"1")
    except OSError as e:
        pytest.skip(f"this machine allows no control groups: {e}")
    yield path
    for group in sorted(path.rglob("*"), reverse=True):
        if group.is_dir():
            wait_for(lambda: not pids(group), f"{group} is empty")
            group.rmdir()
    path.rmdir()


def pids(group):
    path = group / "cgroup.procs"
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def groups(given):
    return sorted(p.name for p in given.iterdir() if p.is_dir())


@pytest.fixture
def daemon(given, slotd):
    """A slotd that believes that systemd has started it there."""
    def make(config="", again=None, program=None):
        d = again or slotd(config, start=False)
        d.program = program or d.program
        (d.dir / "leaves.py").write_text(LEAVES)
        return d.start(wrap=["/bin/sh", "-c", f"echo 0 >{shlex.quote(str(given))}/cgroup.procs; "
                             'SYSTEMD_EXEC_PID=$$ exec "$@"', "sh"])

    return make


def program(name, *options, **more):
    lines = [f"[program:{name}]", f"command={sys.executable} -I -S %D%/leaves.py %D%/{name}.pids "
             + " ".join(options), *(f"{k}={v}" for k, v in more.items())]
    return "\n".join(lines) + "\n"


def stray(d, name):
    """The newest process that the program has left on its own."""
    return int(wait_for(lambda: d.read(f"{name}.pids").split(), "it has started one")[-1])


def end(pid):
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not procs.alive(pid), "it ends")


def test_each_worker_is_in_its_own_and_slotd_in_another(daemon, given):
    d = daemon("[program:x]\ncommand=sleep 1000\nnumprocs=2\nprocess_name=n%(process_num)d\n"
               "[program:y]\ncommand=sleep 1000\n")
    for name in ("x:n0", "x:n1", "y"):
        d.wait_state(name, "RUNNING")
    assert groups(given) == ["slotd", "x:n0", "x:n1", "y:y"] and not pids(given)
    assert pids(given / "x:n1") == [d.info("x:n1")["pid"]]
    assert d.pid in pids(given / "slotd") and set(d.helpers("spawn")) <= set(pids(given / "slotd"))
    d.rpc.supervisor.stopProcess("y")
    assert groups(given) == ["slotd", "x:n0", "x:n1"]
    assert d.end() == 0
    assert groups(given) == ["slotd"]


def test_killasgroup_ends_what_has_left_the_process_group(daemon, given):
    d = daemon(program("x", "deaf", killasgroup="true", stopwaitsecs="1"))
    on_its_own = stray(d, "x")
    assert on_its_own in pids(given / "x:x")
    d.rpc.supervisor.stopProcess("x")
    wait_for(lambda: not procs.alive(on_its_own), "it has ended, too")
    wait_for(lambda: groups(given) == ["slotd"], "the group is removed")


def test_without_it_what_is_left_runs_on_and_is_told(daemon, given):
    d = daemon(program("x"))
    on_its_own = stray(d, "x")
    d.rpc.supervisor.stopProcess("x")
    d.wait_log(f"x:x has ended, and 1 process of it runs on: {on_its_own} (python3")
    assert procs.alive(on_its_own) and groups(given) == ["slotd", "x:x"]
    end(on_its_own)
    wait_for(lambda: groups(given) == ["slotd"], "the group is removed after its last process")
    assert d.log().count("x:x has ended") == 1


def test_a_worker_of_a_service_takes_all_with_it_if_killasgroup_says_so(daemon, given, ports):
    port = ports.one()
    d = daemon("".join(program(name, killasgroup="true", autorestart="true", numprocs_start=ports.one(),
                               process_name=name + "_%(process_num)d") for name in ("pa", "pb"))
               + f"[service:p]\nlisten=127.0.0.1:{port}\nslot_a=pa\nslot_b=pb\nhealth=tcp\n")
    first, group = stray(d, "pa"), next(given.glob("pa:*"))
    leader = pids(group)[0]
    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: len(d.read("pa.pids").split()) == 2, "it is started again")
    assert not procs.alive(first) and stray(d, "pa") in pids(group)
    d.rpc.supervisor.stopProcessGroup("pa")
    assert group.name not in groups(given), "what it had left has ended with it"


def test_after_a_kill_the_next_slotd_finds_them(daemon, given):
    d = daemon(program("x", "deaf", killasgroup="true", stopwaitsecs="1")
               + program("y") + program("z"))
    x, y, z = (stray(d, name) for name in "xyz")
    d.rpc.supervisor.stopProcess("y")
    d.wait_log("y:y has ended")
    leader = d.info("x")["pid"]
    d.kill()
    end(z)
    (given / "old:old").mkdir()
    daemon(again=d)
    assert d.info("x")["pid"] == leader and x in pids(given / "x:x")
    assert d.pid in pids(given / "slotd") and not pids(given)
    assert "old:old" not in groups(given) and d.log().count("y:y has ended") == 1
    end(y)
    wait_for(lambda: "y:y" not in groups(given), "what was left is still watched")
    d.rpc.supervisor.stopProcess("x")
    assert not procs.alive(leader)
    wait_for(lambda: not procs.alive(x), "it ends with its worker")


def test_an_upgrade_leaves_them_as_they_are(daemon, given, programs):
    config = program("x", "deaf", killasgroup="true", stopwaitsecs="1")
    d = daemon(config, program=programs / "supervisor/slotd")
    x, leader = stray(d, "x"), d.info("x")["pid"]
    install(programs)
    d.ctl("upgrade", check=True)
    d.wait_log("took over 1 worker from the slotd before")
    assert d.info("x")["pid"] == leader and d.pid in pids(given / "slotd")
    assert sorted(pids(given / "x:x")) == sorted([leader, x])
    d.rpc.supervisor.stopProcess("x")
    wait_for(lambda: not procs.alive(x), "it ends with its worker")
    wait_for(lambda: groups(given) == ["slotd"], "the group is removed")


def test_where_none_was_given_nothing_is_done_or_said(slotd):
    d = slotd("[program:x]\ncommand=sleep 1000\n")
    pid = d.wait_state("x", "RUNNING")["pid"]
    assert Path(f"/proc/{pid}/cgroup").read_text() == Path(f"/proc/{d.pid}/cgroup").read_text()
    assert "group" not in d.log().lower().replace("process group", "")


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_without_clone3_the_child_goes_there_itself(daemon, given):
    d = daemon("[program:x]\ncommand=sleep 1000\nautostart=false\n")
    spawn = d.helpers("spawn")[0]
    tracer = subprocess.Popen(["strace", "-qq", "-o", d.dir / "calls", "-e", "trace=clone3,clone",
                               "-e", "inject=clone3:error=ENOSYS", "-p", str(spawn)])
    wait_for(lambda: "TracerPid:\t0\n" not in Path(f"/proc/{spawn}/status").read_text(), "it traces")
    d.rpc.supervisor.startProcess("x")
    tracer.terminate()
    tracer.wait(30)
    assert "(INJECTED)" in d.read("calls") and "clone(" in d.read("calls")
    assert pids(given / "x:x") == [d.info("x")["pid"]]
