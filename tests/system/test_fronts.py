"""Swaps that no client sees: pools of proxies and of HTTP clients, half of the load POST."""

import subprocess
import sys
import time

import pytest

from harness.apps import two_gunicorn_slots
from harness.clients import CLIENTS
from harness.fronts import FRONTS
from harness.network import SERVER, Network
from harness.procs import wait_for

pytestmark = pytest.mark.plain_only  # many real peers; the relay's other tests run under sanitizers

COLD = 0  # a slot's state: none of its workers runs
GTHREAD = "-k gthread --threads 8 --keep-alive 5"


def swap_under(client, daemon, swaps):
    """Swaps, each when the old slot of the one before is gone; the longest drain in seconds."""
    drains = []
    for _ in range(swaps):
        old = daemon.service("payinv")["live"]
        daemon.ctl("swap", "payinv", check=True, timeout=180)
        began = time.monotonic()
        wait_for(lambda: daemon.slot("payinv", old)["state"] == COLD, "the old slot stops", 60)
        drains.append(time.monotonic() - began)
    result = client.stop()
    assert result["ok"] > swaps * 5, result
    assert not result["failed"], result
    assert set(result["slots"]) == {"a", "b"}, result
    return max(drains), result["ok"]


def payinv(slotd, listen, ports_a, ports_b, wrap=()):
    """Real gunicorn with threads that keeps connections, and any Host."""
    text = two_gunicorn_slots("payinv", listen, ports_a, ports_b, GTHREAD)
    hosts = f'PAYINV_HOSTS="payinv.example,127.0.0.1,{SERVER}",'
    return slotd(text.replace("environment=", f"environment={hosts}"), wrap=wrap)


@pytest.fixture(params=[0, pytest.param(5, marks=pytest.mark.long), 80],
                ids=["loopback", "5 ms", "80 ms"])
def network(request):
    """Prefixes of commands on the server's and the client's side, and addresses."""
    if request.param:
        with Network(request.param) as made:
            yield made
    else:
        yield None


@pytest.fixture
def there(slotd, ports, network):
    """The daemon, its public address and what to run clients with."""
    host, wrap = (SERVER, network.server) if network else ("127.0.0.1", [])
    listen = f"{host}:{ports.one()}"
    daemon = payinv(slotd, listen, ports.run(2), ports.run(2), wrap)
    return daemon, listen, network.client if network else []


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_that_keeps_connections_sees_no_swap(there, name):
    daemon, listen, wrap = there
    client = CLIENTS[name](listen, 24, 100, wrap)
    swap_under(client, daemon, 3)


@pytest.mark.parametrize("name", FRONTS)
def test_a_proxy_that_pools_connections_sees_no_swap(there, ports, tmp_path, name):
    daemon, listen, wrap = there
    front = f"127.0.0.1:{ports.one()}"
    tmp_path.chmod(0o755)
    proxy = FRONTS[name](tmp_path, front, listen, wrap)
    client = CLIENTS["python session"](front, 24, 100, wrap)
    try:
        swap_under(client, daemon, 3)
    finally:
        client.stop()
        proxy.close()


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
