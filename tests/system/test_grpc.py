"""gRPC over connections that cannot be followed, with the real library on both sides."""

import json
import subprocess

import pytest

from harness.apps import APPS, service
from harness.paths import ROOT
from harness.procs import wait_for

PYTHON = "/usr/bin/python3"

pytestmark = pytest.mark.plain_only  # real peers on both sides


@pytest.fixture(scope="module", autouse=True)
def grpc_is_there():
    if subprocess.run([PYTHON, "-c", "import grpc"], check=False, capture_output=True).returncode:
        pytest.skip("python3-grpcio is not installed")


def slot(name, port):
    return (f"[program:s-{name}]\ncommand={PYTHON} -I {APPS}/grpc_app.py 127.0.0.1:%(process_num)d "
            f"{name}\nnumprocs=1\nnumprocs_start={port}\nprocess_name=w_%(process_num)d\n"
            f"stopsignal=TERM\nstopwaitsecs=40\nstartsecs=0\n")


class Load:
    """Calls all the time, by a process of its own: gRPC's threads do not survive a fork."""

    def __init__(self, address, method, channels, threads, *again):
        self.process = subprocess.Popen(
            [PYTHON, "-I", ROOT / "tests/system/clients/grpc_load.py", address, method, str(channels),
             str(threads), *again], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self):
        said = self.process.communicate(timeout=60)[0]
        return json.loads(said)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.mark.parametrize("method", ["one", "ten"])
def test_calls_that_the_workers_end_themselves_lose_nothing(slotd, ports, method, record_property):
    public = f"127.0.0.1:{ports.one()}"
    daemon = slotd(slot("a", ports.one()) + slot("b", ports.one())
                   + service("s", public, "drain=worker\nconnect=late\n", health="tcp"))
    wait_for(lambda: daemon.slot("s", "a")["ready"] == 1, "a is ready", 30)
    # Without slotd, too, grpcio's server ends calls by CANCELLED that arrive while it stops.
    with Load(public, method, 4, 4, "UNAVAILABLE,CANCELLED") as load:
        for _ in range(4):
            old = daemon.service("s")["live"]
            wait_for(lambda o=old: daemon.slot("s", o)["pinned"] > 0, "it has pinned ones", 30)
            daemon.ctl("swap", "s", check=True, timeout=60)
            wait_for(lambda o=old: daemon.slot("s", o)["state"] == 0, "the old slot is cold", 60)
        result = load.stop()
    record_property("figures", f"gRPC, 4 swaps: {result}")
    assert not result["failed"] and set(result["slots"]) == {"a", "b"}, result
