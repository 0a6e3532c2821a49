"""Swaps that no client sees: pools of proxies and of HTTP clients, half of the load POST."""

import contextlib
import re
import subprocess
import sys
import time

import pytest

from harness.apps import KEEPING, payinv_slot, service
from harness.clients import CLIENTS
from harness.closings import Closings
from harness.daemon import COLD
from harness.fronts import FRONTS
from harness.measured import flipped_at
from harness.network import SERVER, Network
from harness.procs import wait_for

pytestmark = pytest.mark.plain_only  # many real peers; the relay's other tests run under sanitizers

IN_FRONT = [*CLIENTS, *FRONTS]
HOSTS = f"payinv.example,127.0.0.1,{SERVER}"
EMPTIED = re.compile(r"drain +\d+ -> 0; ")  # not: goes on in the background, or cut


def payinv(slotd, ports, listen, worker, count, wrap=()):
    """Two slots of a real server that keeps connections, stopped as soon as they have drained."""
    text = "".join(payinv_slot(f"payinv-{slot}", ports.run(count), slot, KEEPING[worker], HOSTS,
                               "startsecs=0") for slot in "ab")
    return slotd(text + service("payinv", listen, "health_host=payinv.example\n"), wrap=wrap)


class Site:
    """The daemon, its public address, and what commands on the clients' side are run with."""

    def __init__(self, slotd, ports, worker="gunicorn", network=None, count=2):
        host, self.server = (SERVER, network.server) if network else ("127.0.0.1", [])
        self.client = network.client if network else []
        self.port = ports.one()
        self.listen = f"{host}:{self.port}"
        self.daemon = payinv(slotd, ports, self.listen, worker, count, self.server)
        wait_for(lambda: self.daemon.log().count("is healthy") >= count, "the live slot serves", 60)

    def swap(self):
        """When the old slot has stopped: the ms from the flip to when it had no request."""
        old = self.daemon.service("payinv")["live"]
        done = self.daemon.ctl("swap", "payinv", check=True, timeout=180)
        emptied = time.monotonic_ns() // 1000 - flipped_at(self.daemon.pid)
        assert EMPTIED.search(done.stdout), done.stdout
        wait_for(lambda: self.daemon.slot("payinv", old)["state"] == COLD, "the old slot stops", 60)
        return emptied / 1000


@contextlib.contextmanager
def in_front(site, ports, directory, name):
    """A client, or a proxy with a client before it, and a count of what the public port closes."""
    with Closings(site.port, site.server) as closings, contextlib.ExitStack() as ends:
        if name in CLIENTS:
            client = CLIENTS[name](site.listen, 24, 100, site.client)
        else:
            front = f"127.0.0.1:{ports.one()}"
            directory.chmod(0o755)
            proxy = FRONTS[name](directory, front, site.listen, site.client)
            ends.callback(proxy.close)
            client = CLIENTS["python session"](front, 24, 100, site.client)
        ends.callback(client.stop)
        yield client, closings


def swaps_under(site, load, count):
    """Swaps, each when the old slot of the one before is gone; what the client saw of them.

    A spare connection, which a pool made and never used, ends by client_timeout and by no swap.
    """
    client, closings = load
    drain = max(site.swap() for _ in range(count))
    closed, result = closings.stop(), client.stop()
    result["drain_ms"], result["closed"] = drain, closed
    assert not result["failed"], result
    assert result["ok"] > count * 5, result
    assert set(result["slots"]) == {"a", "b"}, result
    if closed:
        assert closed["opened"] and not closed["by_server"] and not closed["missed"], result
    return result


def networks(*delays):
    """The server and the client with that round trip between them, in ms."""
    ids = [f"{delay} ms" if delay else "loopback" for delay in delays]
    return pytest.mark.parametrize("network", delays, ids=ids, indirect=True)


@pytest.fixture
def network(request):
    if request.param:
        with Network(request.param) as made:
            yield made
    else:
        yield None


@networks(80)
@pytest.mark.parametrize("name", [name for name in IN_FRONT if name != "go transport"])
def test_a_pool_of_connections_sees_no_swap(slotd, ports, tmp_path, network, name):
    site = Site(slotd, ports, network=network)
    with in_front(site, ports, tmp_path, name) as load:
        swaps_under(site, load, 3)


@pytest.mark.parametrize("worker", KEEPING)
def test_a_go_transport_sees_no_swap_of_any_kind_of_worker(slotd, ports, tmp_path, worker):
    site = Site(slotd, ports, worker)
    with in_front(site, ports, tmp_path, "go transport") as load:
        swaps_under(site, load, 3)


@pytest.mark.long
@networks(0, 5)
@pytest.mark.parametrize("worker", KEEPING)
@pytest.mark.parametrize("name", IN_FRONT)
def test_two_hundred_swaps(slotd, ports, tmp_path, record_property, request, network, worker, name):
    site = Site(slotd, ports, worker, network, 1)  # most of a swap's time is a worker's start
    with in_front(site, ports, tmp_path, name) as load:
        result = swaps_under(site, load, 200)
    delay = request.node.callspec.params["network"]
    closed = "not counted: connections closed by the relay"
    if result["closed"]:
        closed = f"0 connections closed by the relay ({result['closed']['spare']} spare ones)"
    figures = (f"{name}, {worker}, {delay} ms round trip: 200 swaps, {result['ok']} requests, "
               f"0 failed, {closed}, "
               f"longest request {result['longest_ms']:.0f} ms, "
               f"longest drain {result['drain_ms']:.0f} ms")
    record_property("figures", figures)
    print(figures)
    assert result["drain_ms"] < result["longest_ms"] + 100, figures


def test_the_network_delays():
    with Network(80) as network:
        ping = "import socket, time, sys\n" \
               "s = socket.socket(); s.settimeout(10); began = time.monotonic()\n" \
               "try: s.connect(('10.99.0.1', 9))\n" \
               "except ConnectionRefusedError: pass\n" \
               "print(time.monotonic() - began)"
        out = subprocess.run([*network.client, sys.executable, "-c", ping], check=True,
                             capture_output=True, text=True).stdout
        assert 0.08 <= float(out) < 0.3
