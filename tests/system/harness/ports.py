"""Free TCP ports, in runs of consecutive numbers, that no other test process takes meanwhile."""

import fcntl
import os
import socket
from pathlib import Path
from typing import List

# Below Linux's ephemeral range (32768...), so that no outgoing connection sits on one of them.
_FIRST, _LAST, _BLOCK = 20000, 32000, 100
_LOCKS = Path("/tmp/slotd-test-ports")


class Ports:
    """Hands out ports of blocks that are locked for as long as this process lives."""

    def __init__(self) -> None:
        self._locks: List[int] = []
        self._next = self._end = 0

    def _take_block(self) -> None:
        _LOCKS.mkdir(mode=0o777, exist_ok=True)
        start = _FIRST + os.getpid() * _BLOCK % (_LAST - _FIRST)
        for offset in range(0, _LAST - _FIRST, _BLOCK):
            first = _FIRST + (start - _FIRST + offset) % (_LAST - _FIRST)
            lock = os.open(_LOCKS / str(first), os.O_CREAT | os.O_RDWR, 0o666)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            self._locks.append(lock)
            self._next, self._end = first, first + _BLOCK
            return
        raise RuntimeError("no free ports left")

    def run(self, length: int) -> List[int]:
        """`length` consecutive ports on which nothing listens."""
        assert length <= _BLOCK
        while True:
            if self._next + length > self._end:
                self._take_block()
            ports = list(range(self._next, self._next + length))
            self._next += length
            if all(_is_free(port) for port in ports):
                return ports

    def one(self) -> int:
        return self.run(1)[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
