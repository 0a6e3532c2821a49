"""Chaos for some minutes, or for SLOTD_CHAOS seconds: everything is killed, stopped, deployed, swapped,
rolled, paused, frozen, reloaded and upgraded at random under load, deploys fail, and are interrupted,
and nothing is lost, doubled or left, and nothing grows."""

import json
import os
import random
import signal
import statistics
import subprocess
import time
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import datetime

import pytest

from harness import procs
from harness.apps import two_slots
from harness.load import Failure, Load, once
from harness.paths import SLOTCTL
from harness.procs import wait_for
from test_adopt import next_slotd
from test_faults import COUNT, EXTRA

pytestmark = pytest.mark.long

SECONDS = int(os.environ.get("SLOTD_CHAOS", 240))
HELPERS = {"relay": 2, "log": 1, "control": 1, "keep": 1, "spawn": 1, "probe": 1}
# log without rotation, so that every line is there; debug lines are many
QUIET = "[supervisord]\nloglevel=info\n[slotd]\nrelays=2\n"
# Names that tell the commands of a deploy what to do.
FAILS, REFUSES, TAKES_TIME = "fails", "refuses", "takes-time"
HOOKS = f"""prepare=
  if test -e %D%/{TAKES_TIME}; then sleep 2; fi
  test ! -e %D%/{FAILS}
verify=test ! -e %D%/{REFUSES}
on_failure=true
after_swap=true
"""


class Chaos:
    def __init__(self, slotd, ports, dice):
        self.before = set(procs.descendants(os.getpid()))
        self.dice, self.address = dice, ("127.0.0.1", ports.one())
        self.text = two_slots("s", f"127.0.0.1:{self.address[1]}", ports.run(2), ports.run(2),
                              options=HOOKS + "bake=0.2\nlive_file=%D%/live\n") + \
            COUNT + QUIET
        self.daemon = slotd(self.text)
        self.done, self.cuts, self.samples = Counter(), [], defaultdict(list)
        self.said, self.killed = [], 0.0  # (when, what); the last worker
        self.kept_again = 0.0
        self.counter = self.daemon.wait_state("count", "RUNNING")["pid"]
        wait_for(lambda: self.daemon.slot("s", "a")["ready"] == 2, "its workers are healthy")

    def processes(self):
        """All of it, whoever is their parent: {pid: (name, parent)}."""
        return {pid: (name, parent) for pid, (name, state, parent) in procs.descendants(os.getpid()).items()
                if pid not in self.before and state not in "ZX"}

    def helpers(self, kind):
        return sorted(pid for pid, (name, _) in self.processes().items() if name == f"slotd-{kind}")

    # ---- what is done to it

    def kill_slotd(self):
        """Not in the moment in which slotd-keep is dead, too: then nobody holds what a next one needs."""
        time.sleep(max(0, self.kept_again - time.monotonic()))
        self.daemon.kill()
        time.sleep(self.dice.random() * 0.3)
        next_slotd(self.daemon)

    def a_helper(self):
        name = self.dice.choice(sorted(HELPERS))
        return name, self.dice.choice(self.helpers(name) or [0])

    def cut(self, name):
        if name == "relay":
            self.cuts.append(time.monotonic())
        if name == "keep":
            self.kept_again = time.monotonic() + 1

    def kill_helper(self):
        name, pid = self.a_helper()
        if pid:
            with suppress(ProcessLookupError):
                self.cut(name)
                os.kill(pid, signal.SIGKILL)

    def stop_helper(self):
        _, pid = self.a_helper()
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                time.sleep(self.dice.random() * 2)
                os.kill(pid, signal.SIGCONT)

    def kill_worker(self):
        """One of the live slot: the other one serves, also what is asked for the second time. That
        is not done a third time, so the next one is killed later."""
        if time.monotonic() < self.killed + 2:
            return
        live = self.daemon.service("s")["live"]
        pids = [i["pid"] for i in self.daemon.rpc.supervisor.getAllProcessInfo()
                if i["group"] == f"s-{live}" and i["pid"]]
        if len(pids) == 2:
            os.kill(self.dice.choice(pids), signal.SIGKILL)
            self.killed = time.monotonic()

    def ctl(self, *args):
        done = self.daemon.ctl(*args, timeout=90)
        assert done.returncode >= 0, done
        self.done[f"{args[0]} {'done' if done.returncode == 0 else 'refused'}"] += 1

    def release(self):
        return f"r{sum(self.done.values())}"

    def deploy(self):
        self.ctl("deploy", "s", self.release())

    def failing_deploy(self):
        reason = self.daemon.dir / self.dice.choice([FAILS, REFUSES])
        reason.touch()
        self.deploy()
        reason.unlink()

    def hook(self):
        """The shell of the commands that run."""
        known = {i["pid"] for i in self.daemon.rpc.supervisor.getAllProcessInfo()}
        return next((pid for pid, (name, parent) in self.processes().items()
                     if name == "sh" and parent == self.daemon.pid and pid not in known), None)

    def kill_hook(self, _client):
        pid = self.hook()
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def interrupted_deploy(self):
        """Something happens to it while its commands run."""
        (self.daemon.dir / TAKES_TIME).touch()
        client = subprocess.Popen([SLOTCTL, "-c", self.daemon.config, "deploy", "s", self.release()],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: self.hook() or client.poll() is not None, "its commands run")
            act = self.dice.choice([self.kill_hook, lambda c: c.kill(), lambda c: self.kill_slotd(),
                                    lambda c: c.send_signal(signal.SIGINT),
                                    lambda c: self.ctl("abort", "s")])
            act(client)
        finally:
            (self.daemon.dir / TAKES_TIME).unlink()
            client.wait(timeout=90)
        self.done[f"deploy ended with {client.returncode}"] += 1

    def meanwhile(self):
        self.dice.choice([self.kill_slotd, self.kill_helper, self.kill_worker, self.deploy,
                          lambda: time.sleep(self.dice.random())])()

    def pause(self):
        self.ctl("pause", "s")
        self.meanwhile()
        self.ctl("resume", "s")

    def freeze(self):
        self.ctl("freeze", "s", "a reason")
        self.meanwhile()
        self.ctl("unfreeze", "s")

    def roll(self):
        self.ctl("restart", "--rolling", "s")

    def swap(self):
        self.ctl("swap", "s")

    def rollback(self):
        self.ctl("rollback", "s")

    def reload(self):
        self.daemon.write_config(self.text + self.dice.choice(["", EXTRA]))
        self.ctl("reload")

    def upgrade(self):
        self.ctl("upgrade", "--force")

    def act(self):
        act = self.dice.choice([self.kill_slotd, self.kill_helper, self.kill_helper, self.kill_helper,
                                self.stop_helper, self.kill_worker, self.kill_worker, self.deploy,
                                self.deploy, self.swap, self.swap, self.rollback, self.reload,
                                self.reload, self.upgrade, self.failing_deploy,
                                self.interrupted_deploy, self.pause, self.freeze, self.roll])
        self.done[act.__name__] += 1
        self.said.append((time.monotonic(), act.__name__))
        act()
        if self.dice.random() < 0.5:  # the next one comes into the middle of what follows
            time.sleep(self.dice.random())

    # ---- what must hold

    def is_calm(self):
        with suppress(Exception):
            s = self.daemon.service("s")
            return not s.get("job") and all(len(self.helpers(name)) >= n
                                            for name, n in HELPERS.items()) and \
                self.daemon.slot("s", s["live"])["ready"] == 2
        return False

    def insist(self):
        """Exactly one slot is live, and it is the recorded one; nobody is nobody's."""
        wait_for(self.is_calm, "it is calm", 60)
        rows = self.daemon.service("s")
        live = rows["live"]
        recorded = json.loads(self.daemon.read("state/state.json"))["services"]["s"]["live"]
        wait_for(lambda: self.daemon.read("live") == f"{live}\n", "live_file says so")
        assert recorded == live
        for _ in range(4):
            with suppress(Failure):
                assert once(self.address).startswith(f"{live} ")
        assert self.daemon.info("count")["pid"] == self.counter

        def strangers():
            known = {i["pid"] for i in self.daemon.rpc.supervisor.getAllProcessInfo()}
            return {pid: name for pid, (name, parent) in self.processes().items()
                    if not name.startswith("slot") and pid not in known
                    and parent in (self.daemon.pid, os.getpid())}

        wait_for(lambda: not strangers(), "no process is nobody's")

    def around(self, request):
        """What was done, and what slotd said, in the seconds before a request and just after it."""
        first, last = request.sent - 3, request.done + 0.5
        lines = [f"{at:.3f} {what}" for at, what in self.said if first < at < last]
        to_wall = time.time() - time.monotonic()
        for line in self.daemon.log().splitlines():
            with suppress(ValueError):
                at = datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").timestamp() - to_wall
                if first < at < last:
                    lines.append(f"{at:.3f} slotd: {line[24:]}")
        return "\n".join(sorted(lines))

    def sample(self):
        at = time.monotonic()
        for pid, (name, _) in self.processes().items():
            if name.startswith("slotd"):
                with suppress(OSError):
                    with open(f"/proc/{pid}/status", encoding="ascii") as f:
                        rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
                    self.samples[name].append((at, rss, len(os.listdir(f"/proc/{pid}/fd"))))


def quarters(samples):
    """The medians of the first and of the last quarter: kB, descriptors."""
    began, ended = samples[0][0], samples[-1][0]
    first = [s for s in samples if s[0] <= began + (ended - began) / 4]
    last = [s for s in samples if s[0] >= ended - (ended - began) / 4]
    return [[statistics.median(s[i] for s in part) for part in (first, last)] for i in (1, 2)]


def test_chaos(slotd, ports, record_property):
    seed = int(os.environ.get("SLOTD_SEED", random.randrange(1 << 30)))
    print(f"SLOTD_SEED={seed}")
    chaos = Chaos(slotd, ports, random.Random(seed))
    until = time.monotonic() + SECONDS
    with Load(chaos.address, clients=3, rate=20) as fresh, \
            Load(chaos.address, keep_alive=True, clients=4, rate=20) as kept, \
            Load(chaos.address, keep_alive=True, path="/slow?300") as slow:
        while time.monotonic() < until:
            for _ in range(chaos.dice.randint(1, 4)):
                chaos.act()
            chaos.insist()
            chaos.sample()
    loads = (fresh, kept, slow)
    failed = [(load.path, r) for load in loads for r in load.failed()]
    lost = [(path, r) for path, r in failed
            if not any(r.sent - 1 < cut < r.done + 0.5 for cut in chaos.cuts)]
    lines = chaos.daemon.read("count.log").split("\n")[:-1]
    figures = [f"chaos of {SECONDS} s, seed {seed}: {dict(sorted(chaos.done.items()))}; "
               f"{sum(len(load.requests) for load in loads)} GETs, {len(failed) - len(lost)} in a relay that "
               f"was killed, "
               f"{len(lost)} lost; {len(lines)} lines, none lost"]
    for name, samples in sorted(chaos.samples.items()):
        (rss, rss_then), (fds, fds_then) = quarters(samples)
        figures.append(f"{name}: {rss:.0f} -> {rss_then:.0f} kB, {fds:.0f} -> {fds_then:.0f} descriptors")
    record_property("figures", "; ".join(figures))
    print("\n".join(figures))
    for path, r in lost:
        print(f"lost: GET {path}: {r}\n{chaos.around(r)}")
    assert not lost
    assert lines == [str(i + 1) for i in range(len(lines))]
    for name, samples in chaos.samples.items():
        (rss, rss_then), (fds, fds_then) = quarters(samples)
        assert rss_then < rss * 1.25 + 1024 and fds_then < fds * 1.1 + 6, (name, figures)
