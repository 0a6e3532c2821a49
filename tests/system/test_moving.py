"""Moving over from a real supervisord, and back."""

import os
import subprocess
import time

import pytest

from harness.apps import two_slots, web_slot
from harness.load import Load, try_once
from harness.mounts import instead, may_mount
from harness.paths import SLOTCTL
from harness.procs import wait_for
from harness.proxy import Proxy
from harness.reference import Supervisord

PROGRAM = "[program:cat]\ncommand=/bin/cat\n"


@pytest.fixture
def supervisord():
    """supervisord(config) starts a real one. Ended after the test."""
    started = []

    def make(config=PROGRAM):
        started.append(Supervisord(config))
        return started[-1].start()

    yield make
    for one in started:
        one.end()


def refused(daemon, *words):
    """It does not start, and says so in one sentence."""
    daemon.expected_status = {2}
    daemon.start(wait=False)
    assert daemon.process.wait(30) == 2
    for word in words:
        assert word in daemon.stderr(), daemon.stderr()


def pidfile_of(other):
    """A supervisord listens some time before it writes that."""
    pidfile = other.dir / "supervisord.pid"
    wait_for(lambda: pidfile.exists() and pidfile.read_text().strip(), "supervisord has a pidfile")
    return pidfile


# ---- two supervisors of the same programs

@pytest.mark.first
@pytest.mark.plain_only  # beside a real supervisord, at its pace
def test_slotd_does_not_start_beside_a_supervisord_with_its_pidfile(slotd, supervisord):
    other = supervisord()
    daemon = slotd(start=False)
    daemon.write_config(f"[supervisord]\npidfile={pidfile_of(other)}\n")
    refused(daemon, f"supervisord (pid {other.process.pid})", "pidfile=")


def test_slotd_does_not_start_beside_a_supervisord_on_its_socket(slotd, supervisord):
    other = supervisord()
    refused(slotd(f"[unix_http_server]\nfile={other.dir}/sock\n", start=False),
            f"supervisord (pid {other.process.pid}) listens on {other.dir}/sock")
    assert other.supervisorctl("status").returncode == 0


def test_a_supervisord_that_became_a_daemon_is_named_by_its_socket(slotd):
    other = Supervisord(PROGRAM)
    subprocess.run(["/usr/bin/python3", "/usr/bin/supervisord", "-c", str(other.config)],
                   cwd=other.dir, check=True, timeout=60, stdin=subprocess.DEVNULL)
    pidfile = pidfile_of(other)
    pid = pidfile.read_text().strip()
    try:
        refused(slotd(f"[unix_http_server]\nfile={other.dir}/sock\n", start=False),
                f"supervisord (pid {pid}) listens on {other.dir}/sock")
    finally:
        assert other.supervisorctl("shutdown").returncode == 0
        wait_for(lambda: not pidfile.exists(), "supervisord ends")
        other.end()


@pytest.mark.first
@pytest.mark.plain_only  # beside a real supervisord, at its pace
def test_slotd_does_not_start_with_the_file_of_a_living_supervisord(slotd, supervisord):
    other = supervisord()
    daemon = slotd(start=False)
    # Another name of the same file, and neither its pid file nor its socket.
    daemon.config.unlink()
    daemon.config.symlink_to(other.config)
    other.config.write_text(
        f"[supervisord]\npidfile={daemon.dir}/slotd.pid\nlogfile={daemon.dir}/slotd.log\n"
        f"[slotd]\nstate_dir={daemon.dir}/state\nrun_dir={daemon.dir}/run\n"
        f"log_dir={daemon.dir}/log\n")
    refused(daemon, f"supervisord (pid {other.process.pid}) is running with this file")


def test_a_supervisord_with_a_file_of_its_own_is_left_alone(slotd, supervisord):
    other = supervisord()
    assert slotd(PROGRAM).info("cat")["name"] == "cat"
    assert other.rpc.supervisor.getState()["statename"] == "RUNNING"


# ---- who looks like one, and is none

STAND_IN = "import sys, time\nprint('up', flush=True)\ntime.sleep(1000)\n"


@pytest.fixture
def stand_in(tmp_path):
    """stand_in(ARG...) runs something with the name and the command line of a supervisord."""
    script, started = tmp_path / "supervisord", []
    script.write_text(STAND_IN)

    def make(*args, **popen):
        started.append(subprocess.Popen(["/usr/bin/python3", str(script), *map(str, args)],
                                        stdout=subprocess.PIPE, text=True, **popen))
        assert started[-1].stdout.readline() == "up\n"
        return started[-1]

    yield make
    for one in started:
        one.kill()
        one.wait(30)
        one.stdout.close()


needs_mounts = pytest.mark.skipif(not may_mount(), reason="no mount namespaces here")


@needs_mounts
def test_a_supervisord_that_sees_other_files_by_our_names_is_none_of_ours(slotd, stand_in):
    """In a container, say: its file, its pid file and its socket have the names of ours."""
    daemon = slotd(PROGRAM, start=False)
    pidfile = daemon.dir / "slotd.pid"
    theirs = daemon.dir / "theirs"
    theirs.write_text("")
    pidfile.write_text("")
    other = stand_in("-c", daemon.config,
                     preexec_fn=instead({daemon.config: theirs, pidfile: theirs}))
    pidfile.write_text(f"{other.pid}\n")
    daemon.start()
    assert daemon.info("cat")["name"] == "cat"


def test_a_supervisord_that_sees_our_file_is_a_rival(slotd, stand_in):
    daemon = slotd(PROGRAM, start=False)
    other = stand_in("-c", daemon.config)
    refused(daemon, f"supervisord (pid {other.pid}) is running with this file")


def test_a_number_in_a_pid_file_may_have_gone_to_another_supervisord(slotd, stand_in, tmp_path):
    daemon = slotd(PROGRAM, start=False)
    other = stand_in("-c", tmp_path / "other.conf")
    pidfile = daemon.dir / "slotd.pid"
    pidfile.write_text(f"{other.pid}\n")
    long_ago = time.time() - 3600
    os.utime(pidfile, (long_ago, long_ago))
    daemon.start()
    assert daemon.info("cat")["name"] == "cat"
    daemon.end()
    pidfile.write_text(f"{other.pid}\n")
    refused(daemon, f"supervisord (pid {other.pid}) is running with pidfile=")


# ---- import-check

ODD = """
[rpcinterface:twiddler]
supervisor.rpcinterface_factory=twiddler.rpcinterface:make
[ctlplugin:cache]
supervisor.ctl_factory=cache:make
[program:web-a]
command=/bin/cat
numproc=2
[program:web-b]
command=/bin/cat
[eventlistener:watch]
command=/bin/cat
events=PROCESS_STATE,PROCESS_STATE_EXITED
[fcgi-program:php]
command=/bin/cat
socket=tcp://php.example:9002
[group:scripts]
programs=php
"""


OF_SUPERVISOR = """
[program:db]
command=/usr/bin/pidproxy /run/db.pid /bin/cat
[program:nightly]
command=/bin/sh -c 'sleep 1d; supervisorctl restart db'
[program:odd]
command=/usr/bin/python3 -u -m supervisor.pidproxy /run/odd.pid /bin/cat
[program:own]
command=/bin/echo my-pidproxy memmonitor
[eventlistener:memory]
command=/usr/bin/python3 /usr/bin/memmon -a 200MB
events=TICK_60
[program:say]
command=/bin/cat
stdout_capture_maxbytes=1KB
stdout_events_enabled=true
[program:console]
command=/bin/cat
stdout_logfile=/dev/fd/1
"""


def import_check(config, status):
    done = subprocess.run([str(SLOTCTL), "import-check", str(config)], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_import_check_names_what_is_different_and_where():
    file = Supervisord(ODD)
    said = import_check(file.config, 1)
    for line in [
            'unknown option "numproc" is ignored; did you mean "numprocs"?',
            "twiddler.rpcinterface:make cannot be resolved within [rpcinterface:twiddler]",
            "[ctlplugin:cache] is a plugin in Python",
            "[fcgi-program:php] has its socket in group scripts, too",
            "[fcgi-program:php] socket=tcp://php.example:9002: slotd needs a numeric host",
            "[eventlistener:watch] subscribes to PROCESS_STATE_EXITED and, by PROCESS_STATE",
            "web-a and web-b could be the slots of a [service:web]"]:
        assert line in said, said
    assert f"{file.config}:{file.config.read_text().splitlines().index('numproc=2') + 1}: " in said
    assert "Would run twice" not in said
    file.end()


def test_import_check_names_what_goes_away_with_supervisor():
    file = Supervisord(OF_SUPERVISOR)
    said = import_check(file.config, 1)
    for line in [
            "program db runs /usr/bin/pidproxy, which goes away with Supervisor; slotd has",
            "program nightly runs supervisorctl, which goes away with Supervisor",
            "program odd runs supervisor.pidproxy, which needs the Python package supervisor",
            "program memory runs /usr/bin/memmon, which needs the Python package supervisor",
            "program say captures",
            "program console logs to a device without *_logfile_maxbytes=0"]:
        assert line in said, said
    assert "program own" not in said
    file.end()


def test_import_check_names_mistakes_that_keep_slotd_from_starting():
    file = Supervisord(PROGRAM + "[program:log]\ncommand=/bin/date +%s\n"
                       "[eventlistener:l]\ncommand=/bin/cat\nevents=TICK_5\n"
                       "redirect_stderr=true\n")
    said = import_check(file.config, 1)
    assert said.index("slotd does not start with this file:") < said.index("will interfere with")
    assert "is badly formatted" in said
    file.end()


def test_import_check_names_what_would_run_twice(supervisord):
    other = supervisord()
    wait_for(lambda: other.rpc.supervisor.getProcessInfo("cat")["pid"], "cat runs")
    said = import_check(other.config, 1)
    name = f"supervisord (pid {other.process.pid})"
    for line in [f"{name} runs with pidfile=", f"{name} runs with this file",
                 f"{name} listens on {other.dir}/sock", "cat: 1 process of it runs already"]:
        assert line in said, said


def test_import_check_has_nothing_to_say_about_a_plain_file():
    file = Supervisord(PROGRAM + "[include]\nfiles=conf.d/*.conf\n")
    assert "Nothing to do" in import_check(file.config, 0)
    file.end()


def test_import_check_of_a_file_that_is_not_there(tmp_path):
    assert "could not find config file" in import_check(tmp_path / "none.conf", 2)


# ---- the way back

def test_leave_names_the_steps_and_what_supervisor_would_ignore(slotd, ports):
    public, a, b = ports.one(), ports.run(2), ports.run(2)
    daemon = slotd(two_slots("payinv", f"127.0.0.1:{public}", a, b))
    wait_for(lambda: try_once(("127.0.0.1", public)), "the service answers")
    daemon.ctl("swap", "payinv", check=True)
    said = daemon.ctl("leave", check=True).stdout
    proxies, _, rest = said.partition("shutdown --force")
    assert all(f"127.0.0.1:{port}\n" in proxies for port in b)
    assert f"127.0.0.1:{a[0]}" not in said
    assert "[rpcinterface:supervisor]" in proxies and "[unix_http_server]" in proxies
    assert f"supervisord -c {daemon.config}" in rest
    assert f"supervisorctl -c {daemon.config} stop payinv-a:*" in rest
    _, _, ignored = said.partition("silently ignore:")
    for text in ("[slotd]", "run_dir=", "[service:payinv]", "slot_a=", "health="):
        assert text in ignored
    assert "command=" not in ignored


# ---- the whole way, under load

class Move:
    """slotd-supervisor(7), "MOVING TO SLOTD" and "MOVING BACK TO SUPERVISOR", step by step."""

    def __init__(self, slotd, supervisord, ports):
        self.make_supervisord = supervisord
        self.ports_a, self.ports_b = ports.run(2), ports.run(2)
        self.public = ports.one()
        self.slot_a, self.slot_b = (web_slot(f"payinv-{slot}", numbers, slot) for slot, numbers
                                    in (("a", self.ports_a), ("b", self.ports_b)))
        self.other = supervisord(self.slot_a + PROGRAM)
        self.wait_listening(self.ports_a)
        self.config = two_slots("payinv", f"127.0.0.1:{self.public}", self.ports_a, self.ports_b,
                                options="live_file=%D%/live\n")
        self.daemon = slotd(self.config, start=False)
        self.proxy = Proxy(self.addresses(self.ports_a))

    @staticmethod
    def addresses(ports):
        return [("127.0.0.1", port) for port in ports]

    def wait_listening(self, ports):
        for address in self.addresses(ports):
            wait_for(lambda a=address: try_once(a), f"{address} answers", 60)

    def point_proxy(self, to, away_from):
        self.proxy.point(self.addresses(to))
        old = self.addresses(away_from)
        wait_for(lambda: self.proxy.open_to(old) == 0, "the old connections end", 60)

    def wait_slot(self, slot, state):
        wait_for(lambda: self.daemon.slot("payinv", slot)["state"] == state,
                 f"slot {slot} is {state}", 60)

    def over(self):
        (self.daemon.dir / "live").write_text("b\n")
        self.daemon.start()
        wait_for(lambda: self.daemon.slot("payinv", "b")["ready"] == 2, "slot b is healthy", 60)
        assert self.daemon.service("payinv")["live"] == "b"
        assert self.daemon.info(f"payinv-a:payinv-a_{self.ports_a[0]}")["statename"] == "STOPPED"
        self.point_proxy([self.public], self.ports_a)
        assert self.other.supervisorctl("stop", "payinv-a:*").returncode == 0
        self.daemon.ctl("swap", "payinv", check=True)
        assert self.other.supervisorctl("stop", "cat").returncode == 0
        self.config += PROGRAM
        self.daemon.write_config(self.config)
        self.daemon.ctl("reload", check=True)
        self.daemon.wait_state("cat", "RUNNING")
        assert self.other.supervisorctl("shutdown").returncode == 0
        self.other.process.wait(60)

    def back(self):
        self.wait_slot("b", 0)  # cold: its ports are free
        back = self.make_supervisord(self.slot_b + PROGRAM.replace("cat]", "cat]\nautostart=false"))
        self.wait_listening(self.ports_b)
        self.point_proxy(self.ports_b, [self.public])
        self.daemon.ctl("stop", "cat", check=True)
        assert back.supervisorctl("start", "cat").returncode == 0
        self.daemon.ctl("shutdown", "--force", check=True)
        assert self.daemon.process.wait(60) == 0


@pytest.mark.first
@pytest.mark.plain_only
def test_moving_over_and_back_under_load_fails_no_request(slotd, supervisord, ports):
    move = Move(slotd, supervisord, ports)
    quick = Load(move.proxy.address, clients=2, rate=25)
    slow = Load(move.proxy.address, clients=2, rate=3, path="/slow?300")
    try:
        wait_for(lambda: quick.answered("a"), "Supervisor's slot answers")
        move.over()
        moved = time.monotonic()
        wait_for(lambda: quick.answered("a", moved), "slotd's slot answers")
        move.back()
        left = time.monotonic()
        wait_for(lambda: quick.answered("b", left), "Supervisor's slot answers again")
    finally:
        quick.stop()
        slow.stop()
        move.proxy.close()
    assert len(quick.requests) > 50 and len(slow.requests) > 5
    assert not quick.failed() and not slow.failed()
