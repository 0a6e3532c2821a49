"""slotctl restart --rolling: the workers of the live slot one after the other, and nobody notices."""

import json
import re
import socket
from pathlib import Path

import pytest

from harness.load import Load, once
from harness.procs import wait_for
from test_services import Payinv


def roll(payinv, *arguments, status=0):
    done = payinv.daemon.ctl("restart", "--rolling", "payinv", *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def pids(payinv, slot="a"):
    return [w["pid"] for w in payinv.daemon.status()["workers"] if w.get("slot") == slot]


def all_healthy(payinv, n, slot="a"):
    wait_for(lambda: payinv.daemon.slot("payinv", slot)["ready"] == n, "all are healthy")


class Burst:
    """GET and POST clients, kept-alive and not."""

    def __init__(self, address):
        self.loads = [Load(address, keep_alive=True, clients=2, rate=50),
                      Load(address, keep_alive=True, clients=2, rate=50, body=b"x" * 100),
                      Load(address, clients=1, rate=30, body=b"y"),
                      Load(address, keep_alive=True, clients=2, path="/slow?150")]
        for load in self.loads:
            wait_for(lambda load=load: len(load.requests) >= 2, "it asks")

    def end(self):
        failed = [r for load in self.loads for r in load.stop().failed()]
        assert not failed, failed[:3]
        assert sum(load.closed for load in self.loads) == 0, "a kept connection was closed"


@pytest.mark.plain_only
def test_rolls_under_load_lose_nothing_and_leave_a_line_of_history(slotd, ports):
    payinv = Payinv(slotd, ports, count=3)
    all_healthy(payinv, 3)
    burst, before = Burst(payinv.address), pids(payinv)
    for i in range(3):
        text = roll(payinv)
        assert re.search(r"^    3/3 restart  ok  \S+ m?s  payinv-a_\d+$", text, re.M), text
        assert "3 workers of slot a were restarted." in text and " \n" not in text, text
    burst.end()
    assert not set(before) & set(pids(payinv)) and len(pids(payinv)) == 3
    assert payinv.live() == "a" and not any(pids(payinv, "b"))
    history = json.loads(payinv.daemon.ctl("history", "--json", check=True).stdout)
    assert [e["kind"] for e in history] == ["restart"] * 3 and history[0]["code"] == 0
    assert "in a" in payinv.daemon.ctl("history", check=True).stdout
    # What a reload has changed for the live slot applies now.
    payinv.daemon.write_config(payinv.config.replace("startsecs=0", "startsecs=0\nenvironment=NEW=1"))
    payinv.daemon.ctl("reload", check=True)
    assert any(w["pending"] for w in payinv.daemon.status()["workers"])
    roll(payinv)
    assert not any(w["pending"] for w in payinv.daemon.status()["workers"])
    for pid in pids(payinv):
        assert b"NEW=1" in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.long
def test_twenty_rolls_of_two_at_once_lose_nothing(slotd, ports):
    payinv = Payinv(slotd, ports, count=4, options="rolling_max=50%%\n")
    all_healthy(payinv, 4)
    burst = Burst(payinv.address)
    for _ in range(20):
        roll(payinv)
    burst.end()


def test_a_worker_that_does_not_become_healthy_stops_the_roll(slotd, ports):
    payinv = Payinv(slotd, ports, count=3, options="ready_timeout=3\n",
                    health="exec test ! -e %D%/sick || ! grep -q $SLOTD_PORT %D%/sick")
    all_healthy(payinv, 3)
    before = pids(payinv)
    (payinv.daemon.dir / "sick").write_text(f"{payinv.ports_a[1]}\n")
    text = roll(payinv, status=10)
    assert f"payinv-a_{payinv.ports_a[1]}" in text and "FAILED" in text, text
    assert "RESTART STOPPED: 1 of 3 workers were restarted" in text
    after = pids(payinv)
    assert before[0] != after[0] and before[1] != after[1] and before[2] == after[2]
    (payinv.daemon.dir / "sick").unlink()
    all_healthy(payinv, 3)
    roll(payinv)


def test_where_one_worker_serves_it_is_refused_unless_forced(slotd, ports):
    payinv = Payinv(slotd, ports, count=1)
    all_healthy(payinv, 1)
    before = pids(payinv)
    text = roll(payinv, status=10)
    assert "slotctl swap payinv" in text and "--force" in text
    assert pids(payinv) == before
    with Load(payinv.address, keep_alive=True, clients=2, rate=20) as load:
        wait_for(lambda: len(load.requests) >= 2, "it asks")
        roll(payinv, "--force")
        n = len(load.requests)
        wait_for(lambda: len(load.requests) > n + 5, "it goes on")
    assert not load.failed(), load.failed()[:3]
    assert pids(payinv) != before


class Pinned:
    """A connection that the relay cannot follow: it stays with its worker."""

    def __init__(self, payinv):
        self.socket = socket.create_connection(payinv.address)
        self.socket.settimeout(30)
        self.socket.sendall(b"\x00\x01 something else\r\n")
        wait_for(lambda: payinv.daemon.slot("payinv", "a")["pinned"] == 1, "it is pinned")

    def ended(self):
        with self.socket:
            try:
                return self.socket.recv(1) == b""
            except OSError:
                return True


def begin(payinv):
    payinv.daemon.ctl("restart", "--rolling", "--detach", "payinv", check=True)


def test_abort_busy_and_a_killed_slotd_leave_no_worker_out(slotd, ports):
    payinv = Payinv(slotd, ports, count=2, options="drain_timeout=60\nrolling_max=1\n")
    all_healthy(payinv, 2)
    pinned, before = Pinned(payinv), pids(payinv)
    begin(payinv)
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "roll", "it rolls")
    # It waits for the worker with the pinned connection, sooner or later.
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["ready"] == 1
             and len(set(before) & set(pids(payinv))) >= 1, "one drains")
    done = payinv.daemon.ctl("swap", "payinv")
    assert done.returncode == 12 and "restart #1 by" in done.stderr, done.stderr
    # Aborted: it gets connections again.
    payinv.daemon.ctl("abort", "payinv", check=True)
    all_healthy(payinv, 2)
    wait_for(lambda: not payinv.daemon.service("payinv")["job"], "it has ended")
    assert payinv.daemon.ctl("attach", "payinv").returncode == 10
    # Killed in the middle of a drain: it goes on, and ends when the connection does.
    before = pids(payinv)
    burst = Burst(payinv.address)
    begin(payinv)
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["ready"] == 1, "one drains")
    payinv.daemon.kill()
    payinv.daemon.start()
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "roll", "it goes on")
    pinned.socket.close()
    done = payinv.daemon.ctl("attach", "payinv")
    assert done.returncode == 0 and "2 workers of slot a were restarted." in done.stdout, done.stdout
    burst.end()
    assert not set(before) & set(pids(payinv))
    all_healthy(payinv, 2)


def test_what_does_not_end_by_itself_is_cut_after_drain_timeout(slotd, ports):
    payinv = Payinv(slotd, ports, count=2, options="drain_timeout=1\ndrain_spread=0\n")
    all_healthy(payinv, 2)
    pinned = Pinned(payinv)
    text = roll(payinv)
    assert "1 connections closed by slotd" in text, text
    assert pinned.ended()
    # Killed as soon as it has begun: it comes to an end all the same, and everybody serves.
    for _ in range(2):
        begin(payinv)
        payinv.daemon.kill()
        payinv.daemon.start()
        wait_for(lambda: not payinv.daemon.service("payinv")["job"], "it has ended")
        all_healthy(payinv, 2)
    assert once(payinv.address).startswith("a ")
