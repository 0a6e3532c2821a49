"""Files in the place of others, for one process and its children."""

import ctypes
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator

_CLONE_NEWNS = 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


def _mount(source: str, target: str, flags: int) -> None:
    if _libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(flags), None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), target)


def may_mount() -> bool:
    """Only where this machine allows a mount namespace."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if _libc.unshare(_CLONE_NEWNS) == 0 else 1)
    return os.waitpid(pid, 0)[1] == 0


def instead(files: Dict[Path, Path]) -> Callable[[], None]:
    """For preexec_fn=: in a mount namespace of its own, each name shows the other file."""
    def enter() -> None:
        if _libc.unshare(_CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        _mount("none", "/", _MS_REC | _MS_PRIVATE)
        for name, file in files.items():
            _mount(str(file), str(name), _MS_BIND)

    return enter


@contextmanager
def small_disks(size: str, *paths: Path) -> Iterator[bool]:
    """A file system of that size at each; False where this machine allows none."""
    mounted = []
    try:
        for path in paths:
            path.mkdir(exist_ok=True)
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", path],
                capture_output=True, check=False)
            if done.returncode == 0:
                mounted.append(path)
        yield len(mounted) == len(paths)
    finally:
        for path in mounted:
            subprocess.run(["umount", "-l", path], check=True)
