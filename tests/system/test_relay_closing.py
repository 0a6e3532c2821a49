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
from harness.servers import TIMEOUT, Worker, connect, keep

from test_relay_http import GET, Slots, ask, http, is_quiet

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


def test_clients_that_queue_go_from_a_worker_that_is_cut_to_another(ports):
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
