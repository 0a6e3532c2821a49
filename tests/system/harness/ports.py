"""Free TCP ports, in runs of consecutive numbers, that no other test process takes meanwhile."""

import os
import socket
from typing import List

# Below Linux's ephemeral range (32768...), so that no outgoing connection sits on one of them.
_FIRST, _LAST, _BLOCK = 20000, 32000, 100


class Ports:
    """Hands out ports of blocks that are its own for as long as this process lives."""

    def __init__(self) -> None:
        self._locks: List[socket.socket] = []
        self._next = self._end = 0

    def _take_block(self) -> None:
        start = os.getpid() * _BLOCK
        for offset in range(0, _LAST - _FIRST, _BLOCK):
            first = _FIRST + (start + offset) % (_LAST - _FIRST)
            lock = socket.socket(socket.AF_UNIX)
            try:
                lock.bind(f"\0slotd test ports {first}")  # a name without a file
            except OSError:
                lock.close()
                continue
            self._locks.append(lock)
            self._next, self._end = first, first + _BLOCK
            return
        raise RuntimeError("no free ports left")

    def close(self) -> None:
        for lock in self._locks:
            lock.close()

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
