"""Thousands of connections are moved or ended bit by bit: nobody else waits for that."""

import contextlib
import socket
import threading
from pathlib import Path

import pytest

from harness.procs import SLOW, stays, wait_for
from harness.relay import A, B, CONNECTIONS, LATE, SECOND, Relays, listener
from harness.servers import Worker, connect, keep

from test_relay_http import GET, POST, ask, http

PROMPT = 0.045 * SLOW  # s; all at once takes 0.06 and more


def processor_time(relay):
    """Seconds that it has run: what a busy machine makes it wait is not its fault."""
    return int(Path(f"/proc/{relay.process.pid}/schedstat").read_text().split()[0]) / 1e9


@contextlib.contextmanager
def nobody_waits(client, relay):
    """A client that asks all the time meanwhile: what else does the relay do before it answers?"""
    waits, over = [], threading.Event()

    def others():
        while not over.is_set():
            began = processor_time(relay)
            ask(client)
            waits.append(processor_time(relay) - began)

    thread = threading.Thread(target=others)
    thread.start()
    try:
        wait_for(lambda: waits, "it is served")
        yield
    finally:
        over.set()
        thread.join()
    assert max(waits) < PROMPT, sorted(waits)[-5:]


@pytest.mark.parametrize("half", [False, True], ids=["in requests", "half closed"])
def test_drain_now_of_thousands_holds_up_nobody(many_descriptors, half):
    """The half closed are passed over again and again: their worker still has something to say."""
    with contextlib.ExitStack() as opened, Worker(keep, backlog=4096) as a, Worker(http(b"b")) as b, \
            Relays(CONNECT=LATE) as relays:
        relays.worker(1, A, a.address)
        relays.worker(2, B, b.address)
        relays.table()
        for _ in range(many_descriptors):
            client = opened.enter_context(connect(relays.address, b"hello\n" if half else POST))
            if half:
                client.shutdown(socket.SHUT_WR)
        wait_for(lambda: a.seen == many_descriptors, "all are there", 60)
        relays.flip(B)
        with connect(relays.address) as other, nobody_waits(other, relays.relay):
            (relay, drain), = relays.drain(A)
            assert relay.tell("RELAY_CUT", SERVICE_INDEX=0, SLOT=A)["COUNT"] == many_descriptors
            assert relay.answer(drain).type == "RELAY_DRAINED"


def test_one_worker_of_thousands_that_queue_is_cut_without_holding_up_anybody(many_descriptors):
    full = [listener(backlog=0) for _ in range(2)]
    with contextlib.ExitStack() as opened, Worker(http(b"a")) as a, \
            Relays(CONNECT=LATE, DRAIN=CONNECTIONS, CONNECT_TIMEOUT=300 * SECOND) as relays:
        relays.worker(1, A, a.address)
        for key, sock in enumerate(full, 2):
            fill = [opened.enter_context(socket.socket()) for _ in range(4)]
            for client in fill:
                client.setblocking(False)
                client.connect_ex(sock.getsockname())
            relays.worker(key, B, "127.0.0.1:%d" % opened.enter_context(sock).getsockname()[1])
        relays.table()
        other = opened.enter_context(connect(relays.address))
        ask(other)
        relays.set(live=B)
        for _ in range(many_descriptors):
            opened.enter_context(connect(relays.address, GET))
        wait_for(lambda: relays.sum(2, "queued") + relays.sum(3, "queued") == many_descriptors,
                 "all queue")
        # The relay's first look at those that wait, after 0.1 s, may still move some.
        assert stays(lambda: relays.sum(2, "queued") + relays.sum(3, "queued") == many_descriptors,
                     0.4 * SLOW)
        queued = relays.sum(2, "queued")
        assert queued > many_descriptors // 4
        with nobody_waits(other, relays.relay):
            done = relays.relay.tell("RELAY_CUT", SERVICE_INDEX=0, SLOT=B, WORKER=2)
        assert done["COUNT"] == 0  # they wait for the other one now
        assert relays.sum(3, "queued") == many_descriptors
