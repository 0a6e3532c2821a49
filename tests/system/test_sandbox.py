"""From inside each helper: it is refused what it does not need.

inject.c makes the running helpers make the calls, so what is seen is what whoever had taken one
over could do.
"""

import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

from harness.apps import two_slots
from harness.paths import BUILD
from harness.procs import wait_for

INJECT = BUILD / "tests/system/inject"
REFUSALS = {"ENOSYS", "EACCES"}

FILES = {"read_shadow", "create"}
INET = {"socket_inet", "socket_inet6", "connect"}
UNIX = {"socket_unix", "connect"}
ANYBODY = {"getpid", "memory"}

# What each needs. All else that inject.c knows is refused.
NEEDS = {
    "relay": INET | UNIX | {"bind"},  # to workers, from a range of ports of its own
    "probe": INET | UNIX,
    "log": FILES | UNIX,              # logs wherever they are; syslog, journal
    "control": set(),                 # its sockets are made by slotd
    "keep": set(),
}


pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="traces the helpers"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="inject.c knows x86-64 only"),
]


@pytest.fixture
def daemon(slotd, ports):
    made = slotd(two_slots("s", f"127.0.0.1:{ports.one()}", ports.run(1), ports.run(1)))
    for helper in [*NEEDS, "spawn"]:  # the sandbox comes before that
        wait_for(lambda: re.search(f"slotd-{helper}( \\d+)? is ready", made.log()), helper)
    return made


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def results(pid, directory, actions):
    done = subprocess.run([INJECT, str(pid), directory, *actions], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


def known_actions():
    return subprocess.run([INJECT], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("helper", NEEDS)
def test_a_helper_is_refused_what_it_does_not_need(daemon, tmp_path, helper):
    pid = daemon.helpers(helper)[0]
    if status_of(pid)["Seccomp"] != "2":
        pytest.skip("built with a sanitizer, which needs what the sandbox forbids")
    actions = known_actions()
    seen = results(pid, tmp_path, actions)
    assert set(seen) == set(actions)
    may = NEEDS[helper] | ANYBODY
    assert {a: r for a, r in seen.items() if a not in may and r not in REFUSALS} == {}
    assert {a: r for a, r in seen.items() if a in may and r in REFUSALS} == {}
    assert [p.name for p in tmp_path.iterdir()] == (["create"] if "create" in may else [])
    assert daemon.helpers(helper)[0] == pid  # it has not died of it, and works:
    assert daemon.rpc.supervisor.getState()["statename"] == "RUNNING"


@pytest.mark.parametrize("helper", NEEDS)
def test_a_helper_has_no_privileges_left(daemon, helper):
    for pid in daemon.helpers(helper):
        status = status_of(pid)
        capabilities = int(status["CapEff"], 16) | int(status["CapPrm"], 16)
        uid = int(status["Uid"].split()[0])
        log_has = 1 << 0 | 1 << 1  # CAP_CHOWN, CAP_DAC_OVERRIDE
        assert capabilities == (log_has if helper == "log" else 0)
        assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert (uid == 0) == (helper in ("log", "keep"))
        assert Path(f"/proc/{pid}/environ").stat().st_uid == 0  # not dumpable: root's


def test_slotd_spawn_is_as_slotd_because_workers_are_its_children(daemon):
    pid, = daemon.helpers("spawn")
    seen = status_of(pid)
    assert seen["Seccomp"] == status_of(daemon.pid)["Seccomp"]
    assert seen["NoNewPrivs"] == status_of(daemon.pid)["NoNewPrivs"]
    sockets = [os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    assert sum(name.startswith("socket:") for name in sockets) == 1  # slotd alone can ask it
