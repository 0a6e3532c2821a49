"""slotd-relay over flips, drains, holding and deaths, with the test in slotd's place."""

import os
import select
import signal
import socket
import subprocess
import time

import pytest

from harness.load import Load
from harness.paths import WEB
from harness.procs import stays, wait_for, wakeups
from harness.relay import (A, B, CONNECTIONS, EARLY, HOLD, LATE, LEAST_CONN, OPEN, REQUESTS,
                           ROUND_ROBIN, SECOND, SOURCE, Relay, Relays)
from harness.servers import Worker, ask, connect, echo, keep, named, one_worker, read_all


class Web:
    """A worker process of its own, to be killed."""

    def __init__(self, port, slot):
        self.port, self.slot = port, slot
        self.start()

    def start(self):
        self.process = subprocess.Popen([str(WEB), f"127.0.0.1:{self.port}", self.slot],
                                        stdout=subprocess.DEVNULL)

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def webs(ports):
    """webs(n, slot): that many worker processes, listening."""
    made = []

    def make(n, slot):
        new = [Web(port, slot) for port in ports.run(n)]
        made.extend(new)
        for web in new:
            wait_for(web.listens, "a worker listens")
        return new

    yield make
    for web in made:
        web.kill()


def two_slots(relays, webs, n=2):
    slots = webs(n, "a"), webs(n, "b")
    for slot, members in enumerate(slots):
        for i, web in enumerate(members):
            relays.worker(10 * slot + i, slot, f"127.0.0.1:{web.port}")
    relays.table()
    return slots


def successor(relays, index, count):
    """Another relay with that index, which is told all that the relays were told."""
    relay = Relay(relays.board, index, count)
    relay.tell("RELAY_SERVICE", SERVICE_INDEX=0, SERVICE="web")
    relays.give_listeners(relay)
    for (slot, key), address in relays.workers.items():
        relay.tell("RELAY_WORKER", SERVICE_INDEX=0, SLOT=slot, WORKER=key, ADDRESS=address, UP=1)
    relay.tell("RELAY_TABLE", SERVICE_INDEX=0)
    return relay


def placed_nowhere(relays, keys):
    return not any(any(relays.counts(key).values()) for key in keys)


# ---- flips


@pytest.mark.parametrize("balance", [ROUND_ROBIN, LEAST_CONN, SOURCE])
@pytest.mark.plain_only
def test_twenty_flips_under_load_lose_nothing(webs, balance):
    with Relays(2, BALANCE=balance) as relays:
        two_slots(relays, webs)
        loads = [Load(relays.address, clients=3), Load(relays.address, clients=3, keep_alive=True),
                 Load(relays.address, clients=4, keep_alive=True, path="/slow?40")]
        wait_for(lambda: all(load.requests for load in loads), "load runs")
        flips, live = [], A
        for _ in range(20):
            live = 1 - live
            at = relays.flip(live)
            placed_late = max(r.service_counts()["last_placed_old"] for r in relays.relays) - at
            flips.append((at / SECOND, live, placed_late))
            drains = relays.drain(1 - live)
            for relay, ident in drains:
                assert relay.answer(ident).type == "RELAY_DRAINED"
            assert placed_nowhere(relays, [10 * (1 - live), 10 * (1 - live) + 1])
            wait_for(lambda n=live, t=flips[-1][0]: all(
                load.answered("ab"[n], t) for load in loads), "the new slot answers")
        for load in loads:
            load.stop()
            assert not load.failed(), load.failed()[:3]
        assert sum(load.closed for load in loads) == 0
        # No answer of the old slot to a connection that was opened after the flip.
        for (at, live, _), (until, _, _) in zip(flips, flips[1:]):
            for load in loads:
                wrong = [r for r in load.late_answers("ab"[1 - live], at) if r.done < until]
                assert not wrong, wrong[:3]
        assert sorted(late for _, _, late in flips)[10] < 1000  # us, the median


def test_a_connection_that_has_not_said_a_word_goes_to_the_new_slot():
    with Worker(named(b"a")) as a, Worker(named(b"b")) as b, Relays(CONNECT=LATE) as relays:
        relays.worker(1, A, a.address)
        relays.worker(2, B, b.address)
        relays.table()
        client = connect(relays.address)
        wait_for(lambda: relays.service("waiting") == 1, "it is accepted")
        relays.flip(B)
        client.sendall(b"x")
        assert client.recv(1) == b"b"
        client.close()


@pytest.mark.parametrize("proxy", [0, 1])
def test_a_silent_connection_moves_to_the_new_slot_although_it_was_connected(proxy):
    with Worker(keep) as a, Worker(keep) as b, \
            Relays(CONNECT=EARLY, PROXY_PROTOCOL=proxy) as relays:
        relays.worker(1, A, a.address)
        relays.worker(2, B, b.address)
        relays.table()
        client = connect(relays.address)
        wait_for(lambda: relays.counts(1)["silent"] == 1, "it is connected to a")
        relays.flip(B)
        assert relays.counts(1)["silent"] == 0
        wait_for(lambda: relays.counts(2)["silent"] == 1, "it is connected to b")
        client.sendall(b"hello")
        there = wait_for(lambda: b.connections, "b has it")[0]
        got = b""
        while not got.endswith(b"hello"):
            got += there.recv(200)
        assert got.startswith(b"PROXY TCP4 ") == bool(proxy)
        wait_for(lambda: a.connections, "a had it")
        assert (a.connections[0].recv(200) + a.connections[0].recv(200))[:5] in (b"", b"PROXY")
        client.close()


def test_one_that_the_worker_has_greeted_stays():
    with Worker(lambda c: (c.sendall(b"220 a"), echo(c))) as a, Worker(keep) as b, \
            Relays(CONNECT=EARLY) as relays:
        relays.worker(1, A, a.address)
        relays.worker(2, B, b.address)
        relays.table()
        client = connect(relays.address)
        assert client.recv(10) == b"220 a"
        relays.flip(B)
        client.sendall(b"still a?")
        assert client.recv(10) == b"still a?"
        client.close()


def test_a_weight_sends_a_share_to_the_idle_slot():
    with Worker(named(b"a")) as a, Worker(named(b"b")) as b, Relays() as relays:
        relays.worker(1, A, a.address)
        relays.worker(2, B, b.address)
        relays.set(live=A, weight=2500)
        got = [ask(relays.address) for _ in range(400)]
        assert 50 < got.count(b"b") < 150


# ---- drains


def test_draining_requests_waits_for_what_cannot_be_followed():
    with Worker(echo) as a, Worker(named(b"b")) as b, Relays(DRAIN=REQUESTS) as relays:
        relays.worker(1, A, a.address)
        relays.worker(2, B, b.address)
        relays.table()
        with connect(relays.address, b"x") as client:
            assert client.recv(1) == b"x"
            relays.flip(B)
            (relay, ident), = relays.drain(A)
            assert relays.counts(1) == {"queued": 0, "silent": 0, "in_request": 0, "between": 0,
                                        "pinned": 1}
            assert not select.select([relay.channel], [], [], 0.4)[0], "drained too early"
            client.sendall(b"y")
            assert client.recv(1) == b"y"
        assert relay.answer(ident).type == "RELAY_DRAINED"


def test_draining_connections_waits_for_every_one():
    with Worker(echo) as a, Worker(named(b"b")) as b, Relays(DRAIN=CONNECTIONS) as relays:
        relays.worker(1, A, a.address)
        relays.worker(2, B, b.address)
        relays.table()
        with connect(relays.address, b"x") as client:
            assert client.recv(1) == b"x"
            relays.flip(B)
            (relay, ident), = relays.drain(A)
            assert not select.select([relay.channel], [], [], 0.4)[0]
            client.sendall(b"y")
            assert client.recv(1) == b"y"
        assert relay.answer(ident).type == "RELAY_DRAINED"


def test_a_slot_without_connections_is_drained_at_once():
    with Relays(2) as relays:
        for relay, ident in relays.drain(B):
            assert relay.answer(ident).type == "RELAY_DRAINED"


def test_a_flip_back_ends_the_drain():
    with Worker(echo) as a, Worker(echo) as b, Relays(DRAIN=REQUESTS) as relays:
        relays.worker(1, A, a.address)
        relays.worker(2, B, b.address)
        relays.table()
        with connect(relays.address, b"x") as client:
            assert client.recv(1) == b"x"
            relays.flip(B)
            relays.drain(A)
            relays.flip(A)
            assert not select.select([client], [], [], 0.4)[0]  # idle ones were once closed
            client.sendall(b"y")
            assert client.recv(1) == b"y"


def test_what_is_cut_is_closed():
    with Worker(keep) as a, Worker(named(b"b")) as b, Relays() as relays:
        relays.worker(1, A, a.address)
        relays.worker(2, B, b.address)
        relays.table()
        clients = [connect(relays.address, b"x") for _ in range(10)]
        wait_for(lambda: relays.counts(1)["pinned"] == 10, "all are placed")
        relays.flip(B)
        relays.all("RELAY_CUT", SLOT=A)
        assert placed_nowhere(relays, [1])
        for client in clients:
            try:
                assert client.recv(1) == b""
            except ConnectionResetError:
                pass
            client.close()
        assert ask(relays.address) == b"b"


def test_a_worker_taken_off_the_table_keeps_what_it_has():
    with one_worker(echo) as (relays, _):
        with connect(relays.address, b"x") as client:
            assert client.recv(1) == b"x"
            relays.all("RELAY_WORKER_GONE", SLOT=A, WORKER=3)
            relays.table()
            client.sendall(b"y")
            assert client.recv(1) == b"y"
        wait_for(lambda: placed_nowhere(relays, [3]), "it ends")


# ---- holding


def test_with_nobody_up_clients_wait_in_the_kernels_queue_in_order():
    order = []

    def serve(connection):
        order.append(connection.recv(10))
        connection.sendall(b"ok")

    with one_worker(serve) as (relays, worker):
        relays.worker_up(3, A, 0)
        relays.table()
        clients = [connect(relays.address, b"%d" % i) for i in range(8)]
        assert stays(lambda: relays.service("accepted") == 0, 0.2)
        relays.worker_up(3, A, 1)
        relays.table()
        for client in clients:
            assert client.recv(10) == b"ok"
            client.close()
        assert worker.seen == 8


def test_a_held_service_waits_for_the_word():
    with one_worker(named(b"a"), relays=2) as (relays, _):
        relays.set(mode=HOLD)
        with connect(relays.address, b"x") as client:
            assert not select.select([client], [], [], 0.3)[0]
            relays.set(mode=OPEN)
            assert client.recv(1) == b"a"


def test_one_that_was_accepted_waits_too():
    with one_worker(named(b"a"), CONNECT=LATE) as (relays, _):
        with connect(relays.address) as client:
            wait_for(lambda: relays.service("waiting") == 1, "it is accepted")
            relays.worker_up(3, A, 0)
            relays.table()
            client.sendall(b"x")
            wait_for(lambda: relays.service("held") == 1, "it is held")
            assert not select.select([client], [], [], 0.2)[0]
            relays.worker_up(3, A, 1)
            assert client.recv(1) == b"a"


def test_a_worker_that_is_up_but_does_not_listen_yet_is_waited_for(ports):
    port = ports.one()
    with Relays() as relays:
        relays.worker(3, A, f"127.0.0.1:{port}")
        relays.table()
        clients = [connect(relays.address, b"x") for _ in range(5)]
        wait_for(lambda: relays.service("held") >= 1, "they are held")
        before = wakeups(relays.relay.process.pid)
        wait_for(lambda: wakeups(relays.relay.process.pid) > before + 2, "it tries again")
        with Worker(named(b"a"), ("127.0.0.1", port)):
            for client in clients:
                assert client.recv(1) == b"a"
                client.close()


def test_after_hold_timeout_clients_are_closed_and_later_ones_served():
    with one_worker(named(b"a"), HOLD_TIMEOUT=SECOND // 2) as (relays, _):
        relays.worker_up(3, A, 0)
        relays.table()
        began = time.monotonic()
        with connect(relays.address) as client:
            assert read_all(client) == b""
        assert time.monotonic() - began > 0.4
        relays.worker_up(3, A, 1)
        relays.table()
        assert ask(relays.address) == b"a"


def test_nothing_is_accepted_before_the_first_table():
    with Worker(named(b"a")) as worker, Relays() as relays:
        relays.worker(3, A, worker.address)
        with connect(relays.address, b"x") as client:
            assert not select.select([client], [], [], 0.2)[0]
            assert relays.service("accepted") == 0
            relays.table()
            assert client.recv(1) == b"a"


# ---- deaths


@pytest.mark.plain_only
def test_killed_workers_refuse_no_client_while_another_is_up(webs):
    with Relays(2) as relays:
        members = webs(3, "a")
        for i, web in enumerate(members):
            relays.worker(i, A, f"127.0.0.1:{web.port}")
        relays.table()
        loads = [Load(relays.address, clients=4), Load(relays.address, clients=2, path="/slow?20")]
        for i in range(9):
            before = len(loads[0].requests)
            wait_for(lambda n=before: len(loads[0].requests) > n + 30, "load runs")
            web = members[i % 3]
            web.kill()
            relays.worker_up(i % 3, A, 0)
            before = len(loads[0].requests)
            wait_for(lambda n=before: len(loads[0].requests) > n + 30, "load runs without it")
            web.start()
            relays.worker_up(i % 3, A, 1)  # long before it listens
            wait_for(web.listens, "it is back")
        for load in loads:
            load.stop()
            # Only what was in or queued at a killed worker may fail.
            assert not load.counts()["refused"]
            assert len(load.failed()) <= 9 * 6
            assert all(r.outcome in ("reset", "short") for r in load.failed())


def test_a_killed_relay_loses_only_what_was_open_in_it(webs):
    with Relays(2) as relays:
        two_slots(relays, webs)
        load = Load(relays.address, clients=6)
        wait_for(lambda: len(load.requests) > 100, "load runs")
        for _ in range(3):
            victim = relays.relays[1]
            victim.process.kill()
            victim.process.wait()
            victim.channel.close()
            relays.relays[1] = successor(relays, 1, 2)
            before = len(load.requests)
            wait_for(lambda n=before: len(load.requests) > n + 100, "load runs")
        load.stop()
        assert not load.counts()["refused"]
        assert len(load.failed()) <= 3 * 6


def test_one_that_retires_ends_with_its_last_connection_and_loses_none(webs):
    with Relays(2) as relays:
        two_slots(relays, webs)
        retiring = list(relays.relays)
        with Load(relays.address, clients=4, rate=60) as load, \
                Load(relays.address, clients=16, rate=10, keep_alive=True) as kept:
            wait_for(lambda: len(kept.requests) > 50, "load runs")
            relays.relays += [successor(relays, i, 2) for i in range(2)]
            for relay in retiring:
                relay.send("RELAY_RETIRE")
            relays.give_listeners(retiring[0])  # a later slotd tells everything to each
            relays.flip(B)
            before = len(load.requests)
            wait_for(lambda: len(load.requests) > before + 200, "load goes on")
            assert all(relay.process.poll() is None for relay in retiring)
        assert not load.failed() and not kept.failed(), (load.failed()[:3], kept.failed()[:3])
        for relay in retiring:
            assert relay.process.wait(10) == 0
            relay.channel.close()
            relays.relays.remove(relay)
        assert ask(relays.address, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.")


def test_it_goes_on_without_slotd():
    with one_worker(echo) as (relays, _):
        relays.relay.channel.shutdown(socket.SHUT_RDWR)
        for _ in range(2):  # at the latest with the first it sees that slotd has gone
            assert ask(relays.address) == b"hello"
        relays.relay.process.kill()
        relays.relay.process.wait()
        relays.relay.channel.close()
        relays.relays.clear()


def test_a_listener_that_goes_hands_over_what_is_queued():
    with one_worker(named(b"a")) as (relays, _):
        os.kill(relays.relay.process.pid, signal.SIGSTOP)
        clients = [connect(relays.address, b"x") for _ in range(50)]
        ident = relays.relay.post("RELAY_LISTEN_GONE", SERVICE_INDEX=0, INDEX=0)
        os.kill(relays.relay.process.pid, signal.SIGCONT)
        assert relays.relay.answer(ident)["CODE"] == 0
        for client in clients:
            assert client.recv(1) == b"a"
            client.close()


def test_a_service_that_goes_closes_what_it_has():
    with one_worker(echo) as (relays, _):
        client = connect(relays.address, b"x")
        assert client.recv(1) == b"x"
        relays.all("RELAY_SERVICE_GONE")
        assert client.recv(1) == b""
        client.close()


def test_rubbish_on_the_channel_is_passed_over():
    with one_worker(echo) as (relays, _):
        for packet in (b"x", os.urandom(500), b"\0" * 64, os.urandom(60000)):
            relays.relay.send_raw(packet)
        for kind in ("RELAY_TABLE", "RELAY_DRAIN", "RELAY_CUT", "RELAY_FLIPPED"):
            relays.relay.answer(relays.relay.post(kind, SERVICE_INDEX=99, SLOT=7, GENERATION=1))
        ident = relays.relay.post("RELAY_WORKER", SERVICE_INDEX=0, SLOT=0, WORKER=1 << 40,
                                  ADDRESS="127.0.0.1:1", UP=1)
        assert relays.relay.answer(ident)["CODE"] < 0
        ident = relays.relay.post("RELAY_WORKER", SERVICE_INDEX=0, SLOT=0, WORKER=5,
                                  ADDRESS="nonsense", UP=1)
        assert relays.relay.answer(ident)["CODE"] < 0
        assert ask(relays.address) == b"hello"
