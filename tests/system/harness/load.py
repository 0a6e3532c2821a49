"""A client that keeps asking and remembers what became of every single request."""

import select
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Callable, List, Optional, Tuple, Union

from .procs import wait_for

Address = Union[str, Tuple[str, int]]

# Outcomes. CROSSED: a kept-alive connection was closed in the moment in which the client sent its
# next request, with no byte of an answer. HTTP/1.1 allows that to a server; it is a loss all the same.
OK, CROSSED = "ok", "crossed"
REFUSED, RESET, SHORT, STATUS, TIMEOUT = "refused", "reset", "short", "status", "timeout"
FAILURES = (CROSSED, REFUSED, RESET, SHORT, STATUS, TIMEOUT)


@dataclass
class Request:
    opened: float  # when the connection was asked for, monotonic
    sent: float
    done: float
    outcome: str
    body: str  # of an answer; the test apps say "SLOT PORT PID"
    detail: str = ""
    path: str = ""

    @property
    def slot(self) -> str:
        return self.body.split()[0] if self.body else ""

    @property
    def took(self) -> float:
        return self.done - self.sent


class Failure(Exception):
    def __init__(self, outcome: str, detail: str = "") -> None:
        super().__init__(outcome, detail)
        self.outcome, self.detail = outcome, detail


class Connection:
    """One HTTP/1.1 connection, read strictly."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.opened = time.monotonic()
        self.requests = 0
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(address)
        except socket.timeout:
            self.close()
            raise Failure(TIMEOUT, "connect") from None
        except OSError as error:
            self.close()
            raise Failure(REFUSED, str(error)) from None

    def close(self) -> None:
        self.socket.close()

    def closed_by_peer(self) -> bool:
        """Is an end of the connection already here, before another request is sent?"""
        if not select.select([self.socket], [], [], 0)[0]:
            return False
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def get(self, path: str, keep: bool, sent: bytes = b"") -> str:
        """The body of a whole answer with status 200; Failure otherwise. sent: the body of a POST."""
        length = f"Content-Length: {len(sent)}\r\n" if sent else ""
        self.requests += 1
        got = b""
        try:
            self.socket.sendall((f"{'POST' if sent else 'GET'} {path} HTTP/1.1\r\n"
                                 f"Host: payinv.example\r\n{length}"
                                 f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n").encode()
                                + sent)
            while b"\r\n\r\n" not in got:
                got += self._more(got)
            head, _, body = got.partition(b"\r\n\r\n")
            length = self._length(head)
            while len(body) < length:
                got = self._more(got + b"x")
                body += got
        except socket.timeout:
            raise Failure(TIMEOUT, f"{len(got)} bytes came") from None
        except OSError as error:
            raise self._cut(got, RESET, str(error)) from None
        status = head.split(b" ", 2)[1]
        if status != b"200":
            raise Failure(STATUS, head.split(b"\r\n")[0].decode(errors="replace"))
        return body.decode(errors="replace")

    def _more(self, so_far: bytes) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise self._cut(so_far, SHORT, f"end after {len(so_far)} bytes")
        return data

    def _cut(self, so_far: bytes, outcome: str, detail: str) -> Failure:
        crossed = self.requests > 1 and not so_far
        return Failure(CROSSED if crossed else outcome, detail)

    @staticmethod
    def _length(head: bytes) -> int:
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                return int(value)
        raise Failure(SHORT, "an answer without Content-Length")


class Load:
    """`clients` threads, each asking `rate` times a second (0: as fast as it goes) until stop().

    path: a function is asked for that of each request.
    """

    def __init__(self, address: Address, *, keep_alive: bool = False,
                 path: Union[str, Callable[[], str]] = "/",
                 clients: int = 1, rate: float = 0, timeout: float = 20, body: bytes = b"") -> None:
        self.address, self.keep_alive, self.path, self.body = address, keep_alive, path, body
        self.rate, self.timeout = rate, timeout
        self.requests: List[Request] = []
        self.closed = 0  # kept connections that the server closed between two requests
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        connection: Optional[Connection] = None
        due = time.monotonic()
        while not self._stop.is_set():
            connection = self._ask(connection)
            if self.rate:
                due = max(due + 1 / self.rate, time.monotonic() - 1)
                self._stop.wait(max(0, due - time.monotonic()))
        if connection:
            connection.close()

    def _ask(self, connection: Optional[Connection]) -> Optional[Connection]:
        """One request; returns the connection to go on with."""
        if connection and connection.closed_by_peer():
            connection.close()
            connection = None
            self.closed += 1
        opened = sent = time.monotonic()
        body, detail, outcome = "", "", OK
        path = self.path if isinstance(self.path, str) else self.path()
        try:
            connection = connection or Connection(self.address, self.timeout)
            opened, sent = connection.opened, time.monotonic()
            body = connection.get(path, self.keep_alive, self.body)
        except Failure as failure:
            outcome, detail = failure.outcome, failure.detail
        self.requests.append(Request(opened, sent, time.monotonic(), outcome, body, detail,
                                     path))
        if connection and (outcome != OK or not self.keep_alive):
            connection.close()
            connection = None
        return connection

    def stop(self) -> "Load":
        self._stop.set()
        for thread in self._threads:
            thread.join(self.timeout + 10)
            assert not thread.is_alive(), "a client hangs"
        self.requests.sort(key=lambda r: r.done)
        return self

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # ---- what became of it; after stop(), or while it runs

    def take(self) -> List[Request]:
        """What has ended since the last call; it is forgotten here."""
        taken = self.requests[:]
        del self.requests[:len(taken)]  # clients only append
        return taken

    def counts(self) -> Counter:
        return Counter(r.outcome for r in list(self.requests))

    def failed(self) -> List[Request]:
        return [r for r in list(self.requests) if r.outcome in FAILURES]

    def slots(self) -> Counter:
        return Counter(r.slot for r in list(self.requests) if r.outcome == OK)

    def go_on(self, n: int = 20) -> None:
        """Until so many more requests have been answered."""
        since = time.monotonic()
        wait_for(lambda: sum(r.opened > since and r.outcome == OK for r in list(self.requests)) >= n,
                 "the load goes on")

    def answered(self, slot: str, since: float = 0) -> bool:
        return any(r.slot == slot and r.sent >= since for r in list(self.requests))

    def late_answers(self, slot: str, since: float) -> List[Request]:
        """Answers of `slot` to connections opened after `since`."""
        return [r for r in list(self.requests) if r.slot == slot and r.opened > since]


def percentile(values: List[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def once(address: Address, path: str = "/", timeout: float = 20) -> str:
    """The body of one request on its own connection."""
    connection = Connection(address, timeout)
    try:
        return connection.get(path, keep=False)
    finally:
        connection.close()


def try_once(address: Address, path: str = "/", timeout: float = 5) -> Optional[str]:
    try:
        return once(address, path, timeout)
    except Failure:
        return None
