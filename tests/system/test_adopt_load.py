"""slotd is killed at any moment, under load, again and again: nothing is lost, nothing is done twice."""

import collections
import json
import os
import random
import signal
import threading
import time
import xmlrpc.client

import pytest

from harness import procs
from harness.apps import APPS, PYTHON, two_slots
from harness.load import Load
from harness.procs import wait_for
from harness.servers import connect
from test_adopt import copies, goes_on, history, next_slotd, pids, relays, running
from test_relay_kills import post

CHARGES = """
[program:pay-{slot}]
command={python} {apps}/charge.py %(process_num)d %D%/charges
process_name=%(program_name)s_%(process_num)d
numprocs=2
numprocs_start={port}
startsecs=0
"""
PAY = """
[service:pay]
listen=127.0.0.1:{public}
slot_a=pay-a
slot_b=pay-b
health=tcp
idle_keep=0
"""
PLAIN = """
[supervisord]
loglevel=info
[program:count]
command=/bin/sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.005; done'
startsecs=0
stdout_logfile=%D%/count.log
stdout_logfile_maxbytes=20KB
stdout_logfile_backups=1000
[program:many]
command=sleep 4322
startsecs=0
numprocs=10
process_name=%(process_num)d
"""
LISTENER = """
[eventlistener:ear]
command={python} {apps}/listener.py %D%/heard
events=PROCESS_STATE
startsecs=0
"""


class Posts:
    """Clients that POST on kept connections, and what became of each request."""

    def __init__(self, port, clients=3):
        self.stop, self.results, self.port = threading.Event(), [], port
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, name):
        client, i = None, 0
        while not self.stop.is_set():
            i += 1
            client = client or connect(("127.0.0.1", self.port))
            client.settimeout(30)
            ok = post(client, f"/c{name}-{i}", b"x" * 3000, 1 + i % 2)
            self.results.append((f"/c{name}-{i}", ok))
            if not ok or i % 20 == 0:
                client.close()
                client = None
            time.sleep(0.01)
        if client:
            client.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def charges(daemon):
    return collections.Counter(daemon.read("charges").split())


def pay(ports, public):
    text = "".join(CHARGES.format(slot=slot, python=PYTHON, apps=APPS, port=ports.run(2)[0])
                   for slot in "ab")
    return text + PAY.format(public=public)


def lines_of(daemon):
    logs = sorted(daemon.dir.glob("count.log*"),
                  key=lambda p: -int(p.suffix[1:]) if p.suffix[1:].isdigit() else 0)
    return "".join(p.read_text() for p in logs).split("\n")[:-1]


class Story:
    """What somebody does with slotd between two kills."""

    def __init__(self, daemon, dice, text):
        self.daemon, self.dice, self.text, self.begun, self.said = daemon, dice, text, 0, []

    def job(self, *words):
        try:
            number = getattr(self.daemon.rpc.slotd, words[0])(*words[1:])
        except xmlrpc.client.Fault as fault:
            assert words[0] == "rollback", fault  # nothing may be there to roll back to
            return
        self.begun = max(self.begun, number)

    def deploy(self):
        self.job("deploy", "s", f"r{self.begun}")

    def swap(self):
        self.job("swap", "s")
        self.job("swap", "pay")

    def rollback(self):
        self.job("rollback", "s")

    def abort(self):
        self.deploy()
        time.sleep(self.dice.random() * 0.5)
        try:
            self.daemon.rpc.slotd.abort("s")
        except xmlrpc.client.Fault:
            pass  # it may be too late for that

    def restart(self):
        self.daemon.rpc.supervisor.stopProcessGroup("many", False)
        time.sleep(self.dice.random() * 0.05)
        self.daemon.rpc.supervisor.startProcessGroup("many", False)

    def reload(self):
        extra = self.dice.choice(["", "[program:extra]\ncommand=sleep 4323\nnumprocs=3\n"
                                  "process_name=%(process_num)d\nstartsecs=0\n"])
        self.daemon.write_config(self.text + extra)
        threading.Thread(target=self.daemon.ctl, args=("reload",)).start()

    def nothing(self):
        pass

    def act(self):
        act = self.dice.choice([self.deploy, self.deploy, self.swap, self.rollback, self.abort,
                                self.restart, self.reload, self.nothing])
        self.said.append(act.__name__)
        act()
        time.sleep(self.dice.random() * self.dice.choice([0.05, 0.3, 1.2]))


def kill_and_start(daemon, dice):
    daemon.kill()
    time.sleep(dice.random() * 0.1)
    while dice.random() < 0.3:  # and that one, too, before it has taken over, or just after
        daemon.start(wait=False)
        time.sleep(dice.random() * 0.15)
        daemon.kill()
    next_slotd(daemon)


def idle(daemon):
    return not any(s.get("job") for s in daemon.status()["services"])


@pytest.mark.parametrize("kills", [10, pytest.param(50, marks=pytest.mark.long)])
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
@pytest.mark.plain_only
def test_slotd_is_killed_again_and_again_and_nothing_is_lost(slotd, ports, record_property, seed,
                                                              kills):
    dice = random.Random(int(os.environ.get("SLOTD_SEED", seed)))
    public, paying = ports.one(), ports.one()
    text = two_slots("s", f"127.0.0.1:{public}", ports.run(2), ports.run(2),
                     options="bake=0.3\nprepare=sleep 0.1\n") + pay(ports, paying) + PLAIN
    daemon = slotd(text, start=False)
    (daemon.dir / "charges").touch()
    daemon.start()
    wait_for(lambda: all(i["statename"] == "RUNNING" for i in daemon.rpc.supervisor.getAllProcessInfo()
                         if i["group"] in ("s-a", "pay-a", "many")), "all run")
    story, count = Story(daemon, dice, text), running(daemon, "count")
    address = ("127.0.0.1", public)
    with Load(address, keep_alive=True, clients=3, rate=30) as kept, \
            Load(address, clients=2, rate=30) as fresh, \
            Load(address, keep_alive=True, path="/slow?700") as slow, Posts(paying) as posts:
        goes_on(kept)
        for _ in range(kills):
            story.act()
            kill_and_start(daemon, dice)
            wait_for(lambda: idle(daemon), f"no job goes on any more {story.said}", 60)
            goes_on(kept, fresh, n=5)
        wait_for(lambda: len(history(daemon)) >= story.begun, "each job has its line")
    for load in (kept, fresh, slow):
        assert not load.failed(), (story.said, load.failed()[:3])
    done = charges(daemon)
    assert [target for target, n in done.items() if n > 1] == []
    assert [target for target, ok in posts.results if not ok or done[target] != 1] == []
    jobs = [json.loads(line)["job"] for line in history(daemon)]
    assert sorted(jobs) == sorted(set(jobs)) and len(jobs) == story.begun, (jobs, story.begun)
    assert kept.requests[-1].slot == daemon.service("s")["live"]
    assert daemon.info("count")["pid"] == count
    assert sorted(copies([b"sleep", b"4322"])) == sorted(
        pid for name, pid in pids(daemon).items() if name.startswith("many:") and pid)
    seen = lines_of(daemon)
    assert len(seen) > 50 and seen == [str(i + 1) for i in range(len(seen))]
    assert daemon.end() == 0
    figures = (f"slotd killed {kills} times under load: {len(kept.requests) + len(fresh.requests)} "
               f"GETs and {len(posts.results)} POSTs, {len(jobs)} jobs, nothing lost, nothing twice")
    record_property("figures", figures)
    print(figures)


@pytest.mark.plain_only
def test_a_relay_that_was_taken_over_is_killed_and_no_post_is_carried_out_twice(slotd, ports):
    paying = ports.one()
    daemon = slotd(pay(ports, paying), start=False)
    (daemon.dir / "charges").touch()
    daemon.start()
    marks = []
    with Posts(paying) as posts:
        for _ in range(5):
            seen = len(posts.results)
            marks.append(seen)
            wait_for(lambda: len(posts.results) > seen + 20, "requests are answered")
            daemon.kill()
            next_slotd(daemon)
            before = set(relays())
            os.kill(random.choice(sorted(before)), signal.SIGKILL)
            wait_for(lambda: set(relays()) - before and len(relays()) == len(before),
                     "there is another one")
        seen = len(posts.results)
        wait_for(lambda: len(posts.results) > seen + 50, "it goes on")
    done = charges(daemon)
    assert [target for target, n in done.items() if n > 1] == []
    assert [target for target, ok in posts.results if ok and done[target] != 1] == []
    bad = [i for i, (_, ok) in enumerate(posts.results) if not ok]
    assert not bad or bad[-1] < len(posts.results) - 50, (bad, [posts.results[i] for i in bad], marks, len(posts.results))
    assert sum(not ok for _, ok in posts.results) <= 5 * 3  # those of the relay that was killed
