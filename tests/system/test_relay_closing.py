"""What the relay closes is at rest: nothing that has arrived lies unread in its sockets."""

import contextlib
import os
import select
import signal
import socket
import time

import pytest

from harness.procs import wait_for
from harness.relay import A, B, IDLE, LATE, SECOND, Relays, listener
from harness.servers import TIMEOUT, Worker, connect, keep, one_worker, read_all

from test_relay_http import GET, Slots, answer, ask, http, is_quiet

LAST = GET.replace(b"Host: x", b"Host: x\r\nConnection: close")

STILL = 0.2  # s: drain=idle closes what is pinned after that


@contextlib.contextmanager
def held_up(relay):
    """A relay that gets no processor for longer than STILL: what comes meanwhile lies unread."""
    os.kill(relay.process.pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        yield
        time.sleep(max(0, began + 2 * STILL - time.monotonic()))
    finally:
        os.kill(relay.process.pid, signal.SIGCONT)


@contextlib.contextmanager
def pinned(**options):
    """A client of a and its worker's end of the connection; the worker has spoken last."""
    with Slots(keep, http(b"b"), DRAIN=IDLE, DRAIN_IDLE=int(STILL * SECOND), **options) as s, \
            connect(s.address, b"ping\n") as client:
        worker = wait_for(lambda: s.a.connections, "a has it")[0]
        assert worker.recv(10) == b"ping\n"
        worker.sendall(b"pong\n")
        assert client.recv(10) == b"pong\n"
        wait_for(lambda: s.relays.counts(1)["pinned"] == 1, "it is pinned")
        yield s, client, worker


def test_a_pinned_client_that_has_spoken_is_not_closed_unheard():
    with pinned() as (s, client, worker):
        (relay, ident), = s.flip()
        with held_up(relay):
            client.sendall(b"more\n")
        assert select.select([worker], [], [], TIMEOUT)[0] and worker.recv(10) == b"more\n"
        assert is_quiet(client, 2 * STILL), "an answer is due"
        worker.sendall(b"last\n")
        assert client.recv(10) == b"last\n"
        assert relay.answer(ident).type == "RELAY_DRAINED"


def test_what_a_pinned_worker_has_said_reaches_its_client():
    with pinned() as (s, client, worker):
        (relay, ident), = s.flip()
        with held_up(relay):
            worker.sendall(b"news\n")
        assert client.recv(10) == b"news\n"
        assert relay.answer(ident).type == "RELAY_DRAINED"


def test_a_pinned_connection_stays_where_its_slot_is_live_again_before_slotd_says_so():
    """slotd may be killed between the store in the switchboard and the doorbell."""
    with pinned() as (s, client, worker):
        s.flip()
        s.relays.board.set(live=A)
        assert is_quiet(client, 2 * STILL)
        worker.sendall(b"here\n")
        assert client.recv(10) == b"here\n"


# ---- one worker that is cut by itself


# ---- who wanted one answer


def answer_once(connection):
    if connection.recv(1 << 16):
        connection.sendall(answer(b"a" * 1000))


@pytest.mark.parametrize("request_", [LAST, b"GET / HTTP/1.0\r\n\r\n"])
def test_a_client_that_wanted_one_answer_is_not_waited_for(request_):
    with one_worker(answer_once, CONNECT=LATE) as (relays, _):
        for _ in range(8):  # after some of these, an end is expected with the answer
            with connect(relays.address, request_) as client:
                assert read_all(client).endswith(b"a" * 1000)
                wait_for(lambda: not any(relays.counts(3).values()), "nothing is left of it")


def test_a_client_that_may_say_more_is_waited_for():
    with one_worker(answer_once, CONNECT=LATE) as (relays, _):
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhell"
        for _ in range(8):
            with connect(relays.address, request) as client:
                assert read_all(client).endswith(b"a" * 1000)
                assert relays.counts(3)["in_request"] == 1
            wait_for(lambda: not any(relays.counts(3).values()), "nothing is left of it")


def close_once(client, there, relays, more=b""):
    """The worker ends its connection after one answer, before which the client may say more."""
    assert there.recv(1 << 16) == LAST
    with held_up(relays.relay) if more else contextlib.nullcontext():
        client.sendall(more)
        there.sendall(answer(b"a" * 1000))
        there.close()
    assert read_all(client).endswith(b"a" * 1000)


def test_a_blank_line_after_the_last_request_costs_nobody_its_answer():
    """A socket that is closed with something unread is reset, and drops what it has not sent."""
    with one_worker(keep, CONNECT=LATE) as (relays, worker):
        for more in [b"\r\n"] + 4 * [b""] + [b"\r\n"]:  # then an end is expected with the answer
            with connect(relays.address, LAST) as client:
                there = wait_for(lambda: worker.connections, "the worker has it")[0]
                close_once(client, there, relays, more)
                worker.connections.clear()


# ---- one worker alone is cut


@pytest.fixture
def two_workers():
    """Two workers of the live slot, and a relay."""
    with Worker(http(b"one")) as one, Worker(http(b"two")) as two, Relays(CONNECT=LATE) as relays:
        relays.worker(1, A, one.address)
        relays.worker(2, A, two.address)
        relays.table()
        yield relays


def test_a_worker_that_is_cut_gets_no_connections_meanwhile(two_workers):
    relays = two_workers
    with connect(relays.address, b"hello\n") as pinned_to_one:
        wait_for(lambda: relays.counts(1)["pinned"] == 1, "it is there")
        ident = relays.relay.post("RELAY_CUT", SERVICE_INDEX=0, SLOT=A, WORKER=1,
                                  DRAIN_SPREAD=600 * SECOND)
        relays.table()  # the relay has read the message before it, too
        for _ in range(6):
            with connect(relays.address) as client:
                assert ask(client) == b"two"
        pinned_to_one.close()
        assert relays.relay.answer(ident)["COUNT"] == 0
    names = set()
    for _ in range(6):
        with connect(relays.address) as client:
            names.add(ask(client))
    assert names == {b"one", b"two"}, "it is there again"


def test_clients_between_requests_leave_a_worker_that_is_cut(two_workers):
    relays = two_workers
    with contextlib.ExitStack() as opened:
        clients, asked = [], set()
        while asked != {b"one", b"two"}:  # one that is slow for a moment is passed by
            assert len(clients) < 100
            clients.append(opened.enter_context(connect(relays.address)))
            asked.add(ask(clients[-1]))
        assert relays.relay.tell("RELAY_CUT", SERVICE_INDEX=0, SLOT=A, WORKER=1)["COUNT"] == 0
        for client in clients:
            assert ask(client) in (b"one", b"two")


def test_clients_that_queue_go_from_a_worker_that_is_cut_to_another():
    full = listener(backlog=0)
    with contextlib.ExitStack() as opened, full, Worker(http(b"good")) as good, \
            Relays(CONNECT=LATE, CONNECT_TIMEOUT=300 * SECOND, RETRY=2) as relays:
        fill = [opened.enter_context(connect_later(full)) for _ in range(4)]
        relays.worker(1, B, "127.0.0.1:%d" % full.getsockname()[1])
        relays.table()
        relays.set(live=B)
        clients = [opened.enter_context(connect(relays.address, GET)) for _ in range(8)]
        wait_for(lambda: relays.counts(1)["queued"] == 8, "all queue")
        relays.worker(2, B, good.address)
        assert relays.relay.tell("RELAY_CUT", SERVICE_INDEX=0, SLOT=B, WORKER=1)["COUNT"] == 0
        for client in clients:
            assert client.recv(1 << 16).endswith(b"good")
        assert fill


def connect_later(sock):
    """A connection for which there may be no room in the queue."""
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(sock.getsockname())
    return client
