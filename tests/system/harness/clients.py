"""Real HTTP clients that keep connections, in processes of their own (tests/system/clients)."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

DIRECTORY = Path(__file__).resolve().parents[1] / "clients"


class Client:
    """Asks until stop(): then result says how many answers came, and what failed how often."""

    def __init__(self, command: list) -> None:
        self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, text=True)
        self.result: dict = {}

    def stop(self) -> dict:
        if not self.result:
            self._process.send_signal(signal.SIGTERM)
            out, _ = self._process.communicate(timeout=60)
            self.result = json.loads(out)
        return self.result


def node(kind: str):
    def start(address: str, clients: int, think_ms: int, wrap: list = ()) -> Client:
        path = shutil.which("node")
        if not path:
            pytest.skip("node is not installed")
        return Client([*wrap, path, DIRECTORY / "agent.js", address, kind, clients, think_ms])

    return start


def session(address: str, clients: int, think_ms: int, wrap: list = (), once: bool = False) -> Client:
    return Client([*wrap, "/usr/bin/python3", DIRECTORY / "session.py", address, clients, think_ms,
                   *(["once"] if once else [])])


def built(source: str) -> str:
    """A Go program, made by the first process that asks for it; without any network."""
    path = shutil.which("go")
    if not path:
        pytest.skip("go is not installed")
    home = Path(tempfile.gettempdir()) / "go"  # of this run of the tests
    home.mkdir(exist_ok=True)
    program = home / Path(source).stem
    env = {**os.environ, "HOME": str(home), "GOCACHE": f"{home}/cache", "GOPATH": f"{home}/path",
           "GO111MODULE": "off", "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            subprocess.run([path, "build", "-o", str(program), str(DIRECTORY / source)], env=env,
                           check=True, stdin=subprocess.DEVNULL, timeout=300)
    return str(program)


def transport(address: str, clients: int, think_ms: int, wrap: list = ()) -> Client:
    return Client([*wrap, built("transport.go"), address, clients, think_ms])


CLIENTS = {"python session": session, "node agent": node("agent"), "node pool": node("pool"),
           "node fetch": node("fetch"), "go transport": transport}
