"""A million requests over a thousand swaps, new and kept connections, half of the kept ones POST."""

import time
import xmlrpc.client

import pytest

from harness.apps import two_gunicorn_slots
from harness.measured import MeasuredLoad, percentile
from harness.procs import wait_for

pytestmark = pytest.mark.long

SWAPS, REQUESTS = 1000, 1_000_000


def begins_swap(daemon):
    """Whether a swap began: the record of the one before may still be on its way to a busy disk."""
    try:
        daemon.rpc.slotd.swap("payinv")
    except xmlrpc.client.Fault as fault:
        if "BUSY" not in fault.faultString:
            raise
        return False
    return True


def test_a_million_requests_over_a_thousand_swaps_lose_nothing(slotd, ports, record_property):
    listen = f"127.0.0.1:{ports.one()}"
    daemon = slotd(two_gunicorn_slots("payinv", listen, ports.run(3), ports.run(3),
                                      "-k gthread --threads 8", "idle_keep=1h\n"))
    load = MeasuredLoad(listen, new=4, kept=160, slow=4, seconds=3600)
    began, n = time.monotonic(), 0
    try:
        while n < SWAPS or load.so_far() < REQUESTS:
            old = daemon.service("payinv")["live"]
            wait_for(lambda: begins_swap(daemon), "the one before is over", 120)
            wait_for(lambda o=old: daemon.service("payinv")["live"] != o, "it swaps", 120)
            n += 1
            time.sleep(0.1)
    finally:
        load.stop()
    p99 = percentile([r.took for r in load.requests if r.kind == "kept"], 0.99)
    figures = (f"{n} swaps, {len(load.requests)} requests in {time.monotonic() - began:.0f} s, "
               f"{len(load.failed())} lost, p99 of kept connections {p99} us")
    record_property("figures", figures)
    print(figures)
    assert not load.failed(), load.counts()

