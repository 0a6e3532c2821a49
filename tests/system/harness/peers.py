"""Clients that talk HTTP/1.1 without a library, miss nothing, and go on over swaps."""

import select
import socket
import threading
import time
import traceback
from dataclasses import dataclass
from typing import Callable, Dict, Iterator, List, Tuple

Address = Tuple[str, int]


class Wrong(Exception):
    """An answer is cut, or is not what was asked for."""


def must(true: object, what: str) -> None:
    if not true:
        raise Wrong(what)


class Talk:
    """One connection. Whatever is missing, too much or in another order is an error."""

    def __init__(self, address: Address, timeout: float = 60) -> None:
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb", 1 << 16)
        self.keeps, self.asked, self.placed = True, 0.0, 0.0

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def ask(self, target: str, *headers: str, method: str = "GET", times: int = 1) -> None:
        """Sends heads of requests. Between two of them the connection has to be open and quiet."""
        must(not select.select([self.socket], [], [], 0)[0], "closed between requests")
        lines = f"{method} {target} HTTP/1.1", "Host: payinv.example", *headers
        head = "\r\n".join((*lines, "", ""))
        self.asked, self.placed = time.monotonic(), 0.0
        self.send(head.encode() * times)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def is_placed(self) -> None:
        """A worker has the request, for something came back or was read of it."""
        self.placed = self.placed or time.monotonic()

    def rest(self, seconds: float) -> None:
        """Reads nothing for a time, but sees when something comes."""
        until = time.monotonic() + seconds
        if select.select([self.socket], [], [], seconds)[0]:
            self.is_placed()
        time.sleep(max(0, until - time.monotonic()))

    def head(self) -> Tuple[int, Dict[str, str]]:
        status = self._line().split(" ", 2)
        self.is_placed()
        must(status[0] == "HTTP/1.1", f"{status} begins an answer")
        headers = {}
        while True:
            line = self._line()
            if not line:
                break
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip().lower()
        code = int(status[1])
        self.keeps = code < 200 or headers.get("connection", "") != "close"
        return code, headers

    def body(self, headers: Dict[str, str]) -> Iterator[bytes]:
        """Its pieces; after the last one the answer was whole."""
        if headers.get("transfer-encoding") == "chunked":
            while True:
                length = int(self._line(), 16)
                yield from self._exactly(length)
                must(self._line() == "", "a chunk ends with its length")
                if not length:
                    return
        elif "content-length" in headers:
            yield from self._exactly(int(headers["content-length"]))
        else:
            must(not self.keeps, "an answer without an end")
            yield from iter(lambda: self._file.read1(1 << 16), b"")

    def answer(self) -> Iterator[bytes]:
        """The body of an answer with status 200, in pieces."""
        code, headers = self.head()
        must(code == 200, f"status {code}")
        return self.body(headers)

    def text(self) -> str:
        return b"".join(self.answer()).decode()

    def _line(self) -> str:
        line = self._file.readline(1 << 16)
        must(line.endswith(b"\r\n"), f"the connection ends after {line!r}")
        return line[:-2].decode()

    def _exactly(self, length: int) -> Iterator[bytes]:
        left = length
        while left:
            part = self._file.read1(min(left, 1 << 16))
            must(part, f"cut: {length - left} of {length} bytes came")
            left -= len(part)
            yield part


@dataclass
class Done:
    """One request that was answered wholly, by `slot`; times are monotonic."""

    kind: str
    way: str
    asked: float
    placed: float
    ended: float
    slot: str
    kept: bool


# What one client does once, on a connection: the slot that answered.
Kind = Callable[[Talk], str]


class Peers:
    """Clients, each in a thread, that do what their kind says until stop()."""

    def __init__(self, ways: Dict[str, Tuple[Callable[[], None], Address]]) -> None:
        self._ways = ways
        self._stopping = threading.Event()
        self._threads: List[threading.Thread] = []
        self.done: List[Done] = []
        self.wrong: List[str] = []

    def add(self, name: str, kind: Kind, number: int = 1, *, once: bool = False,
            way: str = "", period: float = 0) -> None:
        """That many, on each way to the service or on one; they begin evenly over a period."""
        for i in range(number):
            for one in [way] if way else self._ways:
                thread = threading.Thread(target=self._run,
                                          args=(name, kind, one, once, period * i / number))
                self._threads.append(thread)
                thread.start()

    def _run(self, name: str, kind: Kind, way: str, once: bool, after: float) -> None:
        enter, address = self._ways[way]
        talk = None
        try:
            enter()
            self._stopping.wait(after)
            talk = Talk(address)
            while True:
                slot = kind(talk)
                self.done.append(Done(name, way, talk.asked, talk.placed, time.monotonic(), slot,
                                      talk.keeps))
                if once or self._stopping.is_set():
                    break
                talk = self._next(talk, address)
            if talk.keeps:
                self._last(talk, name, way)
        except Exception as error:  # pylint: disable=broad-except  # shown by who looks
            asked = f"{time.monotonic() - talk.asked:.3f} s after it asked: " if talk else ""
            told = "" if isinstance(error, (Wrong, OSError)) else traceback.format_exc()
            self.wrong.append(f"{name}, {way}: {asked}{type(error).__name__} {error} {told}")
        finally:
            if talk:
                talk.close()

    @staticmethod
    def _next(talk: Talk, address: Address) -> Talk:
        if talk.keeps:
            return talk
        talk.close()
        return Talk(address)

    def _last(self, talk: Talk, name: str, way: str) -> None:
        talk.ask("/")
        slot = talk.text().split()[0]
        self.done.append(Done(f"after {name}", way, talk.asked, talk.placed, time.monotonic(), slot,
                              True))

    def stop(self, timeout: float = 90) -> None:
        """Each ends what it does."""
        self._stopping.set()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        hang = sum(thread.is_alive() for thread in self._threads)
        if hang:
            self.wrong.append(f"{hang} clients hang")

    def __enter__(self) -> "Peers":
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def of(self, name: str) -> List[Done]:
        return [done for done in list(self.done) if done.kind == name]
