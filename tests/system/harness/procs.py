"""Processes: who descends from this test, and that all of them end."""

import ctypes
import os
import signal
import time
from typing import Callable, Dict, List, Set, Tuple

_PR_SET_CHILD_SUBREAPER = 36

# What sanitizers slow down; for bounds, never for waiting.
SLOW = float(os.environ.get("SLOTD_SLOW", "1"))


def adopt_orphans() -> None:
    """Orphaned descendants become our children instead of init's, so none can be overlooked."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def stat(pid: int) -> Tuple[str, str, int]:
    """(name, state letter, parent); raises ProcessLookupError for a pid that is gone."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
        try:
            text = os.read(fd, 4096).decode(errors="replace")
        finally:
            os.close(fd)
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    end = text.rindex(")")
    _, state, parent, _ = text[end:].split(" ", 3)
    return text[text.index("(") + 1 : end], state, int(parent)


def alive(pid: int) -> bool:
    """Does it run? A zombie does not."""
    try:
        return stat(pid)[1] not in "ZX"
    except ProcessLookupError:
        return False


def _table() -> Dict[int, Tuple[str, str, int]]:
    table = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                table[int(entry)] = stat(int(entry))
            except ProcessLookupError:
                continue
    return table


def descendants(pid: int) -> Dict[int, Tuple[str, str, int]]:
    """All that descend from pid, zombies included: {pid: (name, state, parent)}."""
    table = _table()
    children: Dict[int, List[int]] = {}
    for child, (_, _, parent) in table.items():
        children.setdefault(parent, []).append(child)
    found, queue = {}, [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            found[child] = table[child]
            queue.append(child)
    return found


def children(pid: int) -> Dict[int, str]:
    """Direct children that run: {pid: name}."""
    return {p: name for p, (name, state, parent) in _table().items()
            if parent == pid and state not in "ZX"}


def left_behind(known: Set[int]) -> Dict[int, Tuple[str, str, int]]:
    """Who runs and is not in `known`. Zombies that fell to us are reaped; those in `known` have an
    owner who waits for them."""
    left = {pid: row for pid, row in descendants(os.getpid()).items() if pid not in known}
    for pid, (_, state, parent) in left.items():
        if state == "Z" and parent == os.getpid():
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
    return {pid: row for pid, row in left.items() if row[1] not in "ZX"}


def kill_all(pids: Dict[int, Tuple[str, str, int]]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def wait_for(condition: Callable[[], object], what: str, timeout: float = 30) -> object:
    """Until condition() is true, then its value; what it was about, when it never is.

    A condition that costs much is asked less often: who waits takes little from who works.
    """
    timeout *= SLOW
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        asked = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(max(pause, min(4 * (now - asked), 0.25)))
        pause = min(pause * 1.5, 0.05)


def stays(condition: Callable[[], object], seconds: float) -> bool:
    """For what must not happen: is condition() true all that time? Ends as soon as it is not."""
    deadline = time.monotonic() + seconds
    while condition():
        if time.monotonic() > deadline:
            return True
        time.sleep(0.01)
    return False


def wakeups(pid: int) -> int:
    """How often it has waited for something and gone on."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("voluntary")).split()[1])


def sleeps(pid: int, seconds: float) -> bool:
    """Does nothing wake it in that time?"""
    before = wakeups(pid)
    return stays(lambda: wakeups(pid) == before, seconds)
