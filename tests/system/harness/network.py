"""A network with a round trip: this kernel may have no netem, so two namespaces and a delayer."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

DELAYER = Path(__file__).with_name("delayer.py")
SERVER, CLIENT = "10.99.0.1", "10.99.0.2"
_CLONE_NEWNET = 0x40000000


def _enter(path: str) -> None:
    namespace = os.open(path, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), path)
    finally:
        os.close(namespace)


class Network:
    """`server` and `client` are what a command is prefixed with to run on that side."""

    def __init__(self, round_trip_ms: float) -> None:
        if os.geteuid() != 0 or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            pytest.skip("namespaces and /dev/net/tun are for root")
        self._process = subprocess.Popen([sys.executable, str(DELAYER), str(round_trip_ms)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
        line = self._process.stdout.readline().split()
        if len(line) != 2:
            why = self._process.communicate()[1].strip().splitlines()
            pytest.skip(f"no network of its own: {why[-1] if why else 'unknown'}")
        pid, fd = line
        self._server, self._client = f"/proc/{pid}/fd/{fd}", f"/proc/{pid}/ns/net"
        self.server = ["nsenter", f"--net={self._server}"]
        self.client = ["nsenter", f"--net={self._client}"]

    def enter_server(self) -> None:
        """The calling thread's new sockets are on the server's side from now on."""
        _enter(self._server)

    def enter_client(self) -> None:
        _enter(self._client)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()
        self._process.stderr.close()
