"""The main job at full length: twenty swaps in a row under load, for each way to balance.

tests/run --long runs these and prints their figures.
"""

import time

import pytest

from harness.apps import two_gunicorn_slots
from harness.measured import MeasuredLoad, flipped_at, last_placed, percentile

pytestmark = pytest.mark.long

SWAPS = 20


def swap_and_rest(daemon, rest):
    """One swap; who was live before, when it began and flipped, monotonic microseconds."""
    old = daemon.service("payinv")["live"]
    began = time.monotonic_ns() // 1000
    done = daemon.ctl("swap", "payinv", timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    time.sleep(rest)  # load between two swaps, so that each is seen apart
    return old, began, flipped_at(daemon.pid)


@pytest.mark.parametrize("workers", ["sync", "gthread"])
@pytest.mark.parametrize("balance", ["round_robin", "least_conn", "source"])
def test_twenty_swaps_under_load_fail_no_request(slotd, ports, workers, balance, record_property):
    arguments = "-k gthread --threads 4" if workers == "gthread" else ""
    listen = f"127.0.0.1:{ports.one()}"
    daemon = slotd(two_gunicorn_slots("payinv", listen, ports.run(5), ports.run(5), arguments,
                                      f"balance={balance}\n"))
    load = MeasuredLoad(listen, new=4, kept=2, slow=2)
    try:
        time.sleep(1)
        swaps = [swap_and_rest(daemon, 0.5) for _ in range(SWAPS)]
    finally:
        load.stop()
    assert not load.failed(), load.counts()
    placed = load.asked_of_slots()
    # Until 400 ms after each flip: a later one makes the old slot the new one again.
    late = [last_placed(placed, old, began - 1_000_000, flipped + 400_000) - flipped
            for old, began, flipped in swaps]
    p99 = percentile([r.took for r in load.requests if r.kind == "new"], 0.99)
    figures = (f"{workers} {balance}: {SWAPS} swaps, {len(load.requests)} requests, 0 failed, "
               f"old slot's last connection opened {max(late)} us "
               f"after a flip, p99 {p99} us")
    record_property("figures", figures)
    print(figures)
    assert max(late) < 1000, figures
