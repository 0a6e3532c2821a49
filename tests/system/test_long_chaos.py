"""Chaos for some minutes, for SLOTD_CHAOS seconds, or for SLOTD_CHAOS_STEPS acts: the whole story
of deploys of three services at random under load, with canaries, A/B tests, outages and full disks,
while everything is killed and stopped. Nothing is lost, doubled or left, and nothing grows.
SLOTD_SEED repeats the acts."""

import math
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager, suppress

import pytest

from harness.chaos import EXTRA, OWN, PATIENCE, SERVICES, World
from harness.chaos_plan import OF_A_SERVICE, OF_THE_MACHINE, Plan
from harness.load import Failure, once
from harness.mounts import small_disks
from harness.paths import SLOTCTL
from harness.procs import wait_for

STEPS = int(os.environ.get("SLOTD_CHAOS_STEPS", 0))
SECONDS = int(os.environ.get("SLOTD_CHAOS", 0 if STEPS else 240))
FOLLOWED = (0, 10, 11)  # exit statuses of slotctl that tell what became of a job
DISK = "16m"  # a history of 1 MB, and logs of an hour


class Actors:
    """A thread for each service, and one for the machine: it carries out its acts one by one."""

    def __init__(self, world):
        self.world, self.daemon = world, world.daemon
        self.done, self.said, self.wrong = Counter(), deque(maxlen=400), []
        self.refusals = Counter()  # last lines of what slotctl said, without numbers
        self.full_since = None

    def carry_out(self, acts):
        for act in acts:
            self.done[act.name] += 1
            self.said.append((time.monotonic(), act))
            try:
                getattr(self, act.name)(act)
            except Exception as error:  # pylint: disable=broad-except
                self.wrong.append(f"act {act}: {type(error).__name__}: {error}")
                return
            time.sleep(act.rest)

    def group(self, acts_of):
        self.full_since = None
        threads = [threading.Thread(target=self.carry_out, args=(acts,))
                   for acts in acts_of.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # ---- what they do it with

    def ctl(self, *args):
        """Whatever comes of it, it is said."""
        done = self.daemon.ctl(*args, timeout=3 * PATIENCE)
        assert done.returncode >= 0 and (done.returncode == 0 or done.stdout or done.stderr), done
        self.done[f"{args[0]} {'done' if done.returncode == 0 else 'refused'}"] += 1
        if done.returncode:
            last = (done.stdout + done.stderr).strip().splitlines()[-1]
            self.refusals[f"{args[0]}: {re.sub('[0-9]+', 'N', last)[:120]}"] += 1
        return done

    def until_done(self, unless, *command):
        """Again, if slotd or slotd-control was killed under it."""
        def tried():
            done = self.ctl(*command)
            return done.returncode == 0 or unless in done.stderr
        wait_for(tried, f"{' '.join(command)} is done", PATIENCE)

    def deploy(self, act, command=()):
        return self.ctl(*(command or ("deploy", act.who, f"r{act.number}")))

    def over(self, service):
        def rests():
            row = self.world.row_of_living(service)
            return row and not row.get("job")
        wait_for(rests, f"no job of {service} goes on", PATIENCE)

    @contextmanager
    def told(self, name, text=""):
        path = self.daemon.dir / name
        path.write_text(text)
        try:
            yield
        finally:
            path.unlink()

    def strike(self, service, blow, client=None):
        what, index = blow["what"], blow["index"]
        if what == "slotd":
            self.world.kill_slotd(blow.get("seconds", 0))
        elif what == "worker":
            self.world.kill_worker(service, index)
        elif what == "hook":
            pid = self.world.hook()
            if pid:
                self.world.kill(pid, "hook")
        elif what in ("client", "interrupt"):
            client.send_signal(signal.SIGKILL if what == "client" else signal.SIGINT)
        elif what == "abort":
            self.ctl("abort", service)
        elif what == "nothing":
            time.sleep(blow["seconds"])
        else:
            for kind in what.split(" and "):
                self.world.kill_helper(kind, index)

    def meanwhile(self, act):
        if act.given["job"]:
            self.ctl(*{"deploy": ("deploy", act.who, f"r{act.number}"), "swap": ("swap", act.who),
                       "roll": ("restart", "--rolling", act.who)}[act.given["job"]])
        for blow in act.given["blows"]:
            self.strike(act.who, blow)

    # ---- acts of a service

    def swap(self, act):
        self.ctl("swap", act.who)

    def rollback(self, act):
        self.ctl("rollback", act.who)

    def roll(self, act):
        self.ctl("restart", "--rolling", act.who)

    def kill_worker(self, act):
        self.done["workers killed"] += self.world.kill_worker(act.who, act.given["index"])

    def failing_deploy(self, act):
        self.over(act.who)
        with self.told(f"{act.who}-fails-{act.given['step']}"):
            self.fails(act)

    def failing_gate(self, act):
        """Workers of the idle slot exit at once, or answer with an error."""
        self.over(act.who)
        idle = "b" if self.world.live(act.who) == "a" else "a"
        with self.told(f"{act.who}-answers-{idle}", str(act.given["status"])):
            self.fails(act)

    def fails(self, act):
        """Call it when nothing goes on: what a killed slotd had begun, the next one may still end."""
        live = self.world.live(act.who)
        done = self.deploy(act)
        self.over(act.who)
        assert done.returncode, f"what cannot succeed has, it says: {done.stdout}{done.stderr}"
        assert self.world.live(act.who) == live, "it was swapped"

    def struck_deploy(self, act):
        """Something is killed when it is in a certain step, unless it has ended before."""
        with self.told(f"{act.who}-takes-time"), tempfile.TemporaryFile("w+") as said:
            client = subprocess.Popen(
                [SLOTCTL, "-c", self.daemon.config, "deploy", act.who, f"r{act.number}"],
                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.DEVNULL)
            try:
                self.strike_in_step(act, client)
                client.wait(timeout=3 * PATIENCE)
            except BaseException:
                client.kill()
                client.wait()
                raise
            said.seek(0)
            text = said.read()
        self.done[f"struck deploy ended with {client.returncode}"] += 1
        self.over(act.who)
        if act.given["what"] not in ("client", "interrupt"):
            assert client.returncode >= 0, f"slotctl ended with {client.returncode}"
            self.followed(act, client.returncode, text)

    def strike_in_step(self, act, client):
        def there():
            row = self.world.row(act.who)
            return client.poll() is not None or row and row["step"] == act.given["step"]
        wait_for(there, f"it is in {act.given['step']}", PATIENCE)
        if client.poll() is None:
            self.done[f"struck in {act.given['step']}"] += 1
            self.strike(act.who, act.given, client)

    def followed(self, act, code, text):
        """Who followed the job has seen what its log has, though its servers were killed."""
        if code not in FOLLOWED or f"r{act.number}" not in text or self.full_since:
            return
        again = self.daemon.ctl("attach", act.who, timeout=3 * PATIENCE)
        if again.returncode in FOLLOWED and f"r{act.number}" in again.stdout:
            self.done["followed to the end"] += 1
            assert (again.returncode, again.stdout) == (code, text), \
                f"attach: {again.returncode}\n{again.stdout}, followed: {code}\n{text}"

    def canary(self, act):
        release = [f"r{act.number}"] if act.given["release"] else []
        for share in act.given["shares"]:
            self.ctl("canary", act.who, share, *release)
            release = []
        for blow in act.given["blows"]:
            self.strike(act.who, blow)
        self.shared_no_more(act)

    def shared_no_more(self, act):
        """Only one slot gets connections; this may have come by itself."""
        def ended():
            verb, *share = act.given["end"]
            self.ctl(verb, act.who, *share)
            row = self.world.row_of_living(act.who)
            return row and not row.get("job") and not any(
                slot["share"] for slot in row["slots"] if slot["slot"] != row["live"])
        wait_for(ended, f"{act.given['end']} is done", PATIENCE)

    def ab(self, act):
        for share in act.given["shares"]:
            self.ctl("ab", act.who, share)
        for blow in act.given["blows"]:
            self.strike(act.who, blow)
        if act.given["end"]:
            self.shared_no_more(act)

    def end_ab(self, act):
        self.shared_no_more(act)

    def pause(self, act):
        self.ctl("pause", act.who)
        self.meanwhile(act)
        self.until_done("is not paused", "resume", act.who)

    def freeze(self, act):
        frozen = self.ctl("freeze", act.who, "a reason").returncode == 0
        if frozen:
            done = self.deploy(act)
            assert done.returncode, f"frozen, and deployed: {done.stdout}"
        self.meanwhile(act)
        self.until_done("is not frozen", "unfreeze", act.who)

    def offline(self, act):
        window = [time.monotonic(), math.inf]
        self.world.clients[act.who].offline.append(window)
        if self.ctl("offline", act.who, "a reason").returncode == 0:
            wait_for(lambda: self.says_503(act.who), "it is offline", PATIENCE)
        self.meanwhile(act)
        self.until_done("is not offline", "online", act.who)
        window[1] = time.monotonic()

    def says_503(self, service):
        try:
            once(self.world.addresses[service], timeout=PATIENCE)
        except Failure as failure:
            return " 503 " in failure.detail + " "
        return False

    # ---- acts that all services feel

    def kill_slotd(self, act):
        self.world.kill_slotd(act.given["seconds"])

    def kill_helper(self, act):
        self.world.kill_helper(act.given["what"], act.given["index"])

    def kill_all_helpers(self, act):
        for kind in act.given["order"]:
            self.world.kill_helper(kind, 0)

    def stop_helper(self, act):
        there = self.world.helpers(act.given["what"])
        if there:
            pid = there[act.given["index"] % len(there)]
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                time.sleep(act.given["seconds"])
                os.kill(pid, signal.SIGCONT)

    def reload(self, act):
        self.daemon.replace_config(self.world.text + OWN + (EXTRA if act.given["extra"] else ""))
        self.between_jobs("reload")

    def upgrade(self, _act):
        self.between_jobs("upgrade", "--force")

    def between_jobs(self, *command):
        """It is refused while any service has one."""
        until = time.monotonic() + 15
        while time.monotonic() < until:
            wait_for(lambda: time.monotonic() > until or not any(
                (self.world.row(name) or {"job": 1})["job"] for name in SERVICES),
                     "no job goes on", PATIENCE)
            with self.world.alone:
                if self.ctl(*command).returncode == 0:
                    return

    def full_disk(self, act):
        if not self.world.has_small_disks:
            return
        self.full_since = self.full_since or time.monotonic()
        with self.world.full_disk():
            time.sleep(act.given["seconds"])


def story(actors, since):
    """The last acts, and what slotd said since then."""
    acts = list(actors.said)[-20:]
    lines = [f"{at:.3f} ACT {act}" for at, act in acts] + actors.world.said_between(since, math.inf)
    return "\n".join(["the last acts:", *(f"  {act}" for _, act in acts), *sorted(lines)[-1000:]])


def run(world, plan, record_property, seed):
    actors, began = Actors(world), time.monotonic()
    wrong = []
    while not wrong and (plan.drawn < STEPS if STEPS else True) and \
            (time.monotonic() - began < SECONDS if SECONDS else True):
        since = time.monotonic()
        actors.group(plan.group())
        wrong = actors.wrong or world.insist(plan.in_ab, actors.full_since)
        world.sample()
    counts = sum((clients.counts for clients in world.clients.values()), Counter())
    figures, growth = world.growth()
    figures.insert(0, f"chaos of {time.monotonic() - began:.0f} s, {plan.drawn} acts, seed {seed}: "
                   f"{dict(sorted(actors.done.items()))}; {dict(sorted(counts.items()))}; "
                   f"{max(world.jobs, default=0)} jobs")
    record_property("figures", "; ".join(figures))
    print("\n".join(figures))
    print("\n".join(f"{n:4} {text}" for text, n in actors.refusals.most_common(60)))
    assert not wrong, "\n".join([f"after {plan.drawn} acts:", *wrong[:20], story(actors, since)])
    assert not growth, growth


def test_a_seed_makes_the_same_acts_each_time():
    def acts(seed):
        plan = Plan(seed, list(SERVICES))
        return [str(act) for _ in range(100) for acts in plan.group().values() for act in acts]
    assert acts(1) == acts(1) != acts(2)
    names = {act.split()[2] for act in acts(1)}
    assert names == {*OF_A_SERVICE, *OF_THE_MACHINE, "end_ab"}


@pytest.mark.long
def test_chaos(slotd, ports, record_property):
    seed = int(os.environ.get("SLOTD_SEED", random.randrange(1 << 30)))
    print(f"SLOTD_SEED={seed}")
    world = World(slotd, ports)
    with small_disks(DISK, world.daemon.dir / "state",
                     world.daemon.dir / "log") as world.has_small_disks:
        world.start()
        try:
            run(world, Plan(seed, list(SERVICES)), record_property, seed)
        finally:
            for clients in world.clients.values():
                clients.stop()
            world.daemon.end()
