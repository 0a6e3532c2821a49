"""The n-th call fails, in every process, while everything is done that slotd does: no process crashes,
no worker is lost, no line and no request, and then all works as before."""

import os
import random
import re
import signal
import socket
from contextlib import ExitStack, suppress

import pytest

from harness import procs
from harness.apps import two_slots
from harness.faults import DESCRIPTOR, GROWTH, MEMORY, OUTPUT, PROCESS, WATCH, WORDS, Faults
from harness.load import Load
from harness.procs import children, wait_for
from test_adopt import goes_on

pytestmark = pytest.mark.plain_only  # what is preloaded does not go with sanitizers

HELPERS = ("spawn", "keep", "log", "relay", "probe", "control")
SEED = int(os.environ.get("SLOTD_SEED", 1))
FEW = 2  # calls of each kind that fail, in the short form
MOST = int(os.environ.get("SLOTD_FAULTS", 200))  # in the long form; 0: every single one
COUNT = """
[program:count]
command=/bin/sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.01; done'
startsecs=0
stdout_logfile=%D%/count.log
stdout_logfile_maxbytes=0
"""
BEAT = "[supervisord]\nloglevel=info\n" \
       "[program:beat]\ncommand=sleep 4321\nstartsecs=0\nstdout_logfile=NONE\n"
EXTRA = "[program:extra]\ncommand=sleep 4322\nstartsecs=0\n"
CRASH = re.compile(r"terminated by SIG(?!KILL|TERM)\w+|stack smashing|corrupted|Assertion", re.I)


class World:
    """A slotd with a service, one that counts lines, and clients."""

    def __init__(self, slotd, ports, more=""):
        self.port = ports.one()
        self.text = two_slots("s", f"127.0.0.1:{self.port}", ports.run(2), ports.run(2),
                              options="prepare=true\n") + COUNT + BEAT + more
        self.daemon = slotd(self.text + "[slotd]\nrelays=2\n", start=False)
        self.daemon.expected_status = {0, 1, 2, -signal.SIGKILL}
        self.faults = Faults(self.daemon, "slotd", *(f"slotd-{name}" for name in HELPERS),
                             "slotctl")
        self.deploys, self.n = 0, 0
        self.daemon.start()
        for name in ("count", "beat"):
            self.daemon.wait_state(name, "RUNNING")
        self.counter = self.daemon.info("count")["pid"]
        wait_for(lambda: self.daemon.slot("s", "a")["ready"] == 2, "its workers are healthy")

    def ctl(self, *args):
        """Whatever comes of it, but it comes."""
        done = self.daemon.ctl(*args, timeout=100)
        assert done.returncode >= 0, (args, done)
        assert done.returncode == 0 or done.stderr or done.stdout, args
        return done.returncode

    def begin(self, name):
        """It ends, and there is another one, which may fail at once."""
        if name == "slotd":
            self.daemon.kill()
            self.daemon.start(wait=False)
        elif name != "slotctl":
            pid = next((p for p, comm in children(self.daemon.pid).items() if comm == f"slotd-{name}"),
                       None)
            if pid:
                os.kill(pid, signal.SIGKILL)

    def live(self, name):
        """The time during which something fails."""
        self.begin(name)
        self.n += 1
        self.deploys += 1
        self.ctl("deploy", "s", f"r{self.deploys}")
        self.ctl("status")
        self.ctl("restart", "beat")
        self.daemon.write_config(self.text + "[slotd]\nrelays=2\n" + (EXTRA if self.n % 2 else ""))
        self.ctl("reload")
        self.ctl("tail", "count")
        self.ctl("rollback", "s")

    def revive(self):
        """A slotd that has ended is started again, as systemd would."""
        status = self.daemon.process.poll()
        if status is not None:
            assert status in (1, 2, -signal.SIGKILL), f"slotd ended with {status}: {self.daemon.stderr()[-2000:]}"
            self.daemon.start(wait=False)
            return False
        with suppress(Exception):
            return self.daemon.rpc.supervisor.getPID() == self.daemon.pid and \
                not any(s.get("job") for s in self.daemon.status()["services"])
        return False

    def is_well(self):
        wait_for(self.revive, "slotd is there", 30)
        wait_for(lambda: self.daemon.ctl("swap", "s").returncode == 0, "a swap is done", 40)
        wait_for(lambda: self.daemon.ctl("start", "beat") and
                 self.daemon.info("beat")["statename"] == "RUNNING", "it runs")  # it may be FATAL
        assert self.daemon.info("count")["pid"] == self.counter and procs.alive(self.counter)
        live = self.daemon.service("s")["live"]
        wait_for(lambda: self.daemon.slot("s", live)["ready"] == 2, "both workers are healthy")
        crash = CRASH.search(self.daemon.log() + self.daemon.stderr())
        assert not crash, crash[0]

    def lines(self):
        return [int(line) for line in self.daemon.read("count.log").split("\n")[:-1]]

    def losses_are_counted(self):
        """All lines that are missing. What slotd-log has not told when it is killed, nobody knows."""
        def known():
            lines, counted = self.lines(), self.daemon.worker("count")["lost_lines"]
            return lines[-1] - len(lines) == counted and lines
        before = wait_for(known, "what is lost is counted")
        wait_for(lambda: self.lines()[-1] > before[-1], "it is written again")

    def insist(self, full_disk):
        """No line is lost unless the disk is full, none is there twice, and no process is nobody's."""
        wait_for(lambda: len(self.lines()) > 50, "it has counted")
        lines = self.lines()
        assert lines == sorted(set(lines))
        assert full_disk or lines[-1] == len(lines)
        known = {i["pid"] for i in self.daemon.rpc.supervisor.getAllProcessInfo()}
        strange = {pid: comm for pid, comm in children(self.daemon.pid).items()
                   if not comm.startswith("slotd") and pid not in known}
        assert not strange, strange


def which(total, few, dice):
    """The calls that fail: every one, or one in each of so many parts, and one after the last."""
    if not few or total <= few:
        return list(range(1, total + 2))
    return [dice.randint(total * i // few + 1, total * (i + 1) // few) for i in range(few)] + [total + 1]


def run(slotd, ports, record_property, name, kind, few):
    world, dice = World(slotd, ports), random.Random(f"{SEED} {name} {kind}")
    faults, program = world.faults, name if name.startswith("slot") else f"slotd-{name}"
    address, injected, failed = ("127.0.0.1", world.port), 0, 0
    full_disk = (name, kind) == ("log", OUTPUT)
    with Load(address, clients=2, rate=20) as fresh, \
            Load(address, keep_alive=True, clients=2, rate=20) as kept:
        faults.count_from_now(program, kind)
        world.live(name)
        total = faults.count(program)
        faults.calm(program)
        world.is_well()
        assert total or kind != MEMORY
        for n in which(total, few, dice):
            print(f"{program}: call {n} of {total} fails")
            faults.arm(program, kind, n, dice.choice([1, 1, 3, 10]) if few else 1)
            world.live(name)
            injected += 1
            failed += faults.fired(program) > 0
            faults.calm(program)
            world.is_well()
            if full_disk:
                world.losses_are_counted()
            goes_on(fresh, kept, n=2)
        world.insist(full_disk)
    lost = [r for load in (fresh, kept) for r in load.failed()]
    figures = (f"{program}, {('memory', 'watches', 'descriptors', 'processes', 'output')[kind.bit_length() - 1]}"
               f": {total} calls, one failed in {failed} of {injected} runs of a deploy, a reload and a "
               f"rollback; {len(fresh.requests) + len(kept.requests)} GETs, {len(lost)} lost")
    record_property("figures", figures)
    print(figures)
    assert failed or not total
    # what the relay had that is killed in each run
    assert len(lost) <= (4 * (injected + 1) if name == "relay" else 0), lost[:5]


NO_MEMORY = "this process cannot go on: no memory for its descriptors and timers"
MANY = "[program:many]\ncommand=sleep 4323\nnumprocs=300\nprocess_name=%(process_num)d\n" \
       "autostart=false\nstartsecs=0\n"


@pytest.mark.parametrize("name", ["slotd", "log", "relay"])
def test_a_process_whose_loop_has_no_memory_ends_with_a_line(slotd, ports, name):
    """libev aborts then, with nothing said. Another one takes over."""
    program, world = name if name == "slotd" else f"slotd-{name}", World(slotd, ports, MANY)
    daemon, before = world.daemon, world.faults.pid(program)
    with Load(("127.0.0.1", world.port), clients=2, rate=20) as load, ExitStack() as opened:
        world.faults.arm(program, GROWTH, 1, 1 << 40)
        if name == "relay":
            for _ in range(1000):
                opened.enter_context(socket.create_connection(("127.0.0.1", world.port)))
        else:
            daemon.ctl("start", "many:*")
        wait_for(lambda: not procs.alive(before), "it has ended")
        world.faults.calm(program)
        world.is_well()
        goes_on(load)
    assert NO_MEMORY in daemon.log() + daemon.stderr()
    assert len(load.failed()) <= (2 if name == "relay" else 0), load.failed()
    world.insist(False)


COMMANDS = (["status"], ["restart", "beat"], ["tail", "count"], ["slots"], ["signal", "0", "beat"], ["pid"],
            ["avail"], ["-h"], ["history", "s"], ["swap", "s"], ["log", "s"], ["import-check"])


@pytest.mark.parametrize("kind", [MEMORY, DESCRIPTOR], ids=WORDS.get)
def test_slotctl_says_what_failed(slotd, ports, kind):
    world, dice = World(slotd, ports), random.Random(SEED)
    for command in COMMANDS:
        world.faults.count_from_now("slotctl", kind)
        world.ctl(*command)
        for n in which(world.faults.count("slotctl"), 40, dice):
            beat = world.daemon.info("beat")["pid"]
            world.faults.arm("slotctl", kind, n)
            code = world.ctl(*command)
            # success is not said of what was not done
            assert code or command[0] != "restart" or world.daemon.info("beat")["pid"] != beat, n
        world.faults.calm("slotctl")


CASES = [(name, kind) for name in ("slotd", *HELPERS, "slotctl") for kind in (MEMORY, DESCRIPTOR)] + \
        [(name, WATCH) for name in ("slotd", *HELPERS) if name != "spawn"] + \
        [("slotd", PROCESS), ("spawn", PROCESS), ("slotd", OUTPUT), ("log", OUTPUT)]
NAMES = [f"{name}-{WORDS[kind]}" for name, kind in CASES]


@pytest.mark.long
@pytest.mark.parametrize("name, kind", CASES, ids=NAMES)
def test_a_call_fails(slotd, ports, record_property, name, kind):
    run(slotd, ports, record_property, name, kind, FEW)


@pytest.mark.long
@pytest.mark.parametrize("name, kind", CASES, ids=NAMES)
def test_every_call_fails(slotd, ports, record_property, name, kind):
    run(slotd, ports, record_property, name, kind, MOST)
