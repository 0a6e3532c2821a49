"""Workers' lives: states, retries, signals, what they are given, and the ways they misbehave."""

import json
import os
import os
import re
import signal
import threading
import xmlrpc.client
from contextlib import suppress
from pathlib import Path

import pytest

from harness import procs
from harness.apps import APPS, two_slots
from harness.procs import wait_for

WORKER = f"/usr/bin/python3 -I -S {APPS}/worker.py"


def program(name, command, **options):
    lines = [f"[program:{name}]", f"command={command}"]
    options.setdefault("startsecs", 0)
    return "\n".join(lines + [f"{k}={v}" for k, v in options.items()]) + "\n"


def facts(daemon, path="facts"):
    return json.loads(wait_for(lambda: daemon.read(path), f"{path} is written"))


# ---- states

def test_a_program_starts_runs_and_stops(slotd):
    daemon = slotd(program("web", "sleep 1000"))
    info = daemon.wait_state("web", "RUNNING")
    assert procs.alive(info["pid"]) and procs.stat(info["pid"])[0] == "sleep"
    assert daemon.rpc.supervisor.stopProcess("web") is True
    stopped = daemon.info("web")
    assert (stopped["statename"], stopped["pid"]) == ("STOPPED", 0)
    assert not procs.alive(info["pid"])
    assert daemon.rpc.supervisor.startProcess("web") is True
    assert daemon.info("web")["statename"] == "RUNNING"


def test_startsecs_decides_between_starting_and_running(slotd):
    daemon = slotd(program("web", "sleep 1000", startsecs=1))
    assert daemon.info("web")["statename"] in ("STARTING", "RUNNING")
    daemon.wait_state("web", "RUNNING")


def test_a_program_that_fails_early_is_retried_then_fatal(slotd):
    daemon = slotd(program("bad", f"{WORKER} exit_with 3", startsecs=60, startretries=1))
    daemon.wait_state("bad", "BACKOFF", "FATAL")
    info = daemon.wait_state("bad", "FATAL")
    assert "too quickly" in info["spawnerr"]
    assert daemon.worker("bad")["last_exit"] == "exit status 3"


def test_an_expected_end_is_exited_and_not_restarted(slotd):
    daemon = slotd(program("once", f"{WORKER} exit_with 7 0.05", autorestart="unexpected",
                           exitcodes="0,7"))
    info = daemon.wait_state("once", "EXITED")
    assert info["exitstatus"] == 7 and daemon.worker("once")["restarts"] == 0


def test_an_unexpected_end_is_restarted_and_counted(slotd):
    daemon = slotd(program("web", "sleep 1000"))
    before = daemon.wait_state("web", "RUNNING")["pid"]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: daemon.info("web")["pid"] not in (0, before), "it is started again")
    worker = daemon.worker("web")
    assert worker["restarts"] == 1
    assert "SIGKILL" in worker["last_exit"]


@pytest.mark.parametrize("command, words", [
    ("/nonexistent/program", "can't find command '/nonexistent/program'"),
    ("/etc/passwd", "command at '/etc/passwd' is not executable"),
    ("no-such-command", "can't find command 'no-such-command'"),
    ("%D%/no-interpreter", "ENOENT"),
])
def test_a_command_that_cannot_be_run_says_why(slotd, command, words):
    daemon = slotd(program("bad", command, startretries=0, startsecs=1), start=False)
    (daemon.dir / "no-interpreter").write_text("#!/nonexistent/interpreter\n")
    (daemon.dir / "no-interpreter").chmod(0o755)
    daemon.start()
    info = daemon.wait_state("bad", "FATAL", "BACKOFF")
    assert words in info["spawnerr"]


def test_a_failed_set_up_names_its_stage_and_errno(slotd):
    daemon = slotd(program("bad", "sleep 1000", startretries=0, startsecs=1,
                           directory="%D%/missing"))
    info = daemon.wait_state("bad", "FATAL", "BACKOFF")
    assert info["spawnerr"] == f"couldn't chdir to {daemon.dir}/missing: ENOENT"


def test_a_start_is_answered_when_it_is_known_to_have_failed(slotd):
    daemon = slotd(program("bad", f"{WORKER} exit_with 1", autostart="false", startsecs=60,
                           startretries=0))
    with pytest.raises(xmlrpc.client.Fault) as fault:
        daemon.rpc.supervisor.startProcess("bad")
    assert fault.value.faultCode in (40, 50)  # ABNORMAL_TERMINATION, SPAWN_ERROR


# ---- signals

def test_a_program_that_ignores_the_stop_signal_is_killed(slotd):
    daemon = slotd(program("stubborn", f"{WORKER} ignore_term", stopwaitsecs=1))
    wait_for(lambda: "ignoring" in daemon.rpc.supervisor.tailProcessStdoutLog("stubborn", 0, 100)[0],
             "it ignores SIGTERM")
    pid = daemon.info("stubborn")["pid"]
    daemon.rpc.supervisor.stopProcess("stubborn")
    assert not procs.alive(pid) and daemon.info("stubborn")["statename"] == "STOPPED"
    daemon.wait_log("SIGKILL")


def test_stopasgroup_ends_the_children_too(slotd):
    daemon = slotd(program("family", f"{WORKER} family %D%/child", stopasgroup="true",
                           killasgroup="true", stopwaitsecs=1))
    child = int(wait_for(lambda: daemon.read("child"), "the child runs"))
    daemon.rpc.supervisor.stopProcess("family")
    with suppress(ProcessLookupError):  # Supervisor leaves what ignores the signal, so may we
        os.kill(child, signal.SIGKILL)


def test_a_worker_that_left_its_group_is_stopped_all_the_same(slotd):
    daemon = slotd(program("stray", f"{WORKER} other_group", stopasgroup="true",
                           killasgroup="true", stopwaitsecs=1))
    wait_for(lambda: "ignoring" in daemon.rpc.supervisor.tailProcessStdoutLog("stray", 0, 100)[0],
             "it is in another group")
    pid = daemon.info("stray")["pid"]
    assert os.getpgid(pid) != pid
    daemon.rpc.supervisor.stopProcess("stray")
    assert not procs.alive(pid)


def test_a_signal_reaches_the_worker(slotd):
    daemon = slotd(program("web", "sleep 1000", autorestart="false"))
    daemon.wait_state("web", "RUNNING")
    assert daemon.rpc.supervisor.signalProcess("web", "USR1") is True
    daemon.wait_state("web", "EXITED")
    assert "SIGUSR1" in daemon.worker("web")["last_exit"]


# ---- what a worker is given

def test_a_worker_has_three_descriptors_and_nothing_of_slotd(slotd, ports):
    environment = {"NOTIFY_SOCKET": "@none", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1",
                   "LISTEN_FDNAMES": "x", "MARK": "kept"}
    daemon = slotd(two_slots("x", f"127.0.0.1:{ports.one()}", ports.run(1), ports.run(1))
                   + program("web", f"{WORKER} report %D%/facts"), env=environment)
    seen = facts(daemon)
    # One more: the directory of /proc/self/fd while it is listed.
    assert set(seen["fds"]) - {"3"} == {"0", "1", "2"}, seen["fds"]
    assert all(seen["fds"][fd].startswith("pipe:") for fd in "012")
    assert seen["environ"]["MARK"] == "kept"
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDNAMES", "LISTEN_PID",
                "LISTEN_FDS"} & set(seen["environ"])
    assert seen["ppid"] == daemon.pid and seen["pgid"] == seen["pid"]
    assert seen["blocked"] == []


def test_a_worker_gets_its_settings(slotd):
    daemon = slotd(program(
        "web", f"{WORKER} report %D%/facts %(program_name)s-%(process_num)02d %(group_name)s "
               "\"two words\" %(ENV_GREETING)s",
        process_name="%(program_name)s_%(process_num)02d", numprocs=1, numprocs_start=7,
        directory="%D%/log", umask="027", environment='A="1",B="x,y",C=%(process_num)d'),
        env={"GREETING": "hello"})
    seen = facts(daemon)
    assert seen["argv"][3:] == ["web-07", "web", "two words", "hello"]
    assert seen["cwd"] == str(daemon.dir / "log") and seen["umask"] == 0o027
    assert [seen["environ"][k] for k in "ABC"] == ["1", "x,y", "7"]
    assert seen["environ"]["SUPERVISOR_PROCESS_NAME"] == "web_07"
    assert seen["environ"]["SUPERVISOR_GROUP_NAME"] == "web"
    assert seen["environ"]["SUPERVISOR_ENABLED"] == "1"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can change users")
def test_a_worker_runs_as_its_user(slotd):
    daemon = slotd(program("web", f"{WORKER} report %D%/log/facts", user="nobody"), start=False)
    (daemon.dir / "log").chmod(0o777)
    daemon.start()
    seen = facts(daemon, "log/facts")
    assert seen["uid"] == 65534 and 0 not in seen["groups"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can change users")
def test_a_worker_opens_its_own_output_and_input_by_name(slotd):
    """As nobody, too, who may not open root's pipes."""
    shell = "echo out > /dev/stdout; echo err > /dev/stderr; read word < /dev/stdin; echo got $word"
    daemon = slotd(program("web", f"/bin/sh -c '{shell}'", user="nobody", startsecs=0,
                           autorestart="false", stdout_logfile="%D%/log/out",
                           stderr_logfile="%D%/log/err"))
    wait_for(lambda: daemon.read("log/out") == "out\n", "it opens its stdout")
    daemon.rpc.supervisor.sendProcessStdin("web", "hello\n")
    wait_for(lambda: daemon.read("log/out") == "out\ngot hello\n", "it opens its stdin")
    assert daemon.read("log/err") == "err\n"


def test_no_process_of_slotd_needs_more_stack_later(slotd):
    """Where memory is limited, a stack that cannot grow is a SIGSEGV."""
    daemon = slotd(program("web", "sleep 1000"))
    daemon.wait_state("web", "RUNNING")
    for pid in [daemon.pid, *daemon.helpers("log"), *daemon.helpers("control")]:
        status = Path(f"/proc/{pid}/status")
        wait_for(lambda s=status: int(re.search(r"VmStk:\s+(\d+) kB", s.read_text())[1]) >= 512,
                 f"{pid} has its stack")  # it may have begun just now


# ---- order and numbers

def test_priority_orders_start_and_stop(slotd):
    config = "".join(
        program(name, f"sh -c 'echo start {name} >> %D%/order; "
                      f"trap \"echo stop {name} >> %D%/order; exit 0\" TERM; "
                      "while :; do sleep 0.05; done'", priority=priority)
        for name, priority in (("second", 20), ("first", 10), ("third", 30)))
    daemon = slotd(config)
    wait_for(lambda: daemon.read("order").count("start") == 3, "all have started")
    daemon.end()
    stops = [line.split()[1] for line in daemon.read("order").splitlines() if "stop" in line]
    assert stops == ["third", "second", "first"]


@pytest.mark.plain_only
def test_a_thousand_workers_start_and_stop(slotd):
    daemon = slotd(program("many", "sleep 1000", numprocs=1000,
                           process_name="%(program_name)s_%(process_num)04d"))
    def running():
        rows = daemon.rpc.supervisor.getAllProcessInfo()
        return len(rows) == 1000 and all(row["statename"] == "RUNNING" for row in rows)
    wait_for(running, "all run", 60)
    daemon.rpc.supervisor.stopAllProcesses()
    rows = daemon.rpc.supervisor.getAllProcessInfo()
    assert {row["statename"] for row in rows} == {"STOPPED"}
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)


def test_each_of_many_has_its_own_descriptors_and_no_other(slotd):
    daemon = slotd(program("many", "sh -c 'echo %(process_num)d; exec sleep 1000'", numprocs=200,
                           process_name="%(process_num)d", autostart="false",
                           stdout_logfile="%D%/log/%(process_num)d"))
    daemon.rpc.supervisor.startProcessGroup("many")
    for n in range(200):
        wait_for(lambda: daemon.read(f"log/{n}") == f"{n}\n", f"{n} has written its line")
    for row in daemon.rpc.supervisor.getAllProcessInfo():
        assert sorted(os.listdir(f"/proc/{row['pid']}/fd")) == ["0", "1", "2"]


def test_a_stop_of_many_that_are_just_being_started_stops_them_all(slotd):
    daemon = slotd(program("many", "sleep 1000", numprocs=300, autostart="false",
                           process_name="%(program_name)s_%(process_num)03d"))
    starting = threading.Thread(target=daemon.rpc.supervisor.startProcessGroup, args=("many",))
    starting.start()
    daemon.wait_state("many:many_000", "RUNNING")
    daemon.rpc.supervisor.stopProcessGroup("many")
    starting.join()
    rows = daemon.rpc.supervisor.getAllProcessInfo()
    assert {row["statename"] for row in rows} == {"STOPPED"}
    assert "sleep" not in procs.children(daemon.pid).values()


# ---- workers that are hard to manage

def test_misbehaving_workers_disturb_nobody(slotd):
    config = (program("good", "sleep 1000")
              + program("quitter", f"{WORKER} exit_with 255", startsecs=60, startretries=1000)
              + program("mute", f"{WORKER} close_output")
              + program("mumbler", f"{WORKER} no_newline 300000")
              + program("stubborn", f"{WORKER} ignore_term", stopwaitsecs=1)
              + program("forker", "sh -c 'sleep 1000 & exit 0'", autorestart="false"))
    daemon = slotd(config)
    good = daemon.wait_state("good", "RUNNING")["pid"]
    daemon.wait_state("mute", "RUNNING")
    daemon.wait_state("quitter", "BACKOFF")
    daemon.wait_state("forker", "EXITED")
    def mumbled():
        text, size, _ = daemon.rpc.supervisor.tailProcessStdoutLog("mumbler", 0, 10)
        return size >= 300000
    wait_for(mumbled, "output without a newline is written")
    assert daemon.info("good")["pid"] == good
    daemon.end()
    procs.kill_all({pid: row for pid, row in procs.descendants(os.getpid()).items()
                    if row[0] == "sleep"})  # what forker left: its group was not to be killed


@pytest.mark.plain_only  # counts what a hundred of them leave
def test_crash_loopers_pile_nothing_up(slotd):
    """Each start brings pipes and messages: none of them stays. (Ten restarts each come at once.)"""
    n = 100
    daemon = slotd(f"[program:loop]\ncommand=/bin/false\nstartsecs=0\nautorestart=true\nnumprocs={n}\n"
                   "process_name=loop_%(process_num)d\nautostart=false\n")

    def descriptors():
        return len(os.listdir(f"/proc/{daemon.pid}/fd"))

    before = descriptors()
    daemon.ctl("start", "loop:*")

    def restarts():
        return sum(w["restarts"] for w in daemon.status()["workers"])

    wait_for(lambda: restarts() > 11 * n, "they loop, one a second", 60)
    wait_for(lambda: descriptors() < before + 4 * n, "the first rush is over")
    seen, since = [], restarts()
    wait_for(lambda: seen.append(descriptors()) or restarts() > since + 4 * n, "they loop on", 60)
    assert max(seen) < before + 6 * n, max(seen)
    daemon.ctl("stop", "all")
    wait_for(lambda: descriptors() < before + 300, "nothing is left of them")
