"""The real supervisorctl, imported once and forked for each command: it takes longer to import than to run.

supervisorctl.py, with a socket as standard input, is the process that forks.
"""

import array
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from typing import Any, Dict, List, Optional

PROGRAM = "/usr/bin/supervisorctl"
REQUEST_MAX = 1 << 16


class Forker:
    """One for each process that runs tests; it is there before any of them begins."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(["/usr/bin/python3", "-I", __file__], stdin=theirs)

    def close(self) -> None:
        self._channel.close()
        self._process.wait(30)

    def run(self, arguments: List[str], *, cwd: str, env: Optional[Dict[str, str]], timeout: float,
            input: str = "", **_: Any) -> subprocess.CompletedProcess:
        """As subprocess.run, with its output captured as text; without input, stdin is empty."""
        request = {"arguments": arguments, "cwd": str(cwd),
                   "env": dict(os.environ if env is None else env)}
        ours, theirs = os.pipe()
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, \
                tempfile.TemporaryFile() as err, open(ours, "rb") as status:
            stdin.write(input.encode())
            stdin.seek(0)
            fds = array.array("i", [stdin.fileno(), out.fileno(), err.fileno(), theirs])
            self._channel.sendmsg([json.dumps(request).encode()],
                                  [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
            os.close(theirs)
            pid = int(status.readline())
            if not select.select([status], [], [], timeout)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired([PROGRAM, *arguments], timeout)
            code = int(status.readline() or "-1")
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        return subprocess.CompletedProcess([PROGRAM, *arguments], code, *texts)


def status_of(main: Any, arguments: List[str]) -> int:
    """What the interpreter would end with."""
    try:
        main(arguments)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def child(main: Any, request: Dict[str, Any], fds: List[int]) -> None:
    status = os.fdopen(fds.pop(), "w")
    print(os.getpid(), file=status, flush=True)
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = [PROGRAM, *request["arguments"]]
    code = status_of(main, request["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    print(code, file=status, flush=True)
    os._exit(code)


def take(channel: socket.socket) -> Optional[tuple]:
    """A request and its descriptors; None when there will be none."""
    text, ancillary, _, _ = channel.recvmsg(REQUEST_MAX, socket.CMSG_SPACE(16))
    if not text:
        return None
    fds = array.array("i")
    fds.frombytes(ancillary[0][2])
    return json.loads(text), list(fds)


def serve() -> None:
    from supervisor.supervisorctl import main

    channel = socket.socket(fileno=os.dup(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while taken := take(channel):
        if os.fork() == 0:
            channel.close()
            child(main, *taken)
        for fd in taken[1]:
            os.close(fd)


forker: Optional[Forker] = None


def run(arguments: List[str], **how: Any) -> subprocess.CompletedProcess:
    """supervisorctl with these arguments, by the forker that conftest.py made."""
    return forker.run(arguments, **how)


if __name__ == "__main__":
    serve()
