"""There is not enough of something: processes, descriptors, disk, or too much of something else."""

import errno
import multiprocessing
import os
import re
import resource
import signal
import socket
import time

import pytest

from harness.apps import two_slots
from harness.faults import DESCRIPTOR, OUTPUT, PROCESS, Faults
from harness.load import Load, once, percentile, try_once
from harness.procs import SLOW, wait_for
from test_adopt import goes_on
from test_faults import BEAT, COUNT, HELPERS

LOOPING = """
[program:loop]
command=/bin/false
numprocs=500
process_name=%(program_name)s_%(process_num)03d
startsecs=0
autorestart=true
stdout_logfile=NONE
stderr_logfile=NONE
"""
QUIET = "[supervisord]\nloglevel=info\n"


def healthy(slotd, ports, more="", prepare=lambda daemon: None, **options):
    port = ports.one()
    daemon = slotd(two_slots("s", f"127.0.0.1:{port}", ports.run(2), ports.run(2)) + COUNT + BEAT + more,
                   start=False)
    prepare(daemon)
    daemon.start(**options)
    for program in ("count", "beat"):
        daemon.wait_state(program, "RUNNING")
    wait_for(lambda: daemon.slot("s", "a")["ready"] == 2, "its workers are healthy")
    return daemon, ("127.0.0.1", port)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def lines_of(daemon):
    return daemon.read("count.log").split("\n")[:-1]


def timed(act):
    began = time.monotonic()
    act()
    return time.monotonic() - began


def insist_on_lines(daemon):
    lines = lines_of(daemon)
    assert lines == [str(i + 1) for i in range(len(lines))] and len(lines) > 20


@pytest.mark.plain_only
@pytest.mark.long
def test_500_workers_crash_at_once_again_and_again(slotd, ports, record_property):
    daemon, address = healthy(slotd, ports, QUIET + LOOPING)
    one, every = [], []
    with Load(address, clients=2, rate=30) as fresh, \
            Load(address, keep_alive=True, clients=2, rate=30) as kept:
        until = time.monotonic() + 6
        while time.monotonic() < until:
            one.append(timed(lambda: daemon.info("beat")))
            every.append(timed(lambda: daemon.ctl("status")))
            time.sleep(0.05)
        assert daemon.ctl("swap", "s").returncode == 0
        goes_on(fresh, kept)
    restarts = sum(row["restarts"] for row in daemon.status()["workers"] if row["group"] == "loop")
    assert not fresh.failed() and not kept.failed(), (fresh.failed()[:3], kept.failed()[:3])
    assert restarts > 2000
    insist_on_lines(daemon)
    figures = (f"500 workers crash-looping: {restarts} restarts; the state of another one {percentile(one, 0.5) * 1000:.0f} ms "
               f"(median), {max(one) * 1000:.0f} ms (worst of {len(one)}), slotctl status of all "
               f"{percentile(every, 0.5) * 1000:.0f} ms, {max(every) * 1000:.0f} ms; "
               f"{len(fresh.requests) + len(kept.requests)} GETs, 0 lost")
    record_property("figures", figures)
    print(figures)
    assert percentile(one, 0.5) < 0.2 and percentile(every, 0.5) < 1


@pytest.mark.plain_only
@pytest.mark.long
def test_no_process_can_be_made_for_a_while(slotd, ports):
    preloaded = []
    daemon, address = healthy(slotd, ports, prepare=lambda d: preloaded.append(
        Faults(d, "slotd", "slotd-spawn")))
    faults, beat = preloaded[0], daemon.info("beat")["pid"]
    with Load(address, clients=2, rate=20) as load:
        for name in ("slotd", "slotd-spawn"):
            faults.arm(name, PROCESS, 1, 1 << 40)
        os.kill(beat, signal.SIGKILL)
        os.kill(daemon.helpers("log")[0], signal.SIGKILL)
        os.kill(daemon.helpers("relay")[0], signal.SIGKILL)
        wait_for(lambda: faults.fired("slotd-spawn") and faults.fired("slotd"), "both are refused one")
        done = daemon.ctl("swap", "s")
        assert done.returncode == 10 and "NOTHING SWAPPED" in done.stdout + done.stderr, done
        for name in ("slotd", "slotd-spawn"):
            faults.calm(name)
        wait_for(lambda: len(daemon.helpers("log")) == 1, "there is a slotd-log again")
        if daemon.info("beat")["statename"] == "FATAL":
            daemon.ctl("start", "beat", check=True)
        assert daemon.wait_state("beat", "RUNNING")["pid"] != beat
        wait_for(lambda: daemon.ctl("swap", "s").returncode == 0, "a swap is done")
        goes_on(load)
    assert len(load.failed()) <= 2, load.failed()  # in the relay that was killed
    wait_for(lambda: len(lines_of(daemon)) > 50, "lines are written")
    insist_on_lines(daemon)


@pytest.mark.plain_only
@pytest.mark.long
@pytest.mark.parametrize("name", ["slotd", *HELPERS])
def test_a_process_has_no_descriptors_for_a_while(slotd, ports, name):
    program, preloaded = name if name == "slotd" else f"slotd-{name}", []
    daemon, address = healthy(slotd, ports, prepare=lambda d: preloaded.append(Faults(d, program)))
    with Load(address, clients=2, rate=20) as fresh, \
            Load(address, keep_alive=True, clients=2, rate=20) as kept:
        goes_on(fresh, kept)
        preloaded[0].arm(program, DESCRIPTOR, 1, 1 << 40)
        for command in (["swap", "s"], ["status"], ["restart", "beat"]):
            done = daemon.ctl(*command)
            assert done.stdout or done.stderr, "it may say that it cannot"
        if name != "keep":
            wait_for(lambda: preloaded[0].fired(program), "some were refused")
        preloaded[0].calm(program)
        wait_for(lambda: daemon.ctl("swap", "s").returncode == 0, "a swap is done", 60)
        daemon.ctl("start", "beat")
        daemon.wait_state("beat", "RUNNING")
        goes_on(fresh, kept)
    assert not fresh.failed() and not kept.failed(), (fresh.failed()[:3], kept.failed()[:3])
    insist_on_lines(daemon)


@pytest.mark.plain_only
@pytest.mark.parametrize("jump", [86400 * 400, -86400 * 400], ids=["ahead", "back"])
def test_the_wall_clock_jumps(slotd, ports, jump):
    preloaded = []
    daemon, address = healthy(slotd, ports, prepare=lambda d: preloaded.append(Faults(d)))
    started = time.monotonic()
    with Load(address, clients=2, rate=20) as load:
        goes_on(load)
        before = daemon.info("count")
        preloaded[0].set_clock(jump)
        wait_for(lambda: abs(daemon.info("count")["now"] - time.time() - jump) < 5, "the clock has jumped")

        def uptime():
            info = daemon.info("count")
            return info["now"] - info["start"]

        wait_for(lambda: -1 <= uptime() - (before["now"] - before["start"]) < 60, "uptime is right")
        text = daemon.ctl("status", "count").stdout
        assert re.search(r"uptime 0:0\d:\d\d", text), text
        os.kill(daemon.info("beat")["pid"], signal.SIGKILL)  # timers go on
        wait_for(lambda: daemon.info("beat")["statename"] == "RUNNING", "it is started again")
        assert daemon.ctl("swap", "s").returncode == 0
        assert "live" in daemon.ctl("slots").stdout.lower()
        goes_on(load)
    assert not load.failed() and time.monotonic() - started < 60 * SLOW
    insist_on_lines(daemon)


@pytest.mark.plain_only
def test_the_disk_under_the_logs_is_slow(slotd, ports, record_property):
    preloaded, waits = [], []
    daemon, address = healthy(slotd, ports, prepare=lambda d: preloaded.append(Faults(d, "slotd-log")))
    log = daemon.helpers("log")
    with Load(address, clients=2, rate=20) as load:
        preloaded[0].slow("slotd-log", OUTPUT, 0.3)
        until = time.monotonic() + 8
        while time.monotonic() < until:
            began = time.monotonic()
            daemon.rpc.supervisor.getAllProcessInfo()
            waits.append(time.monotonic() - began)
            time.sleep(0.05)
        began = time.monotonic()
        assert daemon.ctl("swap", "s").returncode == 0
        swapped = time.monotonic() - began
        preloaded[0].calm("slotd-log")
        goes_on(load)
    assert not load.failed() and daemon.helpers("log") == log, "it was not taken for hung"
    wait_for(lambda: len(lines_of(daemon)) > 200, "all is written")
    insist_on_lines(daemon)
    figures = (f"each write of slotd-log takes 300 ms: status {percentile(waits, 0.5) * 1000:.1f} ms (median), "
               f"{max(waits) * 1000:.0f} ms (worst of {len(waits)}), a swap {swapped:.1f} s, no line lost")
    record_property("figures", figures)
    print(figures)
    assert percentile(waits, 0.5) < 0.1


OFFERERS, EACH = 10, 10000


def offer(address, number, ready, over, answers):
    """In a process of its own, for one has not so many descriptors: connects, says nothing, and waits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, EACH + 100), hard))
    opened, refused = [], 0
    for i in range(EACH):
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((f"127.0.{number + 1}.{i % 4 + 1}", 0))
        refused += sock.connect_ex(address) not in (0, errno.EINPROGRESS)
        opened.append(sock)
    ready.put(refused)
    over.wait()
    answers.put(sum(map(is_ended, opened)))
    for sock in opened:
        sock.close()


def is_ended(sock):
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.plain_only
@pytest.mark.long
def test_100_000_connections_are_offered_to_10_000_descriptors(slotd, ports, record_property):
    port = ports.one()
    daemon = slotd(two_slots("s", f"*:{port}", ports.run(2), ports.run(2)) + "[slotd]\nrelays=1\n",
                   wrap=["prlimit", "--nofile=10000:10000"])
    address, worst = ("127.0.0.1", port), 0.0
    wait_for(lambda: try_once(address), "it serves")
    relay = daemon.helpers("relay")[0]
    fork = multiprocessing.get_context("fork")
    ready, over, answers = fork.Queue(), fork.Event(), fork.Queue()
    offerers = [fork.Process(target=offer, args=(address, i, ready, over, answers))
                for i in range(OFFERERS)]
    with Load(address, clients=2, rate=5, timeout=60) as load:
        for process in offerers:
            process.start()
        while ready.qsize() < OFFERERS:
            began = time.monotonic()
            assert daemon.ctl("status").returncode in (0, 3)
            worst = max(worst, time.monotonic() - began)
        goes_on(load, n=5)
        over.set()
        refused, ended = (sum(queue.get(timeout=60) for _ in offerers) for queue in (ready, answers))
        for process in offerers:
            process.join()
    longest = max(r.done - r.opened for r in load.requests)
    figures = (f"100,000 connections offered where 10,000 descriptors are: {refused} refused, {ended} closed for "
               f"others; {len(load.requests)} GETs meanwhile, {len(load.failed())} lost, longest {longest:.1f} s; "
               f"slotctl status at most {worst:.2f} s")
    record_property("figures", figures)
    print(figures)
    assert daemon.helpers("relay") == [relay] and not load.failed(), load.failed()[:3]
    wait_for(lambda: try_once(address), "it serves as before", 60)
    assert once(address).startswith("a ")
    wait_for(lambda: descriptors(relay) < 200, "they are gone", 120)
