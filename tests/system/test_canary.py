"""Canaries and A/B tests: a share of the connections for the slot that is not live."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter

import pytest

from harness.apps import service, web_slot
from harness.daemon import COLD, signal_and_wait
from harness.load import Load, once
from harness.paths import SLOTD
from harness.procs import wait_for
from test_services import Payinv

CANARY, AB = 6, 7  # enum slot_state
HELD = "live_file=%D%/live\ncanary_failures=0\n"


def shares(payinv, n=240, clients=4):
    """The shares of a and b of n connections, in percent."""
    slots = Counter()

    def ask():
        for _ in range(n // clients):
            slots[once(payinv.address).split()[0]] += 1
    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(slots.values()) == n, slots
    return slots["a"] * 100 / n, slots["b"] * 100 / n


def get(address, source=None, cookie=None, pieces=1):
    """The slot that answers one request, from that address, with that cookie, in so many writes."""
    with socket.create_connection(address, 20, (source, 0) if source else None) as client:
        head = (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                + (f"Cookie: x=1; {cookie}\r\n".encode() if cookie else b"") + b"\r\n")
        size = -(-len(head) // pieces)
        for at in range(0, len(head), size):
            client.sendall(head[at:at + size])
            if pieces > 1:
                time.sleep(0.02)  # a segment of its own: nothing is waited for
        got = b""
        while data := client.recv(65536):
            got += data
    return got.partition(b"\r\n\r\n")[2].split()[0].decode()


def ended(client):
    client.setblocking(False)
    try:
        return client.recv(100) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


class Posts:
    """Kept-alive clients that post without a pause; every answer must come."""

    def __init__(self, address, clients=4):
        self.address, self.slots, self.errors = address, Counter(), []
        self.per_connection, self.over = [], False
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self):
        with socket.create_connection(self.address, 20) as client:
            mine = []
            self.per_connection.append(mine)
            while not self.over:
                try:
                    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
                    slot = self.answer(client)
                except (OSError, ValueError, IndexError) as error:
                    self.errors.append(repr(error))
                    return
                self.slots[slot] += 1
                mine.append(slot)
                time.sleep(0.001)

    @staticmethod
    def answer(client):
        got = b""
        while b"\r\n\r\n" not in got or not got.endswith(b"\n"):
            data = client.recv(65536)
            if not data:
                raise ValueError(f"the end after {got!r}")
            got += data
        if not got.startswith(b"HTTP/1.1 200"):
            raise ValueError(repr(got))
        return got.partition(b"\r\n\r\n")[2].split()[0].decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join(60)
        assert not self.errors, self.errors[:5]


def canary(payinv, share="10%", *more):
    done = payinv.daemon.ctl("canary", "payinv", share, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def state(payinv, slot="b"):
    return payinv.daemon.slot("payinv", slot)["state"]


def history(payinv):
    return [json.loads(line) for line in payinv.daemon.read("state/history").splitlines()]


def step(payinv):
    return payinv.daemon.service("payinv")["step"]


# ---- by hand

def test_a_canary_gets_its_share_and_is_promoted_and_nobody_loses_a_request(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "bake=1\n[slotd]\nrelays=3\n")
    with Posts(payinv.address) as posts:
        said = canary(payinv)
        assert "To go on: slotctl promote payinv. To give it up: slotctl abort payinv" in said
        assert state(payinv) == CANARY and payinv.live() == "a"
        assert abs(shares(payinv)[1] - 10) <= 3  # a few of each relay, of 240
        shown = payinv.daemon.ctl("slots", check=True).stdout
        assert re.search(r"^ +b +CANARY \S+ .* 10% .*slotctl promote\|abort payinv; given up in 29m",
                         shown, re.M), shown
        busy = payinv.daemon.ctl("swap", "payinv")
        assert busy.returncode == 12 and 'is in "canary"' in busy.stderr
        assert set(posts.slots) == {"a"}, "what is kept alive stays"
        assert "the canary gets 50% of the new connections" in canary(payinv, "50%")
        wait_for(lambda: payinv.daemon.slot("payinv", "b")["share"] == 5000, "it has half")
        assert abs(shares(payinv)[1] - 50) <= 3
        done = payinv.daemon.ctl("promote", "payinv")
        assert done.returncode == 0 and "b is live." in done.stdout, done.stdout + done.stderr
        wait_for(lambda: posts.slots["b"] > 50, "the kept-alive clients have moved")
    assert payinv.live() == "b" and payinv.live_file() == "b" and shares(payinv, 40)[1] == 100
    told = history(payinv)[-1]
    assert (told["kind"], told["code"], told["share"]) == ("canary", 0, 5000)
    assert payinv.daemon.ctl("promote", "payinv").returncode == 10


def test_a_canary_that_is_given_up_drains_and_stops(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD)
    canary(payinv, "100%")
    with Posts(payinv.address) as posts:
        wait_for(lambda: posts.slots["b"] > 50, "the canary answers")
        open_request = socket.create_connection(payinv.address, 20)
        open_request.sendall(b"GET /slow?1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        wait_for(lambda: payinv.daemon.slot("payinv", "b")["active"], "it is with the canary")
        assert payinv.daemon.ctl("abort", "payinv").stdout == "payinv: aborted\n"
        before = posts.slots["a"]
        wait_for(lambda: posts.slots["a"] > before + 50, "the live slot answers")
        assert open_request.recv(65536).startswith(b"HTTP/1.1 200"), "what is open is answered"
        open_request.close()
    wait_for(lambda: state(payinv) == COLD, "it has drained and stopped")
    assert payinv.live() == "a" and shares(payinv, 40)[0] == 100
    told = history(payinv)[-1]
    assert (told["kind"], told["code"], told["why"]) == ("canary", 10, "aborted by root")
    gone = payinv.daemon.ctl("canary", "payinv", "0%")
    assert gone.returncode == 10 and "has no canary" in gone.stderr
    canary(payinv)
    assert "is given up" in canary(payinv, "0%")
    wait_for(lambda: step(payinv) == "", "it is over")


@pytest.mark.long
def test_a_canary_whom_nobody_promotes_or_whose_workers_crash_is_given_up(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "canary_timeout=1\nnotify=cat >> %D%/told\n"
                                                 "notify_on=canary-old, deploy-failed\n")
    canary(payinv)
    wait_for(lambda: step(payinv) == "", "its time is over")
    payinv.daemon.wait_log("nobody promoted it within canary_timeout, which is 1.0 s")
    wait_for(lambda: state(payinv) == COLD, "it has stopped")
    told = wait_for(lambda: len(lines := payinv.daemon.read("told").splitlines()) == 2 and lines, "two notices")
    old, failed = (json.loads(line) for line in told)
    assert [old["event"], failed["event"]] == ["canary-old", "deploy-failed"]
    assert old["kind"] == "canary" and old["job"] == failed["job"], old
    assert "b has been a canary with 10% of the new connections for 1.0 s" in old["text"], old
    patient = Payinv(slotd, ports, options=HELD)
    canary(patient)
    for i in range(2):
        worker = patient.worker("b", i)
        os.kill(patient.daemon.wait_state(worker, "RUNNING")["pid"], signal.SIGKILL)
        if i == 0:
            patient.daemon.wait_log("payinv-b", 30)
            wait_for(lambda: step(patient) == "canary", "one crash is borne")
    wait_for(lambda: step(patient) == "", "the second one is not")
    assert "crashed: terminated by SIGKILL" in history(patient)[-1]["why"]
    assert patient.live() == "a" and shares(patient, 20)[0] == 100


def test_a_canary_that_answers_with_errors_is_given_up(slotd, ports):
    """In a deploy: commands for that case run, and the deploy ends with 10."""
    port, a, b = ports.one(), ports.run(1), ports.run(1)
    daemon = slotd(web_slot("payinv-a", a, "a") + web_slot("payinv-b", b, "b", "--status 503")
                   + service("payinv", f"127.0.0.1:{port}", "canary_steps=50%:10m\n"
                             "canary_requests=20\ncanary_failures=20%\non_failure=echo told\n",
                             "tcp"))
    wait_for(lambda: daemon.slot("payinv", "a")["ready"] == 1, "it is ready")
    job = threading.Thread(target=lambda: done.append(daemon.ctl("deploy", "payinv", "v2")))
    done = []
    job.start()
    wait_for(lambda: daemon.service("payinv")["step"] == "canary", "the canary has begun")
    answers = Counter()
    for _ in range(400):
        with socket.create_connection(("127.0.0.1", port), 20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answers[client.recv(65536)[9:12]] += 1
        if daemon.service("payinv")["step"] != "canary":
            break
    job.join(60)
    text = done[0].stdout
    assert done[0].returncode == 10, text
    assert re.search(r"canary +FAILED .*of its last \d+ requests failed, more than "
                     r"canary_failures=20%", text), text
    assert "told" in text and "NOTHING SWAPPED: a is live." in text
    assert answers[b"503"] >= 20 and daemon.service("payinv")["live"] == "a"
    quiet = "canary_steps=50%:1200ms\ncanary_requests=1"  # it is looked at twice meanwhile
    daemon.write_config(daemon.config.read_text().replace(
        "canary_steps=50%:10m\ncanary_requests=20", quiet))
    daemon.ctl("reload", check=True)
    done = daemon.ctl("deploy", "payinv", "v3")
    assert "50%: 0 requests, 0 failed" in done.stdout, "those of the former canary do not count"
    assert done.returncode == 0 and daemon.service("payinv")["live"] == "b"


@pytest.mark.long
def test_the_steps_of_a_deploy_give_more_and_more(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "canary_steps=20%:700ms, 60%:700ms\n")
    seen = []
    with Posts(payinv.address), Load(payinv.address, clients=2, rate=100) as load:
        job = threading.Thread(
            target=lambda: seen.append(payinv.daemon.ctl("deploy", "payinv", "v2")))
        job.start()
        shares_seen = set()

        def note():
            shares_seen.add(payinv.daemon.slot("payinv", "b")["share"])
            return not job.is_alive()
        wait_for(note, "the deploy has ended")
    assert not load.failed(), load.failed()[:5]
    assert {0, 2000, 6000, 10000} <= shares_seen, shares_seen
    assert seen[0].returncode == 0 and payinv.live() == "b"
    assert re.search(r"^3/6 canary +ok .* 20%: \d+ requests, 0 failed$", seen[0].stdout, re.M)
    assert re.search(r"^4/6 canary +ok .* 60%: \d+ requests, 0 failed$", seen[0].stdout, re.M)


def test_a_canary_that_hangs_up_is_given_up_and_what_can_be_asked_again_is_answered(slotd, ports):
    port, a, b = ports.one(), ports.run(1), ports.run(2)
    daemon = slotd(web_slot("payinv-a", a, "a") + web_slot("payinv-b", b, "b", "--hang-up")
                   + service("payinv", f"127.0.0.1:{port}", "canary_requests=20\ndrain=worker\n"))
    wait_for(lambda: daemon.slot("payinv", "a")["ready"] == 1, "it is ready")
    done = daemon.ctl("canary", "payinv", "50%")
    assert done.returncode == 0, done.stdout + done.stderr
    with Load(("127.0.0.1", port), clients=2, rate=100) as load:
        wait_for(lambda: daemon.service("payinv")["step"] != "canary", "it is given up")
    assert not load.failed(), load.failed()[:5]
    assert "requests failed, more than canary_failures=10%" in daemon.ctl(
        "history", "payinv", check=True).stdout
    wait_for(lambda: daemon.slot("payinv", "b")["state"] == COLD, "it has stopped")


@pytest.mark.long
def test_a_share_of_a_hundred_thousand_connections(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "[slotd]\nrelays=4\n")
    for share in (10, 33.3):
        canary(payinv, f"{share}%")
        wait_for(lambda s=share: payinv.daemon.slot("payinv", "b")["share"] == round(s * 100),
                 "it has its share")
        measured = shares(payinv, 100000, clients=8)[1]
        assert abs(measured - share) < 0.1, measured


# ---- whatever dies

@pytest.mark.plain_only
def test_a_canary_survives_a_killed_slotd_a_killed_relay_and_an_upgrade(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "canary_timeout=10m\n")
    daemon = payinv.daemon
    canary(payinv)
    canary(payinv, "40%")
    deadline = daemon.slot("payinv", "b")["deadline"]
    with Posts(payinv.address) as posts:
        daemon.kill()
        assert abs(shares(payinv)[1] - 40) <= 3, "the relays go on"
        daemon.start()
        wait_for(lambda: step(payinv) == "canary" and state(payinv) == CANARY, "it goes on")
        assert daemon.slot("payinv", "b")["share"] == 4000
        assert abs(daemon.slot("payinv", "b")["deadline"] - deadline) <= 2, "with the time left"
        assert daemon.ctl("upgrade", "--force").returncode == 0
        wait_for(lambda: step(payinv) == "canary", "it goes on after the upgrade")
        assert abs(shares(payinv)[1] - 40) <= 3
        assert not posts.errors
    for pid in daemon.helpers("slotd-relay"):
        signal_and_wait(pid)
    assert abs(shares(payinv)[1] - 40) <= 3, "its successor knows"
    daemon.kill()
    daemon.start()
    done = daemon.ctl("promote", "payinv")
    assert done.returncode == 0 and payinv.live() == "b", done.stdout + done.stderr
    assert shares(payinv, 40)[1] == 100
    wait_for(lambda: [told["kind"] for told in history(payinv)] == ["canary"], "it is told once")


def test_an_ab_test_comes_back_after_a_reboot_and_a_canary_does_not(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD)
    daemon = payinv.daemon
    done = daemon.ctl("ab", "payinv", "50%")
    assert re.search(r"^3/3 share    ok  \S+ m?s$", done.stdout, re.M), done.stdout
    assert done.returncode == 0 and "b gets 50% of the new connections" in done.stdout
    assert state(payinv) == AB and abs(shares(payinv)[1] - 50) <= 3
    assert "slotctl promote|abort payinv" in daemon.ctl("slots", check=True).stdout
    refused = daemon.ctl("deploy", "payinv", "v3")
    assert refused.returncode == 12 and "in an A/B test by root" in refused.stderr
    for restart in (daemon.kill, daemon.end):
        restart()
        daemon.start()
        wait_for(lambda: daemon.slot("payinv", "b")["share"] == 5000, "it is there again")
        assert state(payinv) == AB and abs(shares(payinv)[1] - 50) <= 3
    daemon.ctl("ab", "payinv", "20%", check=True)
    assert daemon.slot("payinv", "b")["share"] == 2000
    with Posts(payinv.address):
        daemon.ctl("abort", "payinv", check=True)
        wait_for(lambda: state(payinv) == COLD, "it has stopped")
    canary(payinv)
    daemon.end()
    daemon.start()
    payinv.wait_serving()
    assert state(payinv) == COLD and shares(payinv, 20)[0] == 100
    daemon.ctl("ab", "payinv", "50%", check=True)
    done = daemon.ctl("promote", "payinv")
    assert done.returncode == 0 and payinv.live() == "b", done.stdout + done.stderr
    assert '"ab"' not in daemon.read("state/state.json")
    wait_for(lambda: [(told["kind"], told["code"]) for told in history(payinv)] == [
        ("ab", 0), ("ab", 0), ("ab", 0), ("canary", 10), ("ab", 0), ("promote", 0)],
        "the history has it all")


# ---- who gets it

@pytest.mark.long
def test_a_client_stays_on_its_side_and_a_growing_share_only_moves_it_there(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "canary_by=source\n[slotd]\nrelays=3\n")
    clients = [f"127.0.{i}.{i}" for i in range(1, 81)]

    def sides():
        sides = [{get(payinv.address, client) for _ in range(3)} for client in clients]
        assert all(len(side) == 1 for side in sides), "each client has one side"
        return {client for client, side in zip(clients, sides) if side == {"b"}}
    canary(payinv, "20%")
    few = sides()
    canary(payinv, "60%")
    wait_for(lambda: payinv.daemon.slot("payinv", "b")["share"] == 6000, "it has more")
    many = sides()
    assert few < many and 4 <= len(few) <= 32 and 30 <= len(many) <= 66, (few, many)


@pytest.mark.long
def test_only_those_who_may_get_the_canary(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "canary_from=127.7.0.0/16, ::1\n")
    canary(payinv, "100%")
    assert {get(payinv.address, "127.7.1.2") for _ in range(20)} == {"b"}
    assert {get(payinv.address, "127.8.1.2") for _ in range(20)} == {"a"}


def test_a_cookie_decides_also_when_the_head_comes_in_pieces(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "canary_by=cookie:side\nconnect=late\n"
                    "client_timeout=500ms\n")
    canary(payinv, "50%")
    for pieces in (1, 9):
        assert {get(payinv.address, cookie="side=b", pieces=pieces) for _ in range(4)} == {"b"}
        assert {get(payinv.address, cookie="side=a", pieces=pieces) for _ in range(4)} == {"a"}
    # Often: a request may come just after it was looked for.
    users = {user: {get(payinv.address, cookie=f"side={user}") for _ in range(15)}
             for user in range(40)}
    assert all(len(side) == 1 for side in users.values()), f"a value has one side: {users}"
    assert Counter(min(side) for side in users.values())["b"] in range(8, 33)
    assert {get(payinv.address) for _ in range(40)} == {"a", "b"}, "without one: as they come"
    with socket.create_connection(payinv.address, 20) as client:  # the end before the head's
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        client.shutdown(socket.SHUT_WR)
        wait_for(lambda: ended(client), "it is not waited for")
    with socket.create_connection(payinv.address, 20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert client.recv(100) == b"", "a head that does not end is not waited for, either"


def test_the_configuration_says_what_cannot_work(slotd, ports, tmp_path):
    payinv = Payinv(slotd, ports, options=HELD)
    path = tmp_path / "slotd.conf"

    def check(options):
        path.write_text(payinv.config.replace("%D%", str(tmp_path)).replace(
            "canary_failures=0\n", options))
        done = subprocess.run([SLOTD, "-t", "-c", str(path)], capture_output=True, text=True,
                              check=False)
        return done.stdout + done.stderr
    assert "canary_by: listen= is on this machine alone" in check("canary_by=source\n")
    assert "set connect=late as well" in check("canary_by=cookie:x\nconnect=early\n")
    assert "with protocol=tcp no request is read" in check("canary_by=cookie:x\nprotocol=tcp\n")
    assert "'dice' is none of connection, source and cookie:NAME" in check("canary_by=dice\n")
    assert "'5%' is not a step" in check("canary_steps=5%\n")
    assert "'10.0.0.0/99' is not a network" in check("canary_from=10.0.0.0/99\n")
    assert "'lots' is not a share" in check("canary_failures=lots\n")


@pytest.mark.long
def test_a_reload_changes_who_gets_a_canary_that_goes_on(slotd, ports):
    payinv = Payinv(slotd, ports, options=HELD + "canary_from=127.7.0.0/16\n")
    canary(payinv, "100%")
    pids = [payinv.daemon.info(payinv.worker("b", i))["pid"] for i in range(2)]
    payinv.daemon.write_config(payinv.config.replace("127.7.0.0/16", "127.8.0.0/16"))
    payinv.daemon.ctl("reload", check=True)
    wait_for(lambda: get(payinv.address, "127.8.1.2") == "b", "others get it")
    assert get(payinv.address, "127.7.1.2") == "a" and step(payinv) == "canary"
    assert [payinv.daemon.info(payinv.worker("b", i))["pid"] for i in range(2)] == pids
    payinv.daemon.write_config(payinv.config.replace("[program:payinv-b]", "[program:other]")
                               .replace("slot_b=payinv-b", "slot_b=other"))
    busy = payinv.daemon.ctl("reload")
    assert busy.returncode != 0 and "canary #1 by root" in busy.stdout + busy.stderr
