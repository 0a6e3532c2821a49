"""Ten thousand websockets leave a slot over drain_spread=60: none comes back in a crowd, and nobody
else waits for that."""

import os
import resource
import time
from pathlib import Path

import pytest

from harness.apps import APPS, service
from harness.clients import DIRECTORY, Client
from harness.daemon import COLD
from harness.load import Load, percentile
from harness.procs import SLOW, wait_for

pytestmark = pytest.mark.long

CLIENTS, SPREAD, WORKERS = 10_000, 60, 5
MOST = 200  # that come back in any one second
RELAYS = 2
# A relay has two descriptors for each connection, and may have taken more than its half of them.
DESCRIPTORS = 2 * CLIENTS * 3 // 4


def slot(name, ports):
    return f"""
[program:s-{name}]
command=/usr/bin/python3 -I -S {APPS}/websocket.py 127.0.0.1:%(process_num)d {name}
process_name=%(program_name)s_%(process_num)d
numprocs={WORKERS}
numprocs_start={ports[0]}
startsecs=0
"""


def cpu(pid):
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pids):
    """MiB, of each."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return [int(text.partition("VmRSS:")[2].split()[0]) // 1024 for text in texts]


def most_in_a_second(times):
    """The largest number of sorted times within any second, wherever it begins."""
    first = most = 0
    for i, at in enumerate(times):
        while at - times[first] >= 1:
            first += 1
        most = max(most, i + 1 - first)
    return most


def by_second(times):
    """How many of the sorted times lie in each full second since the first."""
    seconds = [0] * (int(times[-1] - times[0]) + 1)
    for at in times:
        seconds[int(at - times[0])] += 1
    return seconds


def test_ten_thousand_websockets_come_back_two_hundred_a_second(slotd, ports, record_property):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < DESCRIPTORS:
        pytest.skip(f"at most {hard} descriptors a process, {DESCRIPTORS} are needed")
    listen = f"127.0.0.1:{ports.one()}"
    daemon = slotd(f"[slotd]\nrelays={RELAYS}\n" + slot("a", ports.run(WORKERS))
                   + slot("b", ports.run(WORKERS))
                   + service("s", listen, f"drain_timeout=1\ndrain_spread={SPREAD}\n"))
    relays = daemon.helpers("relay")
    empty = memory(relays)
    host, _, port = listen.partition(":")
    sockets = Client(["/usr/bin/python3", "-I", "-S", DIRECTORY / "websockets.py", listen, CLIENTS])
    try:
        wait_for(lambda: daemon.slot("s", "a")["pinned"] == CLIENTS, "all are there", 120)
        full, used = memory(relays), cpu(daemon.pid)
        used_by_relays = sum(map(cpu, relays))
        with Load((host, int(port)), clients=4, rate=20) as load:
            began = time.monotonic()
            daemon.ctl("swap", "s", check=True)
            wait_for(lambda: daemon.slot("s", "a")["state"] == COLD, "the old slot is cold",
                     SPREAD + 60)
            took = time.monotonic() - began
            wait_for(lambda: daemon.slot("s", "b")["pinned"] == CLIENTS, "all are back", 60)
        used = cpu(daemon.pid) - used
        used_by_relays = sum(map(cpu, relays)) - used_by_relays
    finally:
        result = sockets.stop()
    assert daemon.helpers("relay") == relays, "a relay was started again"
    assert not result["failed"], result["failed"]
    assert not load.failed(), load.counts()
    ended = result["ended"]
    assert [(was, now) for _, _, was, now in ended] == [("a", "b")] * CLIENTS
    backs = sorted(back for _, back, _, _ in ended)
    lasted = backs[-1] - backs[0]
    parts = [0] * 10  # how many came in each tenth of the time
    for back in backs:
        parts[min(9, int((back - backs[0]) / lasted * 10))] += 1
    seconds = by_second(backs)
    ends = sorted(end for end, *_ in ended)
    away = [back - end for end, back, *_ in ended]
    p99 = percentile([r.took for r in load.requests], 0.99)
    figures = (
        f"{CLIENTS} websockets over drain_spread={SPREAD}: back in {lasted:.1f} s, "
        f"at most {max(seconds)} in a full second, {most_in_a_second(backs)} in any, {most_in_a_second(ends)} ended in any, {min(parts)} to "
        f"{max(parts)} in a tenth of the time, away for "
        f"{percentile(away, 0.5) * 1000:.0f} ms, {max(away) * 1000:.0f} at most; the swap with its "
        f"drain took {took:.0f} s; {len(load.requests)} GETs beside it, 0 failed, p99 "
        f"{p99 * 1000:.1f} ms; processor time of slotd {used:.2f} s, of {RELAYS} relays "
        f"{used_by_relays:.2f} s; relays' memory {empty} MiB empty, {full} MiB full")
    record_property("figures", figures)
    print(figures)
    if SLOW == 1:
        assert max(seconds) <= MOST, seconds
        assert min(parts) > CLIENTS / 10 * 0.8 and max(parts) < CLIENTS / 10 * 1.2, parts
        assert SPREAD - 2 < lasted < SPREAD + 10, lasted
