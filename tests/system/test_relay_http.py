"""slotd-relay follows HTTP/1: clients between requests change workers and see nothing of it."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.paths import BUILD
from harness.procs import SLOW, wait_for
from harness.relay import (A, B, CONNECTIONS, EARLY, IDEMPOTENT, IDLE, LATE, LEAST_CONN, NO, ROUND_ROBIN, SECOND,
                           SOURCE, TCP, Relays, listener)
from harness.servers import TIMEOUT, Worker, connect, keep, read_all, reset

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
GET_1 = b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"


def answer(body, *headers):
    return b"HTTP/1.1 200 OK\r\n" + b"".join(h + b"\r\n" for h in headers) + \
        b"Content-Length: %d\r\n\r\n" % len(body) + body


def http(name):
    """Keeps connections alive and answers each request with its name."""

    def serve(connection):
        got = b""
        while True:
            data = connection.recv(1 << 16)
            if not data:
                return
            got += data
            while b"\r\n\r\n" in got:
                head, _, got = got.partition(b"\r\n\r\n")
                if b"Content-Length: 4" in head:
                    while len(got) < 4:
                        got += connection.recv(1 << 16)
                    got = got[4:]
                connection.sendall(answer(name))

    return serve


def ask(client, request=GET):
    client.sendall(request)
    return read_answer(client)


def read_answer(client):
    """One answer with a length; its body."""
    got = b""
    while b"\r\n\r\n" not in got:
        data = client.recv(1 << 16)
        assert data, f"closed after {got!r}"
        got += data
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        data = client.recv(1 << 16)
        assert data, f"closed within {got!r}"
        body += data
    assert len(body) == length
    return body


def is_quiet(client, seconds=0.3):
    """Neither bytes nor an end nor a reset come."""
    return not select.select([client], [], [], seconds)[0]


class Slots:
    """One worker a slot and the relay in front of them, slot a live."""

    def __init__(self, a, b, **options):
        self.a, self.b = Worker(a), Worker(b)
        self.relays = Relays(**{"CONNECT": LATE, **options})
        self.relays.worker(1, A, self.a.address)
        self.relays.worker(2, B, self.b.address)
        self.relays.table()

    @property
    def address(self):
        return self.relays.address

    def flip(self, live=B):
        self.relays.flip(live)
        return self.relays.drain(1 - live)

    def drained(self, drains):
        for relay, ident in drains:
            assert relay.answer(ident).type == "RELAY_DRAINED"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.relays.__exit__(*exc)
        self.a.close()
        self.b.close()


# ---- flips and drains


@pytest.mark.parametrize("request_", [GET, POST, GET.replace(b"GET", b"QUERY"), POST.replace(b"POST", b"BAN")])
def test_a_client_between_requests_goes_on_in_the_other_slot(request_):
    with Slots(http(b"a"), http(b"b")) as s, connect(s.address) as client:
        for live, name in ((B, b"a"), (A, b"b"), (B, b"a")):
            assert ask(client, request_) == name
            assert ask(client, request_) == name
            key = 1 if name == b"a" else 2
            wait_for(lambda: s.relays.counts(key)["between"] == 1, "it is between requests")
            s.drained(s.flip(live))
            assert s.relays.service("waiting") == 1
        assert is_quiet(client)
        assert ask(client, request_) == b"b"


HEADS = [100, 511, 512, 513, 1100, 2047, 2048, 2049, 3000]  # bytes, about what is looked at at once


def large(name):
    """GET /N has a head of N bytes, and a body that no move ends with; /0 has chunks."""
    body = (name + bytes(range(256))) * 700

    def head_of(size):
        head = answer(body)[:-len(body)]
        return head[:-2] + b"X: " + b"x" * (size - len(head) - 5) + b"\r\n\r\n"

    def serve(connection):
        while request := connection.recv(1 << 16):
            size = int(request.split(b" ")[1][1:])
            if size:
                connection.sendall(head_of(size) + body)
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    return serve, body


def test_heads_of_every_length_before_large_bodies_are_found():
    (serve_a, a), (serve_b, b) = large(b"a"), large(b"b")
    with Slots(serve_a, serve_b) as s, connect(s.address) as client:
        for live, other, body in ((A, B, a), (B, A, b)):
            for size in HEADS * 2 + HEADS[::-1]:
                for _ in range(2):  # the first may be copied, as it follows what was not large
                    client.sendall(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % size)
                    assert read_answer(client) == body, size
                client.sendall(b"GET /0 HTTP/1.1\r\nHost: x\r\n\r\n")
                got = b""
                while not got.endswith(b"\r\n0\r\n\r\n"):
                    got += client.recv(1 << 20)
                assert body in got
            wait_for(lambda k=1 + live: s.relays.counts(k)["between"] == 1, "it is between requests")
            s.drained(s.flip(other))


@pytest.fixture
def backends(ports):
    """Two servers in processes of their own: their addresses."""
    made = []
    for port in ports.run(2):
        made.append(subprocess.Popen([BUILD / "tests/bench/backend", str(port)]))
        wait_for(lambda: is_listening(port), "it listens")
    yield [f"127.0.0.1:{made_port}" for made_port in (int(p.args[1]) for p in made)]
    for process in made:
        process.kill()
        process.wait()


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def test_thousands_of_kept_connections_hold_up_nobody(many_descriptors, backends):
    with Relays(CONNECT=LATE) as relays, contextlib.ExitStack() as opened:
        relays.worker(1, A, backends[0])
        relays.worker(2, B, backends[1])
        relays.table()
        clients = [opened.enter_context(connect(relays.address)) for _ in range(many_descriptors)]
        for client in clients:
            assert len(ask(client, GET_1)) == 1
        wait_for(lambda: relays.counts(1)["between"] == many_descriptors, "all are answered")
        waits, flipped = [], threading.Event()

        def others():
            with connect(relays.address) as client:
                while not flipped.is_set():
                    began = time.monotonic()
                    ask(client, GET_1)
                    waits.append(time.monotonic() - began)

        thread = threading.Thread(target=others)
        thread.start()
        wait_for(lambda: waits, "another client is served")
        relays.flip(B)
        for relay, ident in relays.drain(A):
            assert relay.answer(ident).type == "RELAY_DRAINED"
        flipped.set()
        thread.join()
        assert max(waits) < 0.5 * SLOW  # a busy machine alone takes 0.1
        for client in clients[::50]:
            assert len(ask(client, GET_1)) == 1
        assert relays.sum(2, "total") >= many_descriptors // 50


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("balance", [ROUND_ROBIN, SOURCE])
def test_thousands_that_wait_for_room_are_not_all_tried_each_time(many_descriptors, backends,
                                                                  balance):
    request_ = b"GET /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with Relays(CONNECT=LATE, BALANCE=balance, WORKER_MAX=8) as relays, \
            contextlib.ExitStack() as opened:
        relays.worker(1, A, backends[0])
        relays.table()
        clients = [opened.enter_context(connect(relays.address)) for _ in range(many_descriptors)]
        before = cpu_seconds(relays.relay.process.pid)
        for client in clients:
            client.sendall(request_)
        for client in clients:
            assert len(read_answer(client)) == 1
        took = cpu_seconds(relays.relay.process.pid) - before
        assert took < 0.25e-3 * SLOW * many_descriptors


@pytest.mark.parametrize("kind", ["length", "chunked", "close"])
def test_an_answer_that_pauses_is_finished_by_the_old_slot(kind):
    head = {"length": b"Content-Length: 6\r\n", "chunked": b"Transfer-Encoding: chunked\r\n",
            "close": b"Connection: close\r\n"}[kind]
    first, second = {"chunked": (b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n")}.get(
        kind, (b"one", b"two"))
    with Slots(keep, http(b"b")) as s, connect(s.address, GET) as client:
        worker = wait_for(lambda: s.a.connections, "a has it")[0]
        worker.recv(1 << 16)
        worker.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + first)
        (relay, ident), = s.flip()
        assert not select.select([relay.channel], [], [], 0.4)[0], "drained too early"
        assert s.relays.counts(1)["in_request"] == 1
        worker.sendall(second)
        if kind == "close":
            worker.close()
            assert read_all(client).endswith(b"\r\n\r\nonetwo")
            client.close()
        assert relay.answer(ident).type == "RELAY_DRAINED"
        if kind != "close":
            got = b""
            while not got.endswith(second):
                got += client.recv(1 << 16)
            assert is_quiet(client, 0.2)
            assert ask(client) == b"b"


@pytest.mark.parametrize("interim", [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
                                     b"HTTP/1.1 102 Processing\r\n\r\n",
                                     b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_an_interim_answer_is_no_answer(interim):
    with Slots(keep, http(b"b")) as s, connect(s.address, GET) as client:
        worker = wait_for(lambda: s.a.connections, "a has it")[0]
        worker.recv(1 << 16)
        worker.sendall(interim)
        drains = s.flip()
        assert client.recv(1 << 16) == interim
        assert is_quiet(client)
        worker.sendall(answer(b"a at last"))
        assert read_answer(client) == b"a at last"
        s.drained(drains)
        assert ask(client) == b"b"


def receive(connection, n):
    """n bytes at least, however they come."""
    got = b""
    while len(got) < n:
        got += connection.recv(1 << 16)


def test_pipelined_requests_stay_together_and_come_in_order():
    with Slots(keep, http(b"b")) as s, connect(s.address, GET * 5) as client:
        worker = wait_for(lambda: s.a.connections, "a has them")[0]
        receive(worker, 5 * len(GET))
        drains = s.flip()
        for i in range(5):
            worker.sendall(answer(b"%d" % i))
            assert read_answer(client) == b"%d" % i
        s.drained(drains)
        assert ask(client) == b"b"


@pytest.mark.parametrize("n", [40, 3000])
def test_many_pipelined_requests_wait_for_answers_and_are_followed(n):
    with Slots(http(b"a"), http(b"b")) as s, connect(s.address) as client:
        for name, live in ((b"a", B), (b"b", A)):
            client.sendall(GET * n)
            got = b""
            while got.count(b"HTTP/1.1 200") < n or not got.endswith(name):
                data = client.recv(1 << 16)
                assert data
                got += data
            key = 1 if name == b"a" else 2
            wait_for(lambda: s.relays.counts(key)["between"] == 1, "it is between requests")
            s.drained(s.flip(live))
        assert ask(client) == b"a"


def test_no_more_is_read_of_who_has_many_open_requests():
    with Slots(keep, http(b"b")) as s, connect(s.address, GET * 40) as client:
        worker = wait_for(lambda: s.a.connections, "a has them")[0]
        receive(worker, 40 * len(GET))
        client.sendall(GET)
        assert is_quiet(worker)
        worker.sendall(answer(b"") * 20)
        assert worker.recv(1 << 16) == GET
        drains = s.flip()
        worker.sendall(answer(b"") * 21)
        got = b""
        while got.count(b"HTTP/1.1 200") < 41 or not got.endswith(b"\r\n\r\n"):
            got += client.recv(1 << 16)
        s.drained(drains)
        assert ask(client) == b"b"


def test_a_switched_protocol_is_pinned_and_its_end_is_waited_for():
    with Slots(keep, http(b"b")) as s:
        upgrade = GET[:-2] + b"Upgrade: chat\r\nConnection: Upgrade\r\n\r\n"
        with connect(s.address, upgrade) as client:
            worker = wait_for(lambda: s.a.connections, "a has it")[0]
            worker.recv(1 << 16)
            switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n" \
                       b"Connection: Upgrade\r\n\r\n"
            worker.sendall(switched + b"hello")
            got = b""
            while not got.endswith(b"hello"):
                got += client.recv(1 << 16)
            (relay, ident), = s.flip()
            assert s.relays.counts(1)["pinned"] == 1
            client.sendall(b"still here")
            assert worker.recv(100) == b"still here"
            assert not select.select([relay.channel], [], [], 0.3)[0]
        assert worker.recv(1) == b""
        worker.close()
        assert relay.answer(ident).type == "RELAY_DRAINED"


def test_drain_connections_waits_for_those_between_requests_too():
    with Slots(http(b"a"), http(b"b"), DRAIN=CONNECTIONS) as s:
        with connect(s.address) as client:
            assert ask(client) == b"a"
            (relay, ident), = s.flip()
            assert not select.select([relay.channel], [], [], 0.3)[0]
            assert ask(client) == b"a"
        assert relay.answer(ident).type == "RELAY_DRAINED"


def test_drain_idle_ends_what_is_pinned_and_still_once_the_worker_has_spoken():
    with Slots(keep, http(b"b"), DRAIN=IDLE, DRAIN_IDLE=SECOND // 5) as s:
        asked, answered = connect(s.address, b"ping\n"), connect(s.address, b"ping\n")
        wait_for(lambda: s.relays.counts(1)["pinned"] == 2, "both are there")
        wait_for(lambda: len(s.a.connections) == 2, "both are accepted")
        assert [c.recv(10) for c in s.a.connections] == [b"ping\n"] * 2
        s.a.connections[0].sendall(b"pong\n")
        assert select.select([asked, answered], [], [], TIMEOUT)[0] in ([asked], [answered])
        if select.select([asked], [], [], 0)[0]:
            asked, answered = answered, asked
        assert answered.recv(10) == b"pong\n"
        (relay, ident), = s.flip()
        with pytest.raises(ConnectionResetError):
            answered.recv(1)
        assert is_quiet(asked, 0.5)
        s.a.connections[1].sendall(b"late\n")
        assert asked.recv(10) == b"late\n"
        assert relay.answer(ident).type == "RELAY_DRAINED"
        asked.close()
        answered.close()


def test_an_early_answer_does_not_hold_the_drain_for_ever():
    with Slots(keep, http(b"b")) as s:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        with connect(s.address, head + b"x" * 10) as client:
            worker = wait_for(lambda: s.a.connections, "a has it")[0]
            worker.recv(1 << 16)
            worker.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            assert read_answer(client) == b""
            began = time.monotonic()
            s.drained(s.flip())
            assert time.monotonic() - began < 10


# ---- ends


def test_a_worker_that_ends_an_idle_connection_is_not_seen_in_front():
    with Slots(keep, http(b"b")) as s, connect(s.address, GET) as client:
        wait_for(lambda: s.a.connections, "a has it")[0].recv(1 << 16)
        s.a.connections[0].sendall(answer(b"first"))
        assert read_answer(client) == b"first"
        s.a.connections[0].close()
        wait_for(lambda: s.relays.service("waiting") == 1, "it has no worker")
        assert is_quiet(client, 0.2)
        client.sendall(POST)
        wait_for(lambda: len(s.a.connections) == 2, "a new connection")
        assert s.a.connections[1].recv(1 << 16) == POST
        s.a.connections[1].sendall(answer(b"second"))
        assert read_answer(client) == b"second"


def test_who_was_told_that_the_connection_ends_sees_its_end():
    with Slots(keep, http(b"b")) as s, connect(s.address, GET) as client:
        worker = wait_for(lambda: s.a.connections, "a has it")[0]
        worker.recv(1 << 16)
        worker.sendall(answer(b"bye", b"Connection: close"))
        worker.close()
        assert read_answer(client) == b"bye"
        assert client.recv(1) == b""


def test_a_half_closed_client_gets_its_answer():
    with Slots(keep, http(b"b")) as s, connect(s.address, GET) as client:
        client.shutdown(socket.SHUT_WR)
        worker = wait_for(lambda: s.a.connections, "a has it")[0]
        assert worker.recv(1 << 16) == GET
        (relay, ident), = s.flip()
        worker.sendall(answer(b"a"))
        assert read_answer(client) == b"a"
        assert client.recv(1) == b""
        assert relay.answer(ident).type == "RELAY_DRAINED"


def test_a_half_closed_client_waits_for_its_answer_as_long_as_it_takes():
    with Slots(keep, http(b"b"), HALF_CLOSE_TIMEOUT=SECOND // 5) as s, connect(s.address, GET) as client:
        client.shutdown(socket.SHUT_WR)
        worker = wait_for(lambda: s.a.connections, "a has it")[0]
        assert worker.recv(1 << 16) == GET
        assert worker.recv(1) == b""
        assert is_quiet(client, 0.6)
        worker.sendall(answer(b"a"))
        assert read_answer(client) == b"a"
        assert client.recv(1) == b""


# ---- retry


def refuse_after_reading(connection):
    connection.recv(1 << 16)


def refuse_unread(connection):
    select.select([connection], [], [], TIMEOUT)
    reset(connection)


@pytest.fixture
def pair():
    """pair(bad, good, **options): two workers of the live slot, the first connection to bad."""
    made = []

    def make(bad, good, **options):
        workers = [Worker(bad), Worker(good)]
        relays = Relays(**{"CONNECT": LATE, **options})
        made.extend([relays, *workers])
        for key, worker in enumerate(workers):
            relays.worker(key, A, worker.address)
        relays.table()
        return relays, *workers

    yield make
    for one in made:
        one.__exit__(None, None, None)


def ask_until_bad(relays, bad, request_):
    """Asks until the bad worker has seen a request: that one's connection."""
    for _ in range(4):
        before = bad.seen
        client = connect(relays.address, request_)
        try:
            got = client.recv(1 << 16)
        except ConnectionResetError:
            client.close()
            raise
        if bad.seen > before:
            return client, got
        client.close()
    raise AssertionError("the bad worker was never asked")


def test_a_get_whose_worker_died_is_answered_by_another(pair):
    relays, bad, _ = pair(refuse_after_reading, http(b"good"))
    client, got = ask_until_bad(relays, bad, GET)
    assert got.endswith(b"good")
    assert ask(client) == b"good"
    assert relays.sum(0, "retried") == 1
    client.close()


def test_a_half_closed_get_whose_worker_died_is_answered_by_another(pair):
    relays, bad, good = pair(keep, http(b"good"))
    for _ in range(2):
        before = good.seen
        with connect(relays.address, GET) as client:
            client.shutdown(socket.SHUT_WR)
            wait_for(lambda: bad.connections or good.seen > before, "a worker has it")
            if bad.connections:
                assert bad.connections[0].recv(1 << 16) == GET
                assert bad.connections[0].recv(1) == b""
                reset(bad.connections.pop())
            assert read_answer(client) == b"good"
            assert client.recv(1) == b""
    assert relays.sum(0, "retried") >= 1  # on a slow machine one may be tried again for being unread


def test_a_post_that_was_read_is_not_sent_again(pair):
    relays, bad, _ = pair(refuse_after_reading, http(b"good"))
    client, got = ask_until_bad(relays, bad, POST)
    assert got == b""
    assert relays.sum(0, "retried") == 0
    client.close()


def test_a_post_that_lay_unread_is_sent_to_another(pair):
    relays, bad, _ = pair(refuse_unread, http(b"good"))
    client, got = ask_until_bad(relays, bad, POST)
    assert got.endswith(b"good")
    client.close()


def refuse_after_the_first(n):
    """Carries a request out when n of its bytes are there, and leaves the others unread."""

    def serve(connection):
        connection.recv(n)
        select.select([connection], [], [], TIMEOUT)
        reset(connection)

    return serve


LONG_POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12000\r\n\r\n" + b"x" * 12000


@pytest.mark.parametrize("bad", [refuse_after_the_first(8192), refuse_unread])
def test_a_long_post_of_which_a_part_lay_unread_is_not_sent_again(pair, bad):
    relays, _, _ = pair(bad, http(b"good"))
    for _ in range(2):
        client = connect(relays.address, LONG_POST)
        with contextlib.suppress(ConnectionResetError):
            client.recv(1 << 16)
        client.close()
    assert relays.sum(0, "retried") == 0


def test_a_post_in_two_writes_of_which_one_lay_unread_is_not_sent_again(pair):
    relays, bad, _ = pair(keep, http(b"good"))
    for _ in range(4):
        seen, client = bad.seen, connect(relays.address, POST[:-4])
        client.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: bad.seen > seen, "it is the bad one's", 0.3)
        if bad.seen > seen:
            break
        client.close()
    worker = bad.connections[-1]
    assert worker.recv(1 << 16) == POST[:-4]
    client.sendall(POST[-4:])
    assert select.select([worker], [], [], TIMEOUT)[0]
    reset(worker)
    client.settimeout(TIMEOUT)
    with pytest.raises(ConnectionResetError):
        client.recv(1 << 16)
    assert relays.sum(0, "retried") == 0
    client.close()


def test_put_is_sent_again_where_that_is_asked_for(pair):
    relays, bad, _ = pair(refuse_after_reading, http(b"good"), RETRY=IDEMPOTENT)
    client, got = ask_until_bad(relays, bad, POST.replace(b"POST", b"PUT"))
    assert got.endswith(b"good")
    client.close()


def test_nothing_is_sent_again_with_retry_no(pair):
    relays, bad, _ = pair(refuse_unread, http(b"good"), RETRY=NO)
    with pytest.raises(ConnectionResetError):
        ask_until_bad(relays, bad, GET)


def once_then_die(connection):
    """Answers one request, and ends with the second in hand, as one that is killed."""
    connection.recv(1 << 16)
    connection.sendall(answer(b"bad"))
    connection.recv(1 << 16)


@pytest.mark.parametrize("balance", [ROUND_ROBIN, LEAST_CONN, SOURCE])
def test_a_get_goes_to_another_worker_than_the_one_that_died_with_it(pair, balance):
    """That one may still take connections for a moment: its listening socket may be closed last."""
    relays, bad, _ = pair(once_then_die, http(b"good"), BALANCE=balance)
    clients = [connect(relays.address) for _ in range(4)]
    names = [ask(client) for client in clients]
    for client in [c for c, name in zip(clients, names) if name == b"bad"]:
        with connect(relays.address) as other:
            assert ask(other)  # whose turn it is then
        assert ask(client) == b"good"
    for client in clients:
        client.close()


@pytest.mark.parametrize("request_", [GET, POST])
def test_who_waited_for_one_that_was_being_killed_waits_for_its_successor(request_):
    """Two connections of the same process are lost: with the request, and with it unread."""
    with listener() as dying, Relays(CONNECT=LATE) as relays:
        dying.settimeout(TIMEOUT)
        address = dying.getsockname()
        relays.worker(1, A, f"{address[0]}:{address[1]}")
        relays.table()
        with connect(relays.address, GET) as client:
            connection = dying.accept()[0]
            assert connection.recv(1 << 16) == GET
            connection.sendall(answer(b"first"))
            assert read_answer(client) == b"first"
            client.sendall(request_)
            assert select.select([connection], [], [], TIMEOUT)[0]
            if request_ == GET:
                connection.recv(1 << 16)
            reset(connection)
            assert select.select([dying], [], [], TIMEOUT)[0]  # it was sent again, and lies there
            dying.close()
            time.sleep(0.05)  # refused meanwhile
            successor = Worker(http(b"successor"), address)
            assert read_answer(client) == b"successor"
            successor.close()


def test_a_request_that_kills_two_workers_is_not_tried_on_a_third():
    workers = [Worker(refuse_after_reading) for _ in range(3)]
    with Relays(CONNECT=LATE) as relays:
        for key, worker in enumerate(workers):
            relays.worker(key, A, worker.address)
        relays.table()
        with connect(relays.address, GET) as client:
            assert client.recv(1) == b""
        assert sum(worker.seen for worker in workers) == 2
    for worker in workers:
        worker.close()


def test_an_answer_that_has_begun_is_not_begun_again(pair):
    def half(connection):
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal")

    relays, bad, _ = pair(half, http(b"good"))
    client, got = ask_until_bad(relays, bad, GET)
    got += read_all(client)
    assert got.endswith(b"\r\n\r\nhal")
    client.close()


# ---- cutting


def test_half_an_answer_is_ended_by_a_reset_and_counted():
    with Slots(keep, http(b"b")) as s, connect(s.address, GET) as client:
        worker = wait_for(lambda: s.a.connections, "a has it")[0]
        worker.recv(1 << 16)
        worker.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")
        got = b""
        while not got.endswith(b"half"):
            got += client.recv(1 << 16)
        s.flip()
        done = s.relays.relay.tell("RELAY_CUT", SERVICE_INDEX=0, SLOT=A)
        assert done["COUNT"] == 1
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_what_is_left_is_ended_evenly():
    n, spread = 20, SECOND
    with Slots(keep, http(b"b")) as s:
        clients = [connect(s.address, b"hello\n") for _ in range(n)]
        wait_for(lambda: s.relays.counts(1)["pinned"] == n, "all are there")
        s.flip()
        began = time.monotonic()
        ident = s.relays.relay.post("RELAY_CUT", SERVICE_INDEX=0, SLOT=A, DRAIN_SPREAD=spread)
        ends, left = [], set(clients)
        while left:
            for client in select.select(left, [], [], TIMEOUT)[0]:
                ends.append(time.monotonic() - began)
                left.remove(client)
                client.close()
        assert s.relays.relay.answer(ident)["COUNT"] == n
        for i, end in enumerate(ends):
            assert end >= (i + 1) / n - 0.01, ends
        assert ends[-1] < 3


def test_a_cut_is_over_where_its_slot_is_live_again_before_slotd_says_so():
    """slotd may be killed between the store in the switchboard and the doorbell."""
    n = 4
    with Slots(keep, http(b"b")) as s:
        clients = [connect(s.address, b"hello\n") for _ in range(n)]
        wait_for(lambda: s.relays.counts(1)["pinned"] == n, "all are there")
        s.flip()
        ident = s.relays.relay.post("RELAY_CUT", SERVICE_INDEX=0, SLOT=A, DRAIN_SPREAD=4 * SECOND)
        assert select.select(clients, [], [], TIMEOUT)[0]
        s.relays.board.set(live=A)
        ended = s.relays.relay.answer(ident)["COUNT"]
        assert ended < n
        assert len(select.select(clients, [], [], 0)[0]) == ended
        assert s.relays.counts(1)["pinned"] == n - ended
        for client in clients:
            client.close()


def test_a_relay_that_was_held_up_ends_no_crowd():
    """What it missed would come back at once: it goes on at the same pace, later."""
    n, held_up = 40, 1
    with Slots(keep, http(b"b")) as s:
        clients = [connect(s.address, b"hello\n") for _ in range(n)]
        wait_for(lambda: s.relays.counts(1)["pinned"] == n, "all are there")
        s.flip()
        ident = s.relays.relay.post("RELAY_CUT", SERVICE_INDEX=0, SLOT=A, DRAIN_SPREAD=2 * SECOND)
        assert select.select(clients, [], [], TIMEOUT)[0]
        os.kill(s.relays.relay.process.pid, signal.SIGSTOP)
        try:
            time.sleep(held_up)
        finally:
            ended = select.select(clients, [], [], 0)[0]
            goes_on = time.monotonic()
            os.kill(s.relays.relay.process.pid, signal.SIGCONT)
        assert s.relays.relay.answer(ident)["COUNT"] == n
        assert time.monotonic() - goes_on >= 2 * (n - len(ended)) / n - 0.2
        for client in clients:
            client.close()


def test_clients_between_requests_are_moved_by_a_cut_and_not_counted():
    with Slots(http(b"a"), http(b"b"), DRAIN=CONNECTIONS) as s, connect(s.address) as client:
        assert ask(client) == b"a"
        s.flip()
        assert s.relays.relay.tell("RELAY_CUT", SERVICE_INDEX=0, SLOT=A)["COUNT"] == 0
        assert ask(client) == b"b"


# ---- limits


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost:"])
def test_a_client_that_says_nothing_or_no_whole_head_is_ended(said):
    with Slots(http(b"a"), http(b"b"), CLIENT_TIMEOUT=SECOND // 2) as s:
        began = time.monotonic()
        with connect(s.address, said) as client, connect(s.address) as other:
            if said:  # drop by drop makes no difference
                time.sleep(0.3)
                client.sendall(b"x")
            assert ask(other) == b"a"
            assert client.recv(1) == b""
            assert time.monotonic() - began > 0.45
            assert ask(other) == b"a"


@pytest.mark.parametrize("first", [b"", GET])
def test_a_relay_that_was_held_up_ends_nobody_who_spoke_meanwhile(first):
    with Slots(http(b"a"), http(b"b"), CLIENT_TIMEOUT=SECOND // 2, IDLE_TIMEOUT=SECOND // 2) as s, \
            connect(s.address, first) as client:
        if first:
            assert read_answer(client) == b"a"
        wait_for(lambda: s.relays.relay.service_counts()["accepted"] == 1, "it is accepted")
        os.kill(s.relays.relay.process.pid, signal.SIGSTOP)
        client.sendall(GET)
        assert is_quiet(client, 0.6), "its time is over"
        os.kill(s.relays.relay.process.pid, signal.SIGCONT)
        assert read_answer(client) == b"a"


def test_idle_timeout_is_between_requests():
    with Slots(keep, http(b"b"), IDLE_TIMEOUT=SECOND // 2) as s, connect(s.address, GET) as client:
        worker = wait_for(lambda: s.a.connections, "a has it")[0]
        worker.recv(1 << 16)
        assert is_quiet(client, 0.8), "a request may take its time"
        worker.sendall(answer(b"slow"))
        assert read_answer(client) == b"slow"
        assert client.recv(1) == b""


@pytest.mark.parametrize("said", [GET[:-2], b"ping\n"], ids=["half a head", "no HTTP"])
def test_a_half_closed_pair_is_ended(said):
    with Slots(keep, http(b"b"), HALF_CLOSE_TIMEOUT=SECOND // 2) as s, \
            connect(s.address, said) as client:
        client.shutdown(socket.SHUT_WR)
        wait_for(lambda: s.a.connections, "a has it")
        assert client.recv(1) == b""
        wait_for(lambda: not any(s.relays.counts(1).values()), "it is ended")


def test_the_silent_give_way_to_a_new_client():
    with Relays(wrap=["prlimit", "--nofile=240"], CONNECT=LATE) as relays, \
            Worker(http(b"a")) as worker:
        relays.worker(1, A, worker.address)
        relays.table()
        silent = [connect(relays.address) for _ in range(200)]
        began = time.monotonic()
        with connect(relays.address) as honest:
            assert ask(honest) == b"a"
            assert time.monotonic() - began < 1 * SLOW
        for client in silent:
            client.close()


def late_clients(address, n, gap):
    """How many of n new clients are answered whose first byte comes after a round trip of 80 ms,
    and the longest that one waited beyond that."""
    waits = []

    def one():
        with contextlib.suppress(OSError, AssertionError), \
                socket.create_connection(address, TIMEOUT) as client:
            time.sleep(0.08)
            began = time.monotonic()
            ask(client, GET_1)
            waits.append(time.monotonic() - began)

    threads = []
    for _ in range(n):
        threads.append(threading.Thread(target=one))
        threads[-1].start()
        time.sleep(gap)
    for thread in threads:
        thread.join()
    return len(waits), max(waits, default=0)


@pytest.mark.parametrize("said", [GET, b"GET / HTTP/1.1\r\nHo", b"\0"])
def test_the_longest_silent_give_way_whatever_they_said(said):
    with Relays(wrap=["prlimit", "--nofile=240"], CONNECT=LATE) as relays, \
            Worker(http(b"a"), backlog=1024) as worker, contextlib.ExitStack() as opened:
        relays.worker(1, A, worker.address)
        relays.table()
        for _ in range(120):
            client = opened.enter_context(connect(relays.address, said))
            if said == GET:
                assert read_answer(client) == b"a"
        time.sleep(1.1 if said == b"\0" else 0.2)  # longer than anybody may be silent
        assert late_clients(relays.address, 60, 0.02)[0] == 60


FLOOD = """
import socket, sys
address, said, held = ("127.0.0.1", int(sys.argv[1])), bytes.fromhex(sys.argv[2]), []
own = sys.argv[3]
while True:
    try:
        held.append(socket.create_connection(address, 1, (own, 0)))
        held[-1].sendall(said)
    except OSError:
        pass
    if len(held) > 500:
        held.pop(0).close()
"""


@contextlib.contextmanager
def flood(backend, said, own):
    """Connections without end, which say no more than that, to a relay with few descriptors."""
    with Relays(wrap=["prlimit", "--nofile=240"], CONNECT=LATE) as relays:
        relays.worker(1, A, backend)
        relays.table()
        process = subprocess.Popen([sys.executable, "-I", "-c", FLOOD, str(relays.address[1]),
                                    said.hex(), own])
        try:
            wait_for(lambda: relays.relay.service_counts()["accepted"] > 200, "it floods")
            yield relays
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHo"])
@pytest.mark.plain_only
def test_a_flood_shuts_out_its_own_address_only(backends, said):
    with flood(backends[0], said, "127.0.0.2") as relays:
        served, wait = late_clients(relays.address, 40, 0.05)
    assert served == 40
    assert wait < 2 * SLOW


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHo"])
@pytest.mark.plain_only
def test_who_speaks_at_once_is_served_even_from_the_address_of_a_flood(backends, said):
    waits = []
    with flood(backends[0], said, "127.0.0.1") as relays:
        for _ in range(60):
            began = time.monotonic()
            with connect(relays.address, GET_1) as client:
                assert len(read_answer(client)) == 1
            waits.append(time.monotonic() - began)
            time.sleep(0.02)
    assert sorted(waits)[-3] < 2 * SLOW, sorted(waits)[-5:]


def test_a_worker_that_does_not_accept_is_passed_by():
    stopped = socket.socket()
    stopped.bind(("127.0.0.1", 0))
    stopped.listen(100)
    with Worker(http(b"good")) as good, Relays(CONNECT=LATE) as relays:
        relays.worker(0, A, "127.0.0.1:%d" % stopped.getsockname()[1])
        relays.worker(1, A, good.address)
        relays.table()
        clients = [connect(relays.address, GET) for _ in range(2)]  # one waits at the stopped
        wait_for(lambda: relays.sum(0, "total") == 1, "it waits")
        time.sleep(0.05)  # ten times as long as a worker may be silent before it is asked about
        for _ in range(20):
            with connect(relays.address) as client:
                assert ask(client) == b"good"
        assert relays.sum(0, "total") == 1
        for client in clients:
            client.close()
    stopped.close()


# ---- what is not looked at


def test_protocol_tcp_follows_nothing():
    with Slots(http(b"a"), http(b"b"), PROTOCOL=TCP) as s, connect(s.address) as client:
        assert ask(client) == b"a"
        assert s.relays.counts(1)["pinned"] == 1
        s.flip()
        assert ask(client) == b"a"


def test_a_server_that_speaks_first_is_pinned():
    def greeter(connection):
        connection.sendall(b"220 hello\r\n")
        while connection.recv(100):
            connection.sendall(b"250 ok\r\n")

    with Slots(greeter, greeter, CONNECT=EARLY) as s, connect(s.address) as client:
        assert client.recv(100) == b"220 hello\r\n"
        client.sendall(b"EHLO x\r\n")
        assert client.recv(100) == b"250 ok\r\n"
        assert s.relays.counts(1)["pinned"] == 1


def test_the_last_bytes_of_an_answer_do_not_wait_for_an_end_that_is_not_passed_on():
    """The worker ends each connection and had not said so: its clients are kept."""

    def serve(connection):
        connection.recv(1 << 16)
        connection.sendall(answer(b"short"))

    def ask_twenty(relays):
        took = []
        for _ in range(20):
            with connect(relays.address) as client:
                began = time.monotonic()
                assert ask(client) == b"short"
                took.append(time.monotonic() - began)
        return took

    with Worker(serve) as w, Relays(CONNECT=LATE) as relays:
        relays.worker(1, A, w.address)
        relays.table()
        # The kernel would hold them back for 0.2 s; a busy machine does not always, and not exactly.
        wait_for(lambda: max(ask_twenty(relays)) < 0.15, "twenty answers come at once")


def own_address():
    """Not of the loopback network, None: there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # sends nothing
            return s.getsockname()[0]
        except OSError:
            return None


def test_a_worker_that_vanishes_is_looked_for():
    """By TCP keep-alive, on both sides; a worker on this machine cannot vanish."""
    here = own_address()
    if not here or here.startswith("127."):
        pytest.skip("this machine has no address but those of loopback")
    with Worker(http(b"x"), (here, 0)) as w, Relays(CONNECT=LATE) as relays:
        relays.worker(1, A, w.address)
        relays.table()
        with connect(relays.address) as client:
            assert ask(client) == b"x"
            for end in (f"dport = :{w.address.rpartition(':')[2]}",
                        f"sport = :{relays.address[1]}"):
                seen = subprocess.run(["ss", "-tnoH", "state", "established", f"( {end} )"],
                                      capture_output=True, text=True, check=True).stdout
                assert "timer:(keepalive" in seen, (end, seen)
