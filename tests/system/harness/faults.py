"""Lets the n-th call of slotd, a helper or slotctl fail: the page that tests/system/faults.c maps."""

import errno
import mmap
import struct
from pathlib import Path
from typing import Dict

from .paths import BUILD

MEMORY, WATCH, DESCRIPTOR, PROCESS, OUTPUT, GROWTH = 1, 2, 4, 8, 16, 32
ERRORS = {MEMORY: errno.ENOMEM, WATCH: errno.ENOSPC, DESCRIPTOR: errno.EMFILE,
          PROCESS: errno.EAGAIN, OUTPUT: errno.ENOSPC, GROWTH: errno.ENOMEM}

WORDS = {MEMORY: "memory", WATCH: "watch", DESCRIPTOR: "descriptor", PROCESS: "process",
         OUTPUT: "output", GROWTH: "growth"}

_LIBRARY = BUILD / "tests/system/faults.so"
_ROW = struct.Struct("=16sIiqqqqqq")
_ROWS = 15
_CLOCK = 8


class Faults:
    """Of one daemon: Faults(daemon, "slotd-log", "slotctl"), before it is started."""

    def __init__(self, daemon, *names: str) -> None:
        path = Path(daemon.dir) / "faults"
        path.write_bytes(bytes(_CLOCK + _ROWS * _ROW.size))
        path.chmod(0o666)
        with open(path, "r+b") as f:
            self._map = mmap.mmap(f.fileno(), 0)
        daemon.env["LD_PRELOAD"], daemon.env["LD_FAULTS"] = str(_LIBRARY), str(path)
        self._rows: Dict[str, int] = {}
        for i, name in enumerate(names):
            self._rows[name] = _CLOCK + i * _ROW.size
            self._put(name, 0, 0, 0, 0, 0)

    def _put(self, name: str, kinds: int, error: int, at: int, span: int, delay: int) -> None:
        _ROW.pack_into(self._map, self._rows[name], name.encode(), kinds, error, at, span, 0, 0,
                       delay, self.pid(name))

    def _get(self, name: str) -> tuple:
        return _ROW.unpack_from(self._map, self._rows[name])

    def arm(self, name: str, kind: int, at: int, span: int = 1) -> None:
        """From its at-th call of that kind on, counted from now, `span` calls fail."""
        self._put(name, kind, ERRORS[kind], at, span, 0)

    def count_from_now(self, name: str, kind: int) -> None:
        self._put(name, kind, 0, 0, 0, 0)

    def slow(self, name: str, kind: int, seconds: float) -> None:
        """Each such call takes so long."""
        self._put(name, kind, 0, 1, 1 << 60, int(seconds * 1e6))

    def calm(self, name: str) -> None:
        """Nothing fails any more; how many calls there were, and how many have failed."""
        self._put(name, 0, 0, 0, 0, 0)

    def count(self, name: str) -> int:
        return self._get(name)[5]

    def fired(self, name: str) -> int:
        return self._get(name)[6]

    def pid(self, name: str) -> int:
        return self._get(name)[8]

    def set_clock(self, seconds: int) -> None:
        """What their wall clock is ahead of the real one."""
        struct.pack_into("=q", self._map, 0, seconds)
