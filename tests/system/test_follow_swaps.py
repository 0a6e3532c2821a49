"""Odd requests through the relay to real servers, with a swap in the middle of each: the client gets the
same bytes as from the server itself, and no part of a message goes to another slot."""

import asyncio
import contextlib
import re
from collections import defaultdict

import pytest

from harness import odd
from harness.procs import wait_for
from harness.relay import A, B, LATE, NO, Relays
from harness.servers import Worker

from test_follow_servers import SERVERS, dump

GROUP, TRIES = 40, 12
QUIET = 0.6  # s without a byte: that was all

pytestmark = pytest.mark.plain_only  # a comparison of servers


def cuts(messages):
    """Where each is cut in two: never between two of its requests."""
    said = dump(line for data in messages for line in ("new", f"c {data.hex()}"))
    for data, (_, ends, _) in zip(messages, said):
        cut = max(1, len(data) // 2)
        while cut in ends:
            cut += 1
        yield data[:cut], data[cut:]


async def read_until_quiet(reader):
    got = b""
    with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
        while data := await asyncio.wait_for(reader.read(1 << 16), QUIET):
            got += data
    return re.sub(rb"(?i)\r\ndate: [^\r]*|\r\nkeep-alive: [^\r]*", b"", got)


async def send(writer, data):
    with contextlib.suppress(ConnectionError):
        writer.write(data)
        await writer.drain()


async def talk(port, halves, swap):
    """What came back on a connection for each. swap() is called between the halves."""
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in halves]
    try:
        for (_, writer), (first, _) in zip(streams, halves):
            await send(writer, first)
        await asyncio.sleep(0.2)  # who waits for more waits, who does not has answered
        swap()
        for (_, writer), (_, second) in zip(streams, halves):
            await send(writer, second)
        return await asyncio.gather(*(read_until_quiet(reader) for reader, _ in streams))
    finally:
        for _, writer in streams:
            writer.close()


class Behind:
    """The server as slot a, and a slot b that should get nothing."""

    def __init__(self, port):
        self.got = []
        self.b = Worker(self.serve)
        self.relays = Relays(CONNECT=LATE, RETRY=NO)
        self.relays.worker(1, A, f"127.0.0.1:{port}")
        self.relays.worker(2, B, self.b.address)
        self.relays.table()

    def serve(self, connection):
        self.got.append(connection.recv(1 << 16))

    def talk(self, halves):
        self.relays.flip(A)
        accepted = self.relays.service("accepted")

        def swap():
            wait_for(lambda: self.relays.service("accepted") == accepted + len(halves), "all are there")
            self.relays.flip(B)

        return asyncio.run(talk(self.relays.address[1], halves, swap))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.relays.__exit__(*exc)
        self.b.close()


def is_one_of(answer, seen, name):
    """After an answer the relay keeps an empty line until a request comes; uvicorn objects to one."""
    return answer in seen or (name == "an empty line after it" and answer
                              and any(a.startswith(answer) for a in seen))


def differences(port, behind, halves, seen):
    """{name: (from the server itself, through the relay)}; seen: what the server itself has answered"""
    direct = asyncio.run(talk(port, list(halves.values()), lambda: None))
    relayed = behind.talk(list(halves.values()))
    for name, answer in zip(halves, direct):
        seen[name].add(answer)
    return {name: (a, b) for name, a, b in zip(halves, direct, relayed)
            if not is_one_of(b, seen[name], name)}


@pytest.mark.parametrize("server", SERVERS)
def test_a_swap_inside_a_message_changes_no_byte_of_its_answer(ports, tmp_path, server, record_property):
    made = odd.requests()
    halves = dict(zip(made, cuts(made.values())))
    names, wrong, seen = list(made), {}, defaultdict(set)
    with SERVERS[server](ports, tmp_path) as port, Behind(port) as behind:
        for i in range(0, len(names), GROUP):
            wrong.update(differences(port, behind, {n: halves[n] for n in names[i:i + GROUP]}, seen))
        for _ in range(TRIES):  # a reset may overtake an answer; Apache has two for one head, as it reads it
            wrong = differences(port, behind, {n: halves[n] for n in wrong}, seen) if wrong else {}
        assert not wrong, wrong
        assert not behind.got, behind.got
    record_property("figures", f"{server}: {len(names)} odd requests with a swap in the middle")
