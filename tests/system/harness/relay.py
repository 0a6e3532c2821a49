"""slotd-relay processes with the test in slotd's place: switchboard, tables, flips, drains."""

import mmap
import os
import re
import select
import socket
import struct
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .paths import ROOT
from .wire import Helper, Message, encode

A, B = 0, 1
OPEN, HOLD = 0, 1
ROUND_ROBIN, LEAST_CONN, SOURCE = 0, 1, 2
LATE, EARLY = 0, 1
REQUESTS, CONNECTIONS, WORKER, IDLE = 0, 1, 2, 3
AUTO, HTTP, TCP = 0, 1, 2
SAFE, IDEMPOTENT, NO = 0, 1, 2
SECOND = 1_000_000

_HEADER = (ROOT / "include/slotd/switchboard.h").read_text()
SERVICES = int(re.search(r"SWITCHBOARD_SERVICES = (\d+)", _HEADER).group(1))
WORKERS = int(re.search(r"SWITCHBOARD_WORKERS = (\d+)", _HEADER).group(1))

_POOL_SIZE = 64 * 4
_BOARD_HEAD = 8
_ENTRY = struct.Struct("=QQ")
_SERVICE = struct.Struct("=QIIQ")
_WORKER = struct.Struct("=IIIIIIQQQQQ")


def _memfd(name: str, size: int) -> Tuple[int, mmap.mmap]:
    fd = os.memfd_create(name)
    os.ftruncate(fd, size)
    return fd, mmap.mmap(fd, size)


class Switchboard:
    """What slotd writes and every relay reads."""

    def __init__(self) -> None:
        self.fd, self.map = _memfd("switchboard", _BOARD_HEAD + SERVICES * _ENTRY.size)
        self.pool_fd, self.pool = _memfd("pool", _POOL_SIZE)
        self.map[0:4] = struct.pack("=I", 2)
        self.generation = 0

    def set(self, service: int = 0, live: int = A, mode: int = OPEN, weight: int = 0) -> int:
        """Returns a time at which the word was there: this thread may rest before the store."""
        self.generation += 1
        word = self.generation << 32 | weight << 16 | mode << 8 | live
        now = time.monotonic_ns() // 1000
        at = _BOARD_HEAD + service * _ENTRY.size
        self.map[at + 8 : at + 16] = struct.pack("=Q", now)
        self.map[at : at + 8] = struct.pack("=Q", word)
        return time.monotonic_ns() // 1000


class Relay(Helper):
    """One relay process and its page of counts."""

    def __init__(self, board: Switchboard, index: int = 0, count: int = 1,
                 wrap: Sequence[str] = ()) -> None:
        super().__init__("relay", wrap)
        size = _BOARD_HEAD + SERVICES * _SERVICE.size + WORKERS * _WORKER.size
        self.page_fd, self.page = _memfd("page", size)
        self.reports: List[Message] = []
        self.pending: List[Message] = []
        self.next_id = 1
        self.tell("RELAY_SETUP", INDEX=index, COUNT=count, fds=[board.fd, self.page_fd,
                                                                 board.pool_fd])

    def post(self, kind: str, fds: List[int] = (), **tags: Any) -> int:
        """Sends a request; its id."""
        ident = self.next_id
        self.next_id += 1
        self.send_raw(encode(Message(kind, ident, tags)), list(fds))
        return ident

    def answer(self, ident: int) -> Message:
        """Waits for the answer to ident; other messages are kept."""
        for message in self.pending:
            if message.id == ident:
                self.pending.remove(message)
                return message
        while True:
            message = self.receive()
            if message.type == "REPORT":
                self.reports.append(message)
            elif message.id == ident:
                return message
            else:
                self.pending.append(message)

    def poll_report(self) -> bool:
        """Takes what has come without waiting; has a log line ever come?"""
        while select.select([self.channel], [], [], 0)[0]:
            message = self.receive()
            (self.reports if message.type == "REPORT" else self.pending).append(message)
        return bool(self.reports)

    def tell(self, kind: str, fds: List[int] = (), **tags: Any) -> Message:
        """Sends a request and waits for its answer, which must be good."""
        done = self.answer(self.post(kind, fds, **tags))
        assert done.tags.get("CODE", 0) == 0, f"{kind}: {os.strerror(-done['CODE'])}"
        return done

    def worker_counts(self, key: int) -> Dict[str, int]:
        at = _BOARD_HEAD + SERVICES * _SERVICE.size + key * _WORKER.size
        names = ("queued", "silent", "in_request", "between", "pinned", "reserved", "total",
                 "failed", "retried", "bytes_in", "bytes_out")
        return dict(zip(names, _WORKER.unpack_from(self.page, at)))

    def service_counts(self, service: int = 0) -> Dict[str, int]:
        at = _BOARD_HEAD + service * _SERVICE.size
        names = ("accepted", "waiting", "held", "last_placed_old")
        return dict(zip(names, _SERVICE.unpack_from(self.page, at)))


class Relays:
    """A pool of relays with one service and its public sockets, as slotd would run them."""

    def __init__(self, count: int = 1, listen: Optional[List[socket.socket]] = None,
                 wrap: Sequence[str] = (), **options: Any) -> None:
        self.board = Switchboard()
        self.board.set()
        self.relays = [Relay(self.board, i, count, wrap) for i in range(count)]
        self.workers: Dict[Tuple[int, int], str] = {}
        self.listeners = listen or [listener()]
        self.options(**options)
        for relay in self.relays:
            self.give_listeners(relay)

    def give_listeners(self, relay: Relay) -> None:
        for index, sock in enumerate(self.listeners):
            relay.tell("RELAY_LISTEN", SERVICE_INDEX=0, INDEX=index, ADDRESS="-",
                       fds=[sock.fileno()])

    @property
    def relay(self) -> Relay:
        return self.relays[0]

    @property
    def address(self) -> Any:
        return self.listeners[0].getsockname()

    def all(self, kind: str, **tags: Any) -> None:
        idents = [(relay, relay.post(kind, SERVICE_INDEX=0, **tags)) for relay in self.relays]
        for relay, ident in idents:
            done = relay.answer(ident)
            assert done.tags.get("CODE", 0) == 0, f"{kind}: {os.strerror(-done['CODE'])}"

    def options(self, **options: Any) -> None:
        self.all("RELAY_SERVICE", SERVICE="web", **options)

    def worker(self, key: int, slot: int, address: str, up: int = 1) -> None:
        self.workers[slot, key] = address
        self.all("RELAY_WORKER", SLOT=slot, WORKER=key, ADDRESS=address, UP=up,
                 NAME=f"web:{'ab'[slot]}_{key}")

    def worker_up(self, key: int, slot: int, up: int) -> None:
        self.worker(key, slot, self.workers[slot, key], up)

    def table(self) -> None:
        self.all("RELAY_TABLE")

    def set(self, **word: int) -> int:
        """Changes the word and rings."""
        at = self.board.set(**word)
        self.table()
        return at

    def flip(self, live: int) -> int:
        """The word, then the doorbell; when it returns, every relay has acknowledged."""
        at = self.board.set(live=live)
        self.all("RELAY_FLIPPED", GENERATION=self.board.generation)
        return at

    def drain(self, slot: int) -> List[Tuple[Relay, int]]:
        return [(r, r.post("RELAY_DRAIN", SERVICE_INDEX=0, SLOT=slot)) for r in self.relays]

    def sum(self, key: int, name: str) -> int:
        return sum(relay.worker_counts(key)[name] for relay in self.relays)

    def counts(self, key: int) -> Dict[str, int]:
        """A worker's connections by class, over all relays."""
        return {name: self.sum(key, name)
                for name in ("queued", "silent", "in_request", "between", "pinned")}

    def service(self, name: str) -> int:
        return sum(relay.service_counts()[name] for relay in self.relays)

    def __enter__(self) -> "Relays":
        return self

    def __exit__(self, *exc: Any) -> None:
        for relay in self.relays:
            relay.__exit__(*exc)
        for sock in self.listeners:
            sock.close()


def listener(address: Any = ("127.0.0.1", 0), backlog: int = 512) -> socket.socket:
    """A public socket, as slotd makes it."""
    family = socket.AF_UNIX if isinstance(address, str) else \
        socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    sock.listen(backlog)
    return sock
