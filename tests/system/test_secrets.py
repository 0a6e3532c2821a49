"""Secrets of the configuration are told to workers and to nobody else: planted, then looked for."""

import base64
import http.client
import os
import subprocess
import xmlrpc.client
from pathlib import Path

import pytest

from harness import procs
from harness.apps import two_slots
from harness.paths import SLOTCTL, SLOTD
from harness.procs import wait_for

CANARY = "c4n4ry"
COMMANDS = [["status"], ["status", "--json"], ["slots"], ["slots", "--json"], ["avail"], ["pid"],
            ["version"], ["history"], ["maintail"], ["tail", "x"], ["tail", "x", "stderr"],
            ["reread"], ["update"], ["log-level"], ["help"], ["import-check"], ["leave"],
            ["signal", "HUP", "nope"], ["start", "x"], ["reload"], ["attach", "s"]]
ARGUMENTS = [(), ("x",), ("x", 0, 10000), (0, 10000), ("s",), ("x", True), ("x:x", "nope", "")]
LEFT_OUT = {"supervisor.shutdown", "supervisor.restart", "slotd.restartDaemon"}


def config(ports):
    a, b = ports.run(1), ports.run(1)
    secret = f'TOKEN="{CANARY}"'
    slots = two_slots("s", f"127.0.0.1:{ports.one()}", a, b, program=f"environment={secret}",
                      options="prepare=\n  true\n  test \"$TOKEN\"\n  false\n"
                              f"health_header=Authorization: {CANARY}\n")
    return f"""
[supervisord]
loglevel=trace
environment=ALL="{CANARY}",FROM_OUTSIDE="%(ENV_OUTSIDE)s"
[inet_http_server]
port=127.0.0.1:{ports.one()}
username=ana
password={CANARY}
[unix_http_server]
file=%D%/extra.sock
username=ana
password={CANARY}
[supervisorctl]
username=ana
password={CANARY}
[program:x]
command=sleep 1000
environment=TOKEN="{CANARY}"
serverurl=http://ana:{CANARY}@127.0.0.1:1
[program:failing]
command=false
startretries=1
environment=TOKEN="{CANARY}"
[program:missing]
command=/no/such/program
startretries=0
environment=TOKEN="{CANARY}"
[eventlistener:l]
command=cat
events=PROCESS_STATE,TICK_5
environment=TOKEN="{CANARY}"
{slots}"""


@pytest.fixture
def planted(slotd, ports):
    daemon = slotd(config(ports), env={"OUTSIDE": CANARY})
    daemon.wait_state("x", "RUNNING")
    daemon.wait_state("failing", "FATAL")
    return daemon


def ways_to_ask_by_rpc(daemon):
    """What each method answers, to each kind of arguments."""
    for name in daemon.rpc.system.listMethods():
        for arguments in () if name in LEFT_OUT else ARGUMENTS:
            try:
                yield f"{name}{arguments}", repr(getattr(daemon.rpc, name)(*arguments))
            except xmlrpc.client.Fault as fault:
                yield f"{name}{arguments}", fault.faultString


def get(daemon, path, authorize):
    port = int(daemon.config.read_text().split("port=127.0.0.1:")[1].split()[0])
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    header = {"Authorization": "Basic " + base64.b64encode(f"ana:{CANARY}".encode()).decode()}
    client.request("GET", path, headers=header if authorize else {"Authorization": "Basic eDp5"})
    answer = client.getresponse()
    text = f"{answer.status} {answer.getheaders()} {answer.read(100_000).decode(errors='replace')}"
    client.close()
    return text


def pages(daemon):
    for path in ("/", "/index.html", "/tail.html?processname=x&limit=1000", "/metrics", "/nope",
                 "/index.html?action=restart&processname=nope", "/ok.html"):
        for authorize in (True, False):
            yield f"{path} {authorize}", get(daemon, path, authorize)


def commands(daemon):
    for words in COMMANDS:
        done = daemon.ctl(*words)
        yield " ".join(words), done.stdout + done.stderr
    done = subprocess.run([SLOTD, "-t", "-c", daemon.config], capture_output=True, text=True,
                          env=daemon.env)
    yield "slotd -t", done.stdout + done.stderr
    for words in (["import-check"], ["leave"]):
        done = subprocess.run([SLOTCTL, *words, daemon.config], capture_output=True, text=True,
                              env=daemon.env, stdin=subprocess.DEVNULL)
        yield f"{words} FILE", done.stdout + done.stderr


def files(daemon):
    for path in daemon.dir.rglob("*"):
        if path.is_file() and path != daemon.config:
            yield str(path), path.read_bytes().decode(errors="replace")


def helpers(daemon):
    """Command lines and environments of all that slotd starts but workers."""
    found = {pid: name for pid, name in procs.children(daemon.pid).items()
             if name.startswith("slotd-")}
    assert set(found.values()) >= {"slotd-log", "slotd-control", "slotd-keep", "slotd-spawn",
                                   "slotd-relay", "slotd-probe"}
    for pid, name in found.items():
        for what in ("cmdline", "environ"):
            if what == "cmdline" or os.geteuid() == 0:
                yield f"{what} of {name}", Path(f"/proc/{pid}/{what}").read_text()


def where_it_is(said):
    return [what for what, text in said if CANARY in text
            or base64.b64encode(f"ana:{CANARY}".encode()).decode() in text]


def test_workers_have_them(planted):
    pid = planted.info("x")["pid"]
    seen = Path(f"/proc/{pid}/environ").read_text().split("\0")
    assert {f"TOKEN={CANARY}", f"ALL={CANARY}", f"FROM_OUTSIDE={CANARY}"} <= set(seen)


def test_nobody_is_told(planted):
    deploy = planted.ctl("deploy", "s", CANARY[::-1])
    assert deploy.returncode == 10 and "prepare" in deploy.stdout
    assert where_it_is([("deploy", deploy.stdout + deploy.stderr)]) == []
    assert where_it_is(helpers(planted)) == []
    assert where_it_is(ways_to_ask_by_rpc(planted)) == []
    assert where_it_is(pages(planted)) == []
    assert where_it_is(commands(planted)) == []
    assert where_it_is(files(planted)) == []


@pytest.mark.parametrize("old, new", [
    ("[program:x]\n", "[program:x]\nautostart=maybe\n"),
    (f'serverurl=http://ana:{CANARY}', f'serverurl=http://%(nope)s:{CANARY}'),
    (f'TOKEN="{CANARY}"', f'TOKEN="{CANARY}'),
    (f'TOKEN="{CANARY}"', f'TOKEN="{CANARY}",OTHER {CANARY}'),
    (f'TOKEN="{CANARY}"', f'TOKEN="{CANARY}"{CANARY}'),
    (f'TOKEN="{CANARY}"', f'TOKEN="{CANARY}"?"{CANARY}"'),
    (f'TOKEN="{CANARY}"', f'TOKEN="{CANARY}%(nope)s"'),
    (f'TOKEN="{CANARY}"', f'TOKEN="{CANARY}%"'),
    (f"password={CANARY}", f"password={CANARY}%(nope)s"),
    (f"username=ana\npassword={CANARY}", f"password={CANARY}"),
], ids=str)
def test_a_mistake_beside_one_does_not_tell_it(planted, old, new):
    text = planted.config.read_text()
    assert old in text
    planted.config.write_text(text.replace(old, new))
    done = planted.ctl("-s", f"unix://{planted.socket}", "reload")
    checked = subprocess.run([SLOTD, "-t", "-c", planted.config], capture_output=True, text=True,
                             env=planted.env)
    wait_for(lambda: planted.rpc.supervisor.getState(), "slotd answers")
    assert where_it_is([("reload", done.stdout + done.stderr),
                        ("slotd -t", checked.stdout + checked.stderr)]) == []
    assert where_it_is(files(planted)) == []


def test_control_sockets_are_their_owners_and_a_port_without_password_is_loopbacks(slotd, ports):
    daemon = slotd("[unix_http_server]\nfile=%D%/extra.sock\n[program:x]\ncommand=sleep 1000\n")
    modes = {path.name: path.stat().st_mode & 0o777 for path in
             (daemon.socket, daemon.dir / "extra.sock", daemon.dir / "run/keep.sock")}
    assert modes == {"slotd.sock": 0o600, "extra.sock": 0o700, "keep.sock": 0o600}
    port = ports.one()
    for address in (f"0.0.0.0:{port}", f":{port}", f"[::]:{port}"):
        daemon.write_config(f"[inet_http_server]\nport={address}\n")
        done = subprocess.run([SLOTD, "-t", "-c", daemon.config], capture_output=True, text=True)
        assert done.returncode == 2 and "other machines reach" in done.stderr


@pytest.mark.parametrize("old, new, words", [
    (f"password={CANARY}2", f"password={CANARY}3", "[unix_http_server] has changed"),
    ("chmod=0777", "chmod=0700", "[unix_http_server] has changed"),
    ("file=%D%/extra.sock", "file=%D%/other.sock", "[unix_http_server] was added"),
    ("[unix_http_server]", "[no_such]", "[unix_http_server] was removed"),
], ids=["password", "mode", "address", "section"])
def test_who_changes_who_may_connect_is_told_that_a_reload_does_not(slotd, old, new, words):
    config = ("[program:x]\ncommand=sleep 1000\n[unix_http_server]\nfile=%D%/extra.sock\n"
              f"chmod=0777\nusername=ana\npassword={CANARY}2\n")
    daemon = slotd(config)
    own = ["-s", f"unix://{daemon.socket}"]
    assert "needs a restart" not in daemon.ctl(*own, "reload", check=True).stdout
    daemon.write_config(config.replace(old, new))
    for _ in range(2):
        said = daemon.ctl(*own, "reload", check=True).stdout
        assert words in said and "which needs a restart of slotd" in said and CANARY not in said
        daemon.wait_log(words)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket away")
def test_a_socket_is_taken_back_by_the_next_slotd(slotd):
    config = "[unix_http_server]\nfile=%D%/extra.sock\nchown={}\n[program:x]\ncommand=sleep 9\n"
    daemon = slotd(config.format("nobody"))
    extra = daemon.dir / "extra.sock"
    before = extra.stat()
    assert before.st_uid == 65534
    daemon.write_config(config.replace("chown={}\n", ""))
    daemon.kill()
    daemon.start()
    after = extra.stat()
    assert (after.st_uid, after.st_gid) == (0, os.getegid()) and after.st_ino == before.st_ino
