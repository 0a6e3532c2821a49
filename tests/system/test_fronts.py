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
def in_front(site, ports, directory, names, clients=24, think_ms=100):
    """Clients, or proxies with a client before each, and a count of what the public port closes."""
    with Closings(site.port, site.server) as closings, contextlib.ExitStack() as ends:
        load = {}
        for name in names:
            address, start = site.listen, CLIENTS.get(name)
            if not start:
                address, start = f"127.0.0.1:{ports.one()}", CLIENTS["python session"]
                proxy = FRONTS[name](own_directory(directory, name), address, site.listen,
                                     site.client)
                ends.callback(proxy.close)
            load[name] = start(address, clients, think_ms, site.client)
            ends.callback(load[name].stop)
        yield load, closings


def own_directory(directory, name):
    """Where a proxy that runs as another user finds its files."""
    directory.chmod(0o755)
    made = directory / name.replace(" ", "-")
    made.mkdir(mode=0o755)
    return made


class Seen:
    """What clients saw of the swaps under them: results by name, the longest drain, who closed."""

    def __init__(self, drain_ms, closed, results):
        self.drain_ms, self.closed, self.results = drain_ms, closed, results
        self.longest_ms = max(result["longest_ms"] for result in results.values())

    def check(self, swaps):
        for name, result in self.results.items():
            assert not result["failed"], (name, self.results)
            assert result["ok"] > swaps * 5, (name, self.results)
            assert set(result["slots"]) == {"a", "b"}, (name, self.results)
        if self.closed:  # else: this user may not listen to packets
            ends = self.closed
            assert ends["opened"] and not ends["by_server"] and not ends["missed"], ends

    def figures(self):
        """A line for each client, and one for what they share."""
        for name, result in self.results.items():
            yield (f"{name}: {result['ok']} requests, {sum(result['failed'].values())} failed, "
                   f"longest request {result['longest_ms']:.0f} ms")
        closed = "connections closed by the relay not counted"
        if self.closed:
            closed = (f"{self.closed['by_server']} of {self.closed['opened']} connections closed by "
                      f"the relay ({self.closed['spare']} spare ones besides)")
        yield f"{closed}, longest drain {self.drain_ms:.0f} ms"


def swaps_under(site, load, count):
    """Swaps, each when the old slot of the one before is gone; what the clients saw of them.

    A spare connection, which a pool made and never used, ends by client_timeout and by no swap.
    """
    clients, closings = load
    drain_ms = max(site.swap() for _ in range(count))
    closed = closings.stop()
    return Seen(drain_ms, closed, {name: client.stop() for name, client in clients.items()})


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
@pytest.mark.parametrize("names", [CLIENTS, FRONTS], ids=["clients", "proxies"])
def test_pools_of_connections_see_no_swap(slotd, ports, tmp_path, network, names):
    site = Site(slotd, ports, network=network)
    with in_front(site, ports, tmp_path, names, clients=12) as load:
        swaps_under(site, load, 3).check(3)


@pytest.mark.parametrize("worker", KEEPING)
def test_a_go_transport_sees_no_swap_of_any_kind_of_worker(slotd, ports, tmp_path, worker):
    site = Site(slotd, ports, worker)
    with in_front(site, ports, tmp_path, ["go transport"]) as load:
        swaps_under(site, load, 3).check(3)


def two_hundred_swaps(record_property, title, site, load):
    """With figures; an old slot has drained as soon as what was asked of it has been answered."""
    seen = swaps_under(site, load, 200)
    for line in seen.figures():
        record_property("figures", f"200 swaps, {title}, {line}")
        print(f"200 swaps, {title}, {line}")
    seen.check(200)
    assert seen.drain_ms < seen.longest_ms + 100


@pytest.mark.long
@networks(0, 5, 80)
@pytest.mark.parametrize("worker", KEEPING)
def test_two_hundred_swaps(slotd, ports, tmp_path, record_property, request, network, worker):
    """All of them in front at once, each with little load: together they saturate nothing."""
    site = Site(slotd, ports, worker, network, 1)  # most of a swap's time is a worker's start
    with in_front(site, ports, tmp_path, IN_FRONT, clients=8, think_ms=200) as load:
        two_hundred_swaps(record_property, request.node.callspec.id, site, load)


@pytest.mark.long
@pytest.mark.by_name("behind_one")
@networks(0, 5, 80)
@pytest.mark.parametrize("worker", KEEPING)
@pytest.mark.parametrize("name", IN_FRONT)
def test_two_hundred_swaps_behind_one(slotd, ports, tmp_path, record_property, request, network,
                                      worker, name):
    """For who looks into a failure of the one above: -k 'behind_one and nginx and node-loopback'."""
    site = Site(slotd, ports, worker, network, 1)
    with in_front(site, ports, tmp_path, [name]) as load:
        two_hundred_swaps(record_property, request.node.callspec.id, site, load)


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
