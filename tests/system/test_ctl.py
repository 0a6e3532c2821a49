"""slotctl and the real supervisorctl against the same slotd."""

import functools
import os
import socket
import xmlrpc.client

import pytest

from harness.daemon import as_json, posted
from harness.procs import wait_for

CONFIG = """
[program:web]
command=sleep 1000
startsecs=0
numprocs=2
process_name=%(program_name)s_%(process_num)d
[program:late]
command=sleep 1000
startsecs=0
autostart=false
[program:talker]
command=sh -c 'echo hello; echo oops >&2; exec sleep 1000'
startsecs=0
[group:pair]
programs=one,two
[program:one]
command=sleep 1000
startsecs=0
[program:two]
command=sleep 1000
startsecs=0
"""


@pytest.fixture
def daemon(slotd):
    daemon = slotd(CONFIG)
    wait_for(lambda: [row["name"] for row in daemon.rpc.supervisor.getAllProcessInfo()
                      if row["statename"] != "RUNNING"] == ["late"], "all but late run")
    return daemon


def both(daemon, *arguments):
    """The same command by supervisorctl and slotctl; its output and status must be the same."""
    theirs, ours = daemon.supervisorctl(*arguments), daemon.ctl(*arguments)
    return (theirs.stdout, theirs.returncode), (ours.stdout, ours.returncode)


@pytest.mark.parametrize("arguments", [
    ("status", "late"), ("status", "nobody"), ("status", "pair:*"), ("pid", "late"),
    ("start", "web:web_0"), ("stop", "late"), ("start", "nobody"), ("signal", "HUP", "late"),
    ("avail",),
])
def test_supervisorctl_and_slotctl_say_the_same(daemon, arguments):
    theirs, ours = both(daemon, *arguments)
    if arguments[0] == "status":  # uptimes move
        assert [line.split()[:2] for line in theirs[0].splitlines()] == \
               [line.split()[:2] for line in ours[0].splitlines()]
        assert theirs[1] == ours[1]
    else:
        assert theirs == ours


MIXED = """
[group:mixed]
programs=good,broken,other
[program:good]
command=sleep 1000
startsecs=0
[program:broken]
command=/nonexistent/program
startretries=0
[program:other]
command=sleep 1000
startsecs=0
[program:single]
command=sleep 1000
startsecs=0
"""


def test_of_several_processes_both_say_the_same_also_of_those_that_fail(slotd):
    daemon = slotd(MIXED)
    states = {"mixed:good": "RUNNING", "mixed:broken": "FATAL", "mixed:other": "RUNNING",
              "single": "RUNNING"}

    def settle():
        daemon.rpc.supervisor.startAllProcesses()
        for name, state in states.items():
            daemon.wait_state(name, state)

    for line, stopped in [("stop mixed:*", False), ("start mixed:*", True), ("restart mixed:*", False),
                          ("signal CONT mixed:*", False), ("stop single:*", False),
                          ("stop all", False), ("start all", True), ("clear all", False)]:
        said = []
        for program in (daemon.supervisorctl, daemon.ctl):
            settle()
            if stopped:
                daemon.rpc.supervisor.stopAllProcesses()
            done = program(*line.split())
            said.append((done.stdout, done.returncode))
        assert said[0] == said[1], line
        assert ("broken: ERROR (no such file)" in said[1][0]) == ("start" in line)
        assert "good: " in said[1][0] or "single: " in said[1][0]


def test_a_call_with_the_header_of_slotctl_gets_names_of_processes_that_succeed(slotd):
    daemon = slotd(MIXED)
    asked = functools.partial(posted, str(daemon.socket))
    brief = {"Slotd-Results": "brief"}
    daemon.wait_state("mixed:broken", "FATAL")
    for headers, good in [({}, lambda name: {"group": "mixed", "name": name, "status": 80,
                                             "description": "OK"}),
                          (brief, lambda name: f"mixed:{name}")]:
        for name in ("mixed:good", "mixed:other"):
            daemon.wait_state(name, "RUNNING")
        assert asked("supervisor.stopProcessGroup", "mixed", **headers) == [
            good("good"), good("other")]
        results = asked("supervisor.startProcessGroup", "mixed", **headers)
        assert [r for r in results if r in (good("good"), good("other"))] == [
            good("good"), good("other")]
        failed, = (r for r in results if r not in (good("good"), good("other")))
        assert (failed["group"], failed["name"], failed["status"]) == ("mixed", "broken", 20)
        assert failed["description"].startswith("NO_FILE: ")
    assert asked("supervisor.stopProcessGroup", "single", **brief) == ["single"]


def test_supervisorctl_works(daemon):
    assert "RUNNING" in daemon.supervisorctl("status", "web:web_0", check=True).stdout
    assert daemon.supervisorctl("start", "late", check=True).stdout == "late: started\n"
    assert daemon.supervisorctl("stop", "late", check=True).stdout == "late: stopped\n"
    assert daemon.supervisorctl("restart", "web:*", check=True).stdout.count("started") == 2
    wait_for(lambda: "hello" in daemon.supervisorctl("tail", "talker").stdout, "tail has it")
    wait_for(lambda: "oops" in daemon.supervisorctl("tail", "talker", "stderr").stdout, "err")
    assert daemon.supervisorctl("pid", check=True).stdout.strip() == str(daemon.pid)
    assert "4." in daemon.supervisorctl("version", check=True).stdout


def test_slotctl_starts_stops_restarts_and_signals(daemon):
    assert daemon.ctl("start", "late", check=True).stdout == "late: started\n"
    before = daemon.info("late")["pid"]
    daemon.ctl("restart", "late", check=True)
    assert daemon.info("late")["pid"] != before
    daemon.ctl("stop", "pair:*", check=True)
    assert daemon.info("pair:one")["statename"] == daemon.info("pair:two")["statename"] == "STOPPED"
    daemon.ctl("start", "all", check=True)
    assert {row["statename"] for row in daemon.rpc.supervisor.getAllProcessInfo()} == {"RUNNING"}


def test_slotctl_tails(daemon):
    wait_for(lambda: "hello" in daemon.ctl("tail", "talker").stdout, "tail has it")
    wait_for(lambda: "oops" in daemon.ctl("tail", "talker", "stderr").stdout, "and stderr")


def test_slotctl_lists_as_json(daemon):
    rows = as_json(daemon.ctl("status", "--json"))
    text = str(rows)
    assert "web_0" in text and "RUNNING" in text


def test_exit_codes_are_supervisorctls(daemon):
    assert daemon.ctl("status").returncode == 3  # late is stopped
    assert daemon.ctl("status", "web:web_0").returncode == 0
    assert daemon.ctl("status", "nobody").returncode == 4


def test_a_changed_file_is_reread_and_applied(daemon):
    before = daemon.info("web:web_0")["pid"]
    daemon.config.write_text(daemon.config.read_text()
                             + "[program:fresh]\ncommand=sleep 1000\nstartsecs=0\n")
    assert daemon.ctl("reread", check=True).stdout == "fresh: available\n"
    daemon.ctl("update", check=True)
    daemon.wait_state("fresh", "RUNNING")
    assert daemon.info("web:web_0")["pid"] == before


def test_reload_changes_what_changed_and_nothing_else(daemon):
    text = daemon.config.read_text()
    before = {n: daemon.info(n)["pid"] for n in ("web:web_0", "web:web_1", "talker")}
    daemon.config.write_text(text.replace("numprocs=2", "numprocs=3").replace(
        "echo hello;", "echo changed;"))
    daemon.ctl("reload", check=True)
    daemon.wait_state("web:web_2", "RUNNING")
    assert daemon.info("web:web_0")["pid"] == before["web:web_0"]
    wait_for(lambda: daemon.info("talker")["pid"] not in (0, before["talker"]), "talker is another")


def test_a_reload_of_a_bad_file_changes_nothing(daemon):
    text = daemon.config.read_text()
    before = [(r["name"], r["pid"]) for r in daemon.rpc.supervisor.getAllProcessInfo()]
    daemon.config.write_text(text.replace("numprocs=2", "numprocs=many\npriority=low"))
    done = daemon.ctl("reload")
    assert done.returncode != 0 and "numprocs" in done.stderr
    assert f"(and 1 more: slotd -t -c {daemon.config})" in done.stderr
    assert [(r["name"], r["pid"]) for r in daemon.rpc.supervisor.getAllProcessInfo()] == before


def test_restart_daemon_starts_afresh(daemon):
    before = daemon.info("web:web_0")["pid"]
    daemon.restart(lambda: daemon.ctl("restart-daemon", check=True))
    wait_for(lambda: daemon.info("web:web_0")["pid"] not in (0, before), "everything is started again")


def test_shutdown_ends_everything(daemon):
    daemon.ctl("shutdown", check=True)
    assert daemon.process.wait(60) == 0


def test_what_is_wrong_is_said_in_a_sentence(daemon):
    nobody = daemon.ctl("-s", "unix:///nonexistent.sock", "status")
    assert nobody.returncode != 0 and "/nonexistent.sock" in nobody.stdout + nobody.stderr
    unknown = daemon.ctl("stauts")
    assert unknown.returncode != 0 and "slotctl status" in unknown.stdout + unknown.stderr


# ---- what comes to the control socket

def throw(path, data, chunks=1):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(path))
        try:
            for _ in range(chunks):
                s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except OSError:
            pass


@pytest.mark.parametrize("data, chunks", [
    (b"\0" * 65536, 160),
    (os.urandom(65536), 160),
    (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" + b"<" * 60000, 100),
    (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + b"<a>" * 100000, 1),
    (b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n", 1),
    (b"POST /RPC2 HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 1),
    (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nno XML at", 1),
], ids=["zeros", "random", "endless body", "deep XML", "long path", "negative length", "no XML"])
def test_garbage_at_the_control_socket_disturbs_nobody(daemon, data, chunks):
    pids = [(r["name"], r["pid"]) for r in daemon.rpc.supervisor.getAllProcessInfo()]
    control = daemon.helpers("control")
    throw(daemon.socket, data, chunks)
    assert [(r["name"], r["pid"]) for r in daemon.rpc.supervisor.getAllProcessInfo()] == pids
    assert daemon.helpers("control") == control, "slotd-control did not survive it"


def test_a_method_that_is_not_there_is_a_fault(daemon):
    with pytest.raises(xmlrpc.client.Fault) as fault:
        daemon.rpc.supervisor.openTheDoor()
    assert fault.value.faultCode == 1


def test_a_wrong_level_is_told_with_those_there_are(daemon):
    done = daemon.ctl("log-level", "loud")
    assert done.returncode == 2 and "use error, warn, info or debug" in done.stderr
    assert daemon.ctl("log-level", "debug", check=True).stdout.startswith("slotd now logs messages of level debug")


def test_help_names_the_flags_of_a_command(daemon):
    assert "--wait DURATION" in daemon.ctl("help", "deploy").stdout
    assert "--force" in daemon.ctl("help", "stop").stdout
