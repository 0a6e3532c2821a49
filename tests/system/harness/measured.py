"""The C client (tests/system/load.c): many users at once, times to the microsecond."""

import os
import signal
import struct
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import List

from .paths import BUILD

LOAD = BUILD / "tests/system/load"
FAILURES = ("crossed", "refused", "reset", "short", "status", "timeout")


@dataclass
class Request:
    kind: str  # new, kept, slow
    opened: int  # monotonic microseconds
    asked: int
    done: int
    outcome: str
    slot: str

    @property
    def took(self) -> int:
        return self.done - self.asked


class MeasuredLoad:
    """Runs until stop(), then has every request."""

    def __init__(self, address: str, new: int, kept: int, slow: int, seconds: int = 3600) -> None:
        self._process = subprocess.Popen(
            [str(LOAD), address, str(seconds), str(new), str(kept), str(slow)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.requests: List[Request] = []

    def stop(self) -> "MeasuredLoad":
        self._process.send_signal(signal.SIGTERM)
        out, _ = self._process.communicate(timeout=120)
        assert self._process.returncode == 0, f"the load client ended with {self._process.returncode}"
        for line in out.splitlines():
            kind, opened, asked, done, outcome, slot = line.split()
            self.requests.append(
                Request(kind, int(opened), int(asked), int(done), outcome, slot))
        self.requests.sort(key=lambda r: r.asked)
        return self

    def so_far(self) -> int:
        """How many requests it has made."""
        self._process.send_signal(signal.SIGUSR1)
        return int(self._process.stderr.readline())

    def counts(self) -> Counter:
        return Counter((r.kind, r.outcome) for r in self.requests)

    def failed(self) -> List[Request]:
        return [r for r in self.requests if r.outcome in FAILURES]

    def asked_of_slots(self) -> List[Request]:
        """Answered requests on connections of their own: each tells where it was placed."""
        return [r for r in self.requests if r.outcome == "ok" and r.kind != "kept"]


def overlap(requests: List[Request], old: str, new: str, begin: int, end: int) -> int:
    """Microseconds from the first request that `new` answered to the last opened that `old` did.

    Both by when the connection was opened, between begin and end. 0 or less: no old slot answered
    a connection opened after the flip.
    """
    window = [r for r in requests if begin <= r.opened <= end]
    first_new = min((r.opened for r in window if r.slot == new), default=None)
    last_old = max((r.opened for r in window if r.slot == old), default=None)
    assert first_new is not None and last_old is not None, "the swap was not seen by the load"
    return last_old - first_new


def flipped_at(slotd: int) -> int:
    """When the first service last flipped: monotonic microseconds, from slotd's switchboard."""
    for fd in Path(f"/proc/{slotd}/fd").iterdir():
        if os.readlink(fd).startswith("/memfd:slotd-switchboard"):
            with open(fd, "rb") as board:
                _version, _word, at = struct.unpack("<QQQ", board.read(24))
                return at
    raise AssertionError("slotd has no switchboard")


def last_placed(requests: List[Request], slot: str, begin: int, end: int) -> int:
    """When the last connection that `slot` answered was opened, of those between begin and end."""
    return max(r.opened for r in requests if begin <= r.opened <= end and r.slot == slot)


def percentile(values: List[int], share: float) -> int:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0
