"""kill -9 of slotd: workers, relays and slotd-log run on, and the next slotd takes them over."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import time

import pytest

from harness import procs
from harness.apps import two_slots
from harness.load import Load
from harness.paths import SLOTCTL, SLOTD
from harness.procs import wait_for
from harness.wire import Message, decode, encode

SLEEPER = "[program:{0}]\ncommand=sleep 1000\nstartsecs=0\n{1}\n"


def next_slotd(daemon):
    """Another slotd, started by hand; ready when it has taken over."""
    daemon.start(wait=False)
    daemon.wait_log(f"supervisord started with pid {daemon.pid}")
    daemon.wait_ready()
    return daemon


def killed(daemon):
    daemon.kill()
    return next_slotd(daemon)


def pids(daemon):
    return {f"{i['group']}:{i['name']}": i["pid"] for i in daemon.rpc.supervisor.getAllProcessInfo()}


def running(daemon, name):
    return daemon.wait_state(name, "RUNNING")["pid"]


def copies(words):
    """How many processes of ours run with that command line."""
    found = []
    for pid in procs.descendants(os.getpid()):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                found += [pid] if f.read().split(b"\0")[:-1] == words and procs.alive(pid) else []
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def goes_on(*loads, n=15):
    """Until each has had so many more answers."""
    since = time.monotonic()
    for load in loads:
        wait_for(lambda: sum(r.sent > since and r.outcome == "ok"
                             for r in load.requests[:]) >= n, "the load goes on")


def history(daemon):
    return [line for line in daemon.read("state/history").splitlines() if line]


# ---- plain programs


def test_workers_are_taken_over_as_they_are(slotd):
    daemon = slotd(SLEEPER.format("one", "") + SLEEPER.format("two", "numprocs=3\n"
                   "process_name=%%(program_name)s_%%(process_num)d".replace("%%", "%")))
    for name in ("one", "two:two_0", "two:two_1", "two:two_2"):
        running(daemon, name)
    before, started = pids(daemon), daemon.info("one")["start"]
    for _ in range(2):
        killed(daemon)
        assert pids(daemon) == before
        assert daemon.info("one")["start"] == started
        daemon.wait_log("took over 4 workers from a slotd that was killed")
    assert len(copies([b"sleep", b"1000"])) == 4
    for action in ("stop", "start", "restart"):
        daemon.ctl(action, "one", check=True)
    assert running(daemon, "one") != before["one:one"]
    assert not procs.alive(before["one:one"])
    assert daemon.end() == 0


def test_the_end_of_an_adopted_worker_is_seen(slotd):
    daemon = slotd(SLEEPER.format("one", "") + SLEEPER.format("once", "autorestart=false"))
    one, once = running(daemon, "one"), running(daemon, "once")
    killed(daemon)
    os.kill(one, signal.SIGKILL)
    wait_for(lambda: daemon.info("one")["pid"] not in (0, one), "it is started again")
    os.kill(once, signal.SIGTERM)
    daemon.wait_state("once", "EXITED")
    assert "exited: one (terminated by SIGKILL; not expected)" in daemon.log()


def test_what_ended_meanwhile_is_started_again(slotd):
    daemon = slotd(SLEEPER.format("one", ""))
    one = running(daemon, "one")
    daemon.kill()
    os.kill(one, signal.SIGKILL)
    os.waitpid(one, 0)  # orphans are ours
    next_slotd(daemon)
    wait_for(lambda: daemon.info("one")["pid"] not in (0, one), "it runs again")
    assert "exited: one (" in daemon.log()


def test_what_was_stopped_by_hand_stays_so(slotd):
    daemon = slotd(SLEEPER.format("one", "") + SLEEPER.format("two", ""))
    running(daemon, "one")
    two = running(daemon, "two")
    daemon.ctl("stop", "one", check=True)
    daemon.kill()
    daemon.write_config(SLEEPER.format("one", "") + SLEEPER.format("two", "")
                        + SLEEPER.format("three", ""))
    next_slotd(daemon)
    assert running(daemon, "three")
    assert daemon.info("one")["statename"] == "STOPPED" and daemon.info("two")["pid"] == two


def test_what_is_not_in_the_file_any_more_is_stopped(slotd):
    daemon = slotd(SLEEPER.format("one", "") + SLEEPER.format("two", "stopsignal=INT"))
    one, two = running(daemon, "one"), running(daemon, "two")
    daemon.kill()
    daemon.write_config(SLEEPER.format("one", ""))
    next_slotd(daemon)
    wait_for(lambda: not procs.alive(two), "it is stopped")
    daemon.wait_log("two is not in the configuration any more")
    wait_for(lambda: set(pids(daemon)) == {"one:one"}, "it is forgotten")
    assert daemon.info("one")["pid"] == one
    daemon.wait_log("stopped: two (terminated by SIGINT)")


def test_no_line_is_lost_or_doubled(slotd):
    """Not even while nobody is there; and the log is rotated on."""
    daemon = slotd("[program:count]\nstartsecs=0\nstdout_logfile=%D%/count.log\n"
                   "stdout_logfile_maxbytes=20KB\nstdout_logfile_backups=1000\n"
                   "command=/bin/sh -c 'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo line $i;"
                   " [ $((i %% 100)) -eq 0 ] && sleep 0.01; done; exec sleep 1000'\n")
    count = running(daemon, "count")
    for _ in range(3):
        time.sleep(0.3)  # lines come meanwhile
        daemon.kill()
        time.sleep(0.2)
        next_slotd(daemon)

    def lines():
        logs = sorted(daemon.dir.glob("count.log*"),
                      key=lambda p: -int(p.suffix[1:]) if p.suffix[1:].isdigit() else 0)
        return "".join(p.read_text() for p in logs).split("\n")[:-1]

    wait_for(lambda: lines()[-1:] == ["line 30000"], "all is written", 60)
    assert lines() == [f"line {i}" for i in range(1, 30001)]
    assert daemon.info("count")["pid"] == count


def test_two_slotds_and_a_ledger_that_nobody_can_read(slotd):
    daemon = slotd(SLEEPER.format("one", ""))
    one = running(daemon, "one")
    killed(daemon)
    done = subprocess.run([str(SLOTD), "-n", "-c", str(daemon.config)], cwd=daemon.dir,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and f"(pid {daemon.pid})" in done.stderr
    assert daemon.info("one")["pid"] == one


def test_a_start_that_fails_leaves_everything_for_the_next(slotd, ports):
    daemon = slotd(SLEEPER.format("one", ""))
    one = running(daemon, "one")
    daemon.kill()
    config = daemon.config.read_text()
    daemon.config.write_text(config + f"[inet_http_server]\nport=192.0.2.1:{ports.one()}\n")
    daemon.start(wait=False)
    assert daemon.process.wait(60) == 2
    assert procs.alive(one) and (daemon.dir / "run/keep.sock").exists()
    daemon.config.write_text(config)
    next_slotd(daemon)
    assert daemon.info("one")["pid"] == one


def test_no_second_copy_whenever_it_is_killed_in_a_burst_of_starts(slotd):
    n = 60
    daemon = slotd("[program:many]\ncommand=sleep 4321\nstartsecs=0\nnumprocs=%d\n"
                   "process_name=%%(process_num)d\n" % n, start=False)
    for pause in (0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3):
        daemon.start(wait=False)
        daemon.wait_log(f"supervisord started with pid {daemon.pid}")
        time.sleep(pause)
        daemon.kill()
    next_slotd(daemon)
    wait_for(lambda: all(i["statename"] == "RUNNING"
                         for i in daemon.rpc.supervisor.getAllProcessInfo()), "all run", 60)
    assert len(copies([b"sleep", b"4321"])) == n
    assert sorted(pids(daemon).values()) == sorted(copies([b"sleep", b"4321"]))


def test_an_event_listener_is_renewed(slotd):
    daemon = slotd(SLEEPER.format("one", "")
                   + "[eventlistener:ear]\nevents=PROCESS_STATE\nstartsecs=0\n"
                   "command=/bin/sh -c 'while :; do echo READY; read x; done'\n")
    one, ear = running(daemon, "one"), running(daemon, "ear")
    killed(daemon)
    wait_for(lambda: daemon.info("ear")["pid"] not in (0, ear), "it is started again")
    wait_for(lambda: not procs.alive(ear), "once")
    assert daemon.info("one")["pid"] == one


def test_an_fcgi_program_keeps_its_socket(slotd, ports):
    port = ports.one()
    daemon = slotd(f"[fcgi-program:web]\nsocket=tcp://127.0.0.1:{port}\nstartsecs=0\n"
                   "command=sleep 1000\nnumprocs=2\nprocess_name=%(process_num)d\n")
    first, second = running(daemon, "web:0"), running(daemon, "web:1")
    killed(daemon)
    assert sorted(pids(daemon).values()) == sorted([first, second])
    daemon.ctl("restart", "web:0", check=True)
    inodes = {os.stat(f"/proc/{p}/fd/0").st_ino for p in (running(daemon, "web:0"), second)}
    assert len(inodes) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_anybody_may_run_it(slotd):
    """Not only root: the next slotd of the same user takes over."""
    daemon = slotd(SLEEPER.format("one", ""), start=False)
    os.chown(daemon.dir, 54321, 54321)
    os.chown(daemon.dir / "log", 54321, 54321)
    wrap = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    daemon.start(wrap=wrap)
    one = running(daemon, "one")
    daemon.kill()
    daemon.start(wait=False, wrap=wrap)
    daemon.wait_log(f"supervisord started with pid {daemon.pid}")
    daemon.wait_ready()
    assert daemon.info("one")["pid"] == one
    os.kill(one, signal.SIGKILL)
    daemon.wait_log("exited: one (terminated by SIGKILL; not expected)")


def test_a_slotd_that_lives_is_not_taken_over(slotd):
    """It has the same run_dir and another state_dir."""
    daemon = slotd(SLEEPER.format("one", ""))
    one = running(daemon, "one")
    other = daemon.dir / "other.conf"
    other.write_text(daemon.config.read_text().replace("/state", "/other")
                     .replace("slotd.pid", "other.pid"))
    done = subprocess.run([str(SLOTD), "-n", "-c", str(other)], cwd=daemon.dir,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and f"slotd (pid {daemon.pid}) runs with this run_dir" in done.stderr
    assert daemon.info("one")["pid"] == one
    daemon.ctl("restart", "one", check=True)
    assert killed(daemon) and running(daemon, "one")


# ---- services


def relays():
    return {pid: p for pid, p in procs.descendants(os.getpid()).items()
            if p[0] == "slotd-relay" and procs.alive(pid)}


@pytest.mark.plain_only
def test_no_request_is_lost(slotd, ports):
    public, a, b = ports.one(), ports.run(2), ports.run(2)
    daemon = slotd(two_slots("s", f"127.0.0.1:{public}", a, b))
    for port in a:
        running(daemon, f"s-a:s-a_{port}")
    before, there = pids(daemon), set(relays())
    address = ("127.0.0.1", public)
    with Load(address, keep_alive=True, clients=4, rate=50) as kept, \
            Load(address, clients=2, rate=50) as fresh, \
            Load(address, keep_alive=True, clients=2, path="/slow?300") as slow:
        for _ in range(2):
            goes_on(kept, fresh)
            daemon.kill()
            goes_on(kept, fresh)
            next_slotd(daemon)
            goes_on(kept, fresh)
        goes_on(slow, n=4)
    for load in (kept, fresh, slow):
        assert not load.failed() and load.counts()["ok"] > 10, load.counts()
        assert set(load.slots()) == {"a"}
    assert kept.closed == 0
    assert pids(daemon) == before and set(relays()) == there
    assert not history(daemon)


@pytest.mark.plain_only
def test_a_service_can_be_swapped_after_it(slotd, ports):
    public, a, b = ports.one(), ports.run(2), ports.run(2)
    daemon = slotd(two_slots("s", f"127.0.0.1:{public}", a, b))
    for port in a:
        running(daemon, f"s-a:s-a_{port}")
    killed(daemon)
    with Load(("127.0.0.1", public), keep_alive=True, clients=4, rate=50) as load:
        goes_on(load)
        daemon.ctl("swap", "s", check=True)
        goes_on(load)
        killed(daemon)
        goes_on(load)
        daemon.ctl("swap", "s", check=True)
        goes_on(load)
        os.kill(next(iter(relays())), signal.SIGKILL)  # also that of a former slotd
        daemon.wait_log("ended: terminated by SIGKILL; starting it again")
        time.sleep(0.2)
    late = [r for r in load.failed() if r.outcome not in ("reset", "short", "crossed")]
    assert not late, late
    assert len(history(daemon)) == 2
    assert daemon.end() == 0


def test_a_worker_of_a_service_is_replaced_with_its_whole_group(slotd, ports):
    public, a, b = ports.one(), ports.run(1), ports.run(1)
    daemon = slotd(two_slots("s", f"127.0.0.1:{public}", a, b))
    leader = running(daemon, f"s-a:s-a_{a[0]}")
    killed(daemon)
    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: daemon.info(f"s-a:s-a_{a[0]}")["pid"] not in (0, leader), "a successor runs")
    with Load(("127.0.0.1", public), clients=1, rate=20) as load:
        goes_on(load)
    assert not load.failed()


def test_the_next_slotd_may_have_another_file(slotd, ports):
    """An address, a service and workers that are gone are gone at the relays, too."""
    public, other, a, b = ports.one(), ports.one(), ports.run(2), ports.run(2)
    gone, c, d = ports.one(), ports.run(1), ports.run(1)
    one = two_slots("s", f"127.0.0.1:{public}, 127.0.0.1:{other}", a, b)
    daemon = slotd(one + two_slots("t", f"127.0.0.1:{gone}", c, d))
    for port in a:
        running(daemon, f"s-a:s-a_{port}")
    daemon.kill()
    daemon.write_config(two_slots("s", f"127.0.0.1:{public}", a[:1], b))
    with Load(("127.0.0.1", public), clients=2, rate=50) as load:
        goes_on(load)
        next_slotd(daemon)
        goes_on(load)
        wait_for(lambda: len(pids(daemon)) == 3, "the others are gone")
        goes_on(load)
    assert not load.failed()

    def refused(port):
        with Load(("127.0.0.1", port), clients=1, timeout=2) as probe:
            wait_for(lambda: probe.requests, "an answer")
        return probe.requests[0].outcome == "refused"

    wait_for(lambda: refused(other) and refused(gone), "nobody listens there")


# ---- a deploy under way

PHASES = ["prepare", "start", "gate", "flip", "bake", "drain"]


@pytest.mark.parametrize("phase", PHASES)
def test_a_deploy_that_is_under_way_ends_well_or_is_undone(slotd, ports, phase):
    public, a, b = ports.one(), ports.run(2), ports.run(2)
    options = {"prepare": "prepare=sleep 1.5\n", "bake": "bake=3\n",
               "drain": "drain_timeout=5\n"}.get(phase, "")
    slow = {"start": "startsecs=2", "gate": ""}.get(phase, "")
    arguments = "--listen-after 2" if phase == "gate" else ""
    text = two_slots("s", f"127.0.0.1:{public}", a, b, options=options, program="",
                     arguments=arguments)
    if slow:
        text = text.replace("startsecs=0", slow)
    daemon = slotd(text)
    address = ("127.0.0.1", public)
    for port in a:
        running(daemon, f"s-a:s-a_{port}")
    with Load(address, keep_alive=True, clients=3, rate=50) as load, \
            Load(address, keep_alive=True, clients=1,
                 path="/slow?2000" if phase == "drain" else "/") as slow_one:
        goes_on(load)
        client = subprocess.Popen([str(SLOTCTL), "-c", str(daemon.config), "deploy", "s", "r1"],
                                  cwd=daemon.dir, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if phase == "flip":
            daemon.wait_log("deploy #1: swap")
        elif phase == "drain":
            daemon.wait_log("new connections go to slot b, a drains")
        else:
            wait_for(lambda: step(daemon) == phase, f"it is in {phase}")
        killed(daemon)
        client.wait(60)
        goes_on(load)
        wait_for(lambda: len(history(daemon)) == 1, "it is over", 60)
        goes_on(load)
    assert not load.failed() and not slow_one.failed()
    live = daemon.service("s")["live"]
    assert live == ("a" if phase == "prepare" else "b")
    word = load.requests[-1].slot
    assert word == live
    line = history(daemon)[0]
    if phase == "prepare":
        assert '"code":10' in line and "slotd was killed during prepare" in line
    else:
        assert '"code":0' in line, line
    time.sleep(0.3)
    assert len(history(daemon)) == 1
    killed(daemon)
    assert len(history(daemon)) == 1 and daemon.service("s")["live"] == live


def step(daemon):
    jobs = [s.get("job") or {} for s in daemon.status()["services"]]
    found = re.search(r"'step': '(\w+)'", str(jobs) + str(daemon.service("s")))
    return found.group(1) if found else None


@pytest.mark.parametrize("seed", [0, *(pytest.param(i, marks=pytest.mark.long)
                                       for i in (1, 2))])
def test_whenever_it_is_killed_one_slot_is_live_and_each_job_has_one_line(slotd, ports, seed):
    """Deploys one after the other, and slotd is killed at any time, often twice in a row."""
    dice = random.Random(seed)
    public, a, b = ports.one(), ports.run(2), ports.run(2)
    daemon = slotd(two_slots("s", f"127.0.0.1:{public}", a, b,
                             options="bake=0.2\nprepare=sleep 0.05\n"))
    for port in a:
        running(daemon, f"s-a:s-a_{port}")
    begun = 0
    with Load(("127.0.0.1", public), keep_alive=True, clients=3, rate=50) as load:
        goes_on(load)
        for _ in range(8):
            begun = daemon.rpc.slotd.deploy("s", f"r{begun}")
            time.sleep(dice.random() * 1.2)
            daemon.kill()
            daemon.start(wait=False)
            daemon.wait_log(f"supervisord started with pid {daemon.pid}")
            if dice.random() < 0.5:
                time.sleep(dice.random() * 0.1)
                daemon.kill()
                next_slotd(daemon)
            daemon.wait_ready()
            wait_for(lambda: not daemon.service("s").get("job"), "it is over", 60)
        goes_on(load)
        wait_for(lambda: len(history(daemon)) >= begun, "each has its line")
    assert not load.failed(), load.failed()[:3]
    jobs = [json.loads(line)["job"] for line in history(daemon)]
    assert jobs == sorted(set(jobs)) and len(jobs) == begun, (jobs, begun)
    live = daemon.service("s")["live"]
    assert load.requests[-1].slot == live
    assert json.loads(daemon.read("state/state.json"))["services"]["s"]["live"] == live


def test_a_ledger_of_a_newer_slotd_is_refused(slotd):
    daemon = slotd(SLEEPER.format("one", ""))
    one = running(daemon, "one")
    daemon.kill()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as keep:
        keep.connect(str(daemon.dir / "run/keep.sock"))
        keep.send(encode(Message("KEEP_LIST", 1)))
        answer = None
        while not answer or answer.type != "KEEP_END":
            packet, fds, _, _ = socket.recv_fds(keep, 65536, 16)
            answer = decode(packet, fds)
            if answer.type != "KEEP_END" and answer["NAME"] == "ledger":
                version = os.pread(fds[0], 4, 4)
                os.pwrite(fds[0], (99).to_bytes(4, "little"), 4)
                ledger = os.dup(fds[0])
            for fd in fds:
                os.close(fd)
    daemon.start(wait=False)
    assert daemon.process.wait(60) == 2
    assert "was written by a newer slotd" in daemon.stderr()
    assert procs.alive(one)
    os.pwrite(ledger, version, 4)
    os.close(ledger)
    next_slotd(daemon)
    assert daemon.info("one")["pid"] == one
