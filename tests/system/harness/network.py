"""A network with a round trip: this kernel may have no netem, so two namespaces and a delayer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DELAYER = Path(__file__).with_name("delayer.py")
SERVER, CLIENT = "10.99.0.1", "10.99.0.2"


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
        self.server = ["nsenter", f"--net=/proc/{pid}/fd/{fd}"]
        self.client = ["nsenter", f"--net=/proc/{pid}/ns/net"]

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()
        self._process.stderr.close()
