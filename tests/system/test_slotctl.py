"""slotctl beside supervisorctl, character by character, and slotctl with services."""

import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import fakectl, procs, supervisorctl
from harness.fakectl import FakeSlotd
from harness.paths import BUILD, SLOTCTL, SLOTD
from harness.procs import wait_for

SUPERVISORCTL = "/usr/bin/supervisorctl"
SUPERVISORD = "/usr/bin/supervisord"


@pytest.fixture
def place():
    """A short private directory: socket paths are bounded."""
    with tempfile.TemporaryDirectory(prefix="ctl.") as path:
        yield Path(path)


def run(*args, env=None, **kwargs):
    words = [str(a) for a in args]
    env = {**os.environ, **(env or {})}
    if words[0] == SUPERVISORCTL:
        return supervisorctl.run(words[1:], cwd=kwargs.pop("cwd", os.getcwd()), env=env, timeout=60,
                                 **kwargs)
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(words, capture_output=True, text=True, timeout=60, env=env, **kwargs)


# ---- beside supervisorctl -----------------------------------------------------------------------

@pytest.mark.parametrize("program, lines", [
    (SLOTD, ["supervisord -- run a set of applications", "-l/--logfile FILENAME -- use FILENAME as"]),
    (SLOTCTL, ["supervisorctl -- control applications", "-i/--interactive -- start an interactive"]),
])
def test_help_has_the_lines_that_supervisors_own_test_looks_for(program, lines):
    text = run(program, "-?").stdout
    assert text == run(program, "-h").stdout
    assert [line for line in lines if line not in text] == []


CONFIG = """\
[supervisord]
logfile={dir}/log
pidfile={dir}/pid
childlogdir={dir}
[unix_http_server]
file={dir}/sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{dir}/sock
[program:cat]
command=/bin/cat
startsecs=0
[program:text]
command=/bin/sh -c 'printf "one\\ntwo \\303\\251\\n"; printf "err <&>\\n" >&2; exec sleep 1000'
stdout_logfile={dir}/text.out
stderr_logfile={dir}/text.err
startsecs=0
[program:missing]
command=/nonexistent/program
autostart=false
[program:noexec]
command=/etc/passwd
autostart=false
[program:quick]
command=/bin/false
autostart=false
startsecs=100
startretries=0
[program:quiet]
command=sleep 1000
stdout_logfile=NONE
stderr_logfile=NONE
autostart=false
[program:many]
command=sleep 1000
numprocs=3
process_name=%(program_name)s_with_a_rather_long_name_%(process_num)02d
startsecs=0
[group:pair]
programs=left,right
[program:left]
command=sleep 1000
startsecs=0
[program:right]
command=sleep 1000
startsecs=0
"""

MORE_PROGRAMS = """\
[program:new]
command=sleep 1000
[program:cat]
command=/bin/cat -u
"""


class Supervisord:
    """A real one, of the distribution's package."""

    def __init__(self, path):
        path.mkdir()
        self.dir = path
        self.config = path / "conf"
        self.socket = path / "sock"
        self.config.write_text(CONFIG.format(dir=path))
        self.process = subprocess.Popen([SUPERVISORD, "-n", "-c", str(self.config)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_up(self):
        def settled():
            return ((self.dir / "log").read_text().count("entered RUNNING state") == 7
                    and "err" in (self.dir / "text.err").read_text())

        wait_for(lambda: (self.dir / "text.err").exists(), "programs start")
        wait_for(settled, "supervisord is up")

    def end(self):
        # its own way takes a second for each group
        programs = procs.descendants(self.process.pid)
        self.process.kill()
        self.process.wait(60)
        procs.kill_all(programs)


@pytest.fixture
def twins(place):
    """Two of the same: one for supervisorctl, one for slotctl."""
    both = [Supervisord(place / name) for name in ("a", "b")]
    try:
        for one in both:
            one.wait_up()
        yield both
    finally:
        for one in both:
            one.end()


def normal(text, twin):
    """Without what differs between two runs of the same."""
    text = text.replace(str(twin.dir), "DIR").replace(SUPERVISORCTL, "CTL")
    text = text.replace(str(SLOTCTL), "CTL")
    text = re.sub(r"pid \d+", "pid N", text)
    text = re.sub(r"uptime \d+:\d\d:\d\d", "uptime U", text)
    text = re.sub(r"[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "TIME", text)
    text = re.sub(r"(?m)^(supervisor> )?\d+$", r"\1N", text)  # pid
    text = re.sub(r": file: \S+ line: \d+", "", text)  # of an exception
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "WHEN", text)


def without_help(text):
    """Up to the usage that follows an error: its wording is free."""
    head, separator, _ = text.partition("Error: ")
    return head + separator + _.partition("\n")[0]


def compare(twins, lines, options=lambda twin: ["-c", twin.config], **kwargs):
    for line in lines:
        words = line if isinstance(line, tuple) else tuple(line.split())
        with ThreadPoolExecutor() as pool:
            theirs = pool.submit(run, SUPERVISORCTL, *options(twins[0]), *words, **kwargs)
            b = run(SLOTCTL, *options(twins[1]), *words, **kwargs)
            a = theirs.result()
        expected, got = normal(a.stdout, twins[0]), normal(b.stdout, twins[1])
        if "Error: " in expected:
            expected, got = without_help(expected), without_help(got)
        if words[0].split()[0:1] in (["stop"], ["restart"], ["start"]):  # as they come to an end
            expected, got = sorted(expected.split("\n")), sorted(got.split("\n"))
        assert (got, b.returncode) == (expected, a.returncode), f"{line}: {b.stderr}"


@pytest.mark.parametrize("lines", [
    ["status", "status all", "status cat", "status nope", "status pair:*", "status nope:*",
     "status cat nope missing pair:left many:*", "status many",
     "pid", "pid all", "pid cat", "pid missing cat nope",
     "signal HUP many:*", "signal 1 missing", "signal NOPE text", "signal NOPE pair:*",
     "signal CONT text nope pair:left", "signal CONT nope:*", "signal CONT all",
     "clear text", "clear nope text", "clear all"],
    ["stop cat", "stop cat", "stop nope", "stop nope:*", "stop pair:*", "stop pair:*",
     "status cat", "start cat", "start cat", "start nope", "start nope:*", "start missing",
     "start noexec", "start quick", "start cat missing pair:*", "status quick missing"],
    ["restart cat", "restart cat nope pair:*", "restart many:*", "restart quick"],
    ["stop all", "stop all", "start all", "restart all", "status"],
], ids=["look", "stop and start", "restart", "all"])
@pytest.mark.plain_only  # beside a real supervisord, at its pace
def test_processes_are_commanded_as_by_supervisorctl(twins, lines):
    compare(twins, lines)


def test_arguments_are_joined_and_split_again(twins):
    compare(twins, [("status cat",), ("signal CONT", "text"), ("tail -3", "text"),
                    ("", "status", "cat"), (" pid cat ",), ("status cat", "text nope")])


@pytest.mark.plain_only  # beside a real supervisord, at its pace
def test_wrong_words_get_supervisorctls_answers(twins):
    compare(twins, [
        "start", "stop", "restart", "signal", "signal HUP", "clear", "tail", "tail -f",
        "tail a b c d", "tail text nochannel", "tail -x text", "tail - text", "maintail x",
        "maintail -x", "maintail a b", "version x", "avail x", "reread x", "shutdown x",
        "nope", "nope cat", "!ls", "*", "help nope", "? nope", "quit", "exit", "EOF", "open nope",
        "open unix:///nonexistent/sock", "open unix:///etc/passwd/sock",
    ])


def test_logs_read_as_by_supervisorctl(twins):
    compare(twins, ["tail text", "tail text stdout", "tail text STDERR", "tail -5 text",
                    "tail -100000 text stderr", "tail quiet", "tail nope", "tail quick stderr",
                    "maintail -0"])


def test_tail_follows_until_ctrl_c(twins):
    for client, twin in zip((SUPERVISORCTL, SLOTCTL), twins):
        process = subprocess.Popen([str(client), "-c", str(twin.config), "tail", "-f", "text"],
                                   stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        seen = b""
        while not seen.endswith(b"\xc3\xa9\n"):
            seen += os.read(process.stdout.fileno(), 4096)
        with open(twin.dir / "text.out", "a") as log:
            log.write("three\n")
        while not seen.endswith(b"three\n"):
            seen += os.read(process.stdout.fileno(), 4096)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        # supervisorctl now and then swallows the interrupt's own newline
        assert (seen + rest).decode().rstrip("\n") == (
            "==> Press Ctrl-C to exit <==\none\ntwo é\nthree"), client
        assert process.returncode == 0, client


def test_a_process_in_the_foreground_gets_what_is_typed(twins):
    process = subprocess.Popen([str(SLOTCTL), "-c", str(twins[1].config), "fg", "cat"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    seen = b""

    def until(text):
        nonlocal seen
        while text not in seen:
            piece = os.read(process.stdout.fileno(), 4096)
            assert piece, seen
            seen += piece

    for line in (b"hello\n", "gr\u00fc\u00df dich\n".encode()):
        process.stdin.write(line)
        process.stdin.flush()
        until(line)
    assert run(SLOTCTL, "-c", twins[1].config, "stop", "cat").returncode == 0
    process.stdin.write(b"anybody?\n")
    process.stdin.flush()
    rest, _ = process.communicate(timeout=30)
    assert seen + rest == ("==> Press Ctrl-C to exit <==\nhello\ngr\u00fc\u00df dich\n"
                           "Process got killed\nExiting foreground\n").encode()
    assert process.returncode == 0


@pytest.mark.plain_only  # beside a real supervisord, at its pace
def test_configuration_changes_are_applied_as_by_supervisorctl(twins):
    compare(twins, ["avail", "reread", "update", "add cat", "add nope", "remove cat",
                    "remove nope", "version"])
    for twin in twins:
        text = twin.config.read_text().replace("[program:quiet]", "[program:louder]")
        twin.config.write_text(text + MORE_PROGRAMS)
    compare(twins, ["reread", "avail", "update nope", "update new", "reread", "update", "reread",
                    "update", "status"])
    for twin in twins:
        twin.config.write_text(twin.config.read_text() + "[program:broken]\n")
    compare(twins, ["reread", "status cat"])


def test_a_dry_update_changes_nothing(twins):
    twin = twins[1]
    text = twin.config.read_text().replace("[program:quiet]", "[program:louder]")
    twin.config.write_text(text + MORE_PROGRAMS)
    done = run(SLOTCTL, "-c", twin.config, "update", "--dry-run")
    assert done.stdout == ("quiet: would be stopped and removed\n"
                           "cat: would be stopped and started with its new settings\n"
                           "louder: would be added\nnew: would be added\n")
    assert run(SUPERVISORCTL, "-c", twin.config, "status", "quiet").returncode == 3


def test_a_shutdown_says_so_and_a_server_that_is_gone_too(twins):
    compare(twins, ["shutdown"])
    for twin in twins:
        twin.process.wait(60)
    compare(twins, ["status", "pid", "start cat", "avail", "shutdown", "version", "update",
                    "tail text"])
    for twin in twins:  # a socket that nobody listens on
        run("/usr/bin/python3", "-c", "import socket, sys\n"
            "socket.socket(socket.AF_UNIX).bind(sys.argv[1])", twin.socket)
    compare(twins, ["status", "pid", "start cat", "avail", "shutdown", "tail text"])


def test_options_are_taken_as_by_supervisorctl(twins):
    compare(twins, ["status cat"], options=lambda t: ["-s", f"unix://{t.socket}"])
    compare(twins, ["status cat"],
            options=lambda t: [f"--serverurl=unix://{t.socket}", "-u", "x", "--password", "y"])
    assert run(SLOTCTL, "-s", "http://127.0.0.1:65536", "status").returncode == 2
    for bad in (["-x"], ["--nope"], ["-s"], ["-s", "nope"], ["-u", "a", "-u", "b"],
                ["-c", "/nonexistent/file"], ["-c", "/dev/null"]):
        a, b = run(SUPERVISORCTL, *bad, "status"), run(SLOTCTL, *bad, "status")
        assert (normal(b.stderr, twins[1]), b.returncode) == (
            normal(a.stderr, twins[0]), a.returncode), bad


def test_a_password_is_asked_for(place, ports):
    for client in (SUPERVISORCTL, SLOTCTL):
        port = ports.one()
        twin = Supervisord.__new__(Supervisord)
        twin.dir = place / Path(client).name
        twin.dir.mkdir()
        twin.config = twin.dir / "conf"
        text = CONFIG.format(dir=twin.dir).replace(
            "[unix_http_server]", f"[inet_http_server]\nport=127.0.0.1:{port}\nusername=ana\n"
            "password=x:y\n[unix_http_server]")
        twin.config.write_text(text)
        twin.process = subprocess.Popen([SUPERVISORD, "-n", "-c", str(twin.config)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            twin.wait_up()
            url = f"http://127.0.0.1:{port}"
            good = run(client, "-s", url, "-u", "ana", "-p", "x:y", "status", "cat")
            bad = run(client, "-s", url, "-u", "ana", "-p", "z", "status", "cat")
        finally:
            twin.end()
        assert good.stdout.startswith("cat  ") and good.returncode == 0, client
        assert bad.returncode == 1, client
        assert bad.stdout.startswith(
            "Server requires authentication\nerror: <class 'xmlrpc.client.ProtocolError'>, "
            "<ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>: file: "), client


def test_a_shell_that_is_piped_into_answers_as_supervisorctls(twins):
    for lines in ("status cat\npid cat\n\nnope\nquit\npid\n", "stop cat\nstart cat\n",
                  "shutdown\nn\nstatus cat\nexit\n"):
        a, b = (subprocess.run([str(client), "-c", str(twin.config)], input=lines, text=True,
                               capture_output=True, timeout=60)
                for client, twin in zip((SUPERVISORCTL, SLOTCTL), twins))
        assert (normal(b.stdout, twins[1]), b.returncode) == (normal(a.stdout, twins[0]), 0)


@pytest.mark.plain_only
def test_help_lists_supervisorctls_commands(twins):
    theirs = run(SUPERVISORCTL, "-c", twins[0].config, "help").stdout.split()
    ours = run(SLOTCTL, "-c", twins[1].config, "help").stdout.split()
    assert set(theirs) <= set(ours)
    for command in theirs[8:]:
        shown = run(SLOTCTL, "-c", twins[1].config, "help", command)
        assert shown.stdout.startswith(command) and shown.returncode == 0


def test_a_supervisor_has_no_services(twins):
    done = run(SLOTCTL, "-c", twins[1].config, "slots")
    assert "is a Supervisor: it has no services" in done.stderr and done.returncode == 10
    done = run(SLOTCTL, "-c", twins[1].config, "reload")
    assert "slotctl update does it by groups" in done.stderr and done.returncode == 1
    shown = json.loads(run(SLOTCTL, "-c", twins[1].config, "status", "--json").stdout)
    assert {"cat", "missing"} <= {w["name"] for w in shown["workers"]}


def test_the_whole_of_supervisor_restarts_by_restart_daemon(twins):
    pid = run(SLOTCTL, "-c", twins[1].config, "pid", "cat").stdout
    done = run(SLOTCTL, "-c", twins[1].config, "restart-daemon")
    assert done.stdout == "Restarted supervisord\n" and done.returncode == 0
    wait_for(lambda: run(SLOTCTL, "-c", twins[1].config, "pid", "cat").stdout.strip() not in
             ("", "0", pid.strip()) and run(SLOTCTL, "-c", twins[1].config, "status",
                                            "cat").returncode == 0, "cat is another process")


def commands():
    text = run(SLOTCTL, "help").stdout
    return {word for line in text.splitlines() if "(type help" not in line and "=" not in line
            for word in line.split()}


def test_every_command_is_in_the_manual_and_in_the_completions():
    assert {"status", "deploy"} <= commands()
    manual = (BUILD / "man/slotctl.1").read_text().replace("\\-", "-")
    for command in commands():
        assert re.search(rf"(?m)^\.It Ic {command}( |$)", manual), command
        for file in ("slotctl", "_slotctl", "slotctl.fish"):
            text = (BUILD / "contrib" / file).read_text()
            assert re.search(rf"(?<![\w-]){command}(?![\w-])", text), (file, command)


def test_the_manual_and_the_completions_are_clean():
    """No marker of a template is left, and what has a checker is checked."""
    for file in ("man/slotctl.1", "contrib/slotctl", "contrib/_slotctl", "contrib/slotctl.fish"):
        assert not re.search(r"(?m)^\S+ COMMANDS \w+$", (BUILD / file).read_text()), file
    for checker in (["mandoc", "-T", "lint", "-W", "warning", BUILD / "man/slotctl.1"],
                    ["bash", "-n", BUILD / "contrib/slotctl"],
                    ["zsh", "-n", BUILD / "contrib/_slotctl"],
                    ["fish", "-n", BUILD / "contrib/slotctl.fish"]):
        if shutil.which(checker[0]):
            done = run(*checker)
            assert done.returncode == 0, done.stdout + done.stderr


def test_bash_completes_names_with_colons(place):
    (place / "slotctl").write_text(
        "#!/bin/sh\ncase $* in *status) echo 'web-a:web-a_1  RUNNING'; echo 'cron  RUNNING';; esac\n")
    (place / "slotctl").chmod(0o755)

    def complete(line):
        script = (f"source {BUILD}/contrib/slotctl; COMP_LINE='{line}'; "
                  "COMP_POINT=${#COMP_LINE}; _slotctl; echo ${COMPREPLY[*]@Q}")
        done = run("/bin/bash", "-c", script, env={"PATH": f"{place}:{os.environ['PATH']}"})
        return done.stdout.replace("'", "").split()

    assert complete("slotctl dep") == ["deploy"]
    assert complete("slotctl -s url stop ") == ["cron", "web-a:*", "web-a:web-a_1", "all", "--force"]
    assert complete("slotctl stop web-a:") == ["*", "web-a_1"]


# ---- with services --------------------------------------------------------------------------------


def fault(code, text):
    raise xmlrpc.client.Fault(code, text)


def ctl(server, *args, **kwargs):
    return run(SLOTCTL, "-s", f"unix://{server.path}", *args, **kwargs)


def read_terminal(fd, pid, seen, until=None):
    """Adds to seen until the pattern is in what comes; without one until the terminal closes."""
    come = b""
    deadline = time.monotonic() + 30
    while not (until and re.search(until, come, re.S)):
        if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError(f"not within 30 s: {until or 'its end'}; {bytes(seen)}")
        try:
            data = os.read(fd, 4096)
        except OSError:  # closed with its last process
            return
        come += data
        seen += data


def on_terminal(server, *args, talk=()):
    """What slotctl writes to a terminal, and its exit code. talk: (pattern to wait for, answer)s."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(SLOTCTL, [str(SLOTCTL), "-s", f"unix://{server.path}", *args])
    seen = bytearray()
    with open(fd, "wb", buffering=0) as terminal:
        for until, answer in talk:
            read_terminal(fd, pid, seen, until)
            terminal.write(answer)
        read_terminal(fd, pid, seen)
    return seen.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


WORKERS = [
    fakectl.worker("payinv-b_8100", "payinv-b", service="payinv", slot="b",
                   address="127.0.0.1:8100", healthy=True),
    fakectl.worker("payinv-b_8101", "payinv-b", service="payinv", slot="b",
                   address="127.0.0.1:8101", healthy=True, start=89991, restarts=14,
                   last_exit="exit status 1"),
    fakectl.worker("db-report", state=200, statename="FATAL", pid=0,
                   description="Exited too quickly", note='"could not \x7f[31mconnect"'),
    fakectl.worker("cron"),
]


@pytest.fixture
def serve(place):
    """serve(methods) starts a server with these methods beside slotd.status."""
    servers = []

    def make(methods=None, workers=WORKERS, services=None):
        services = [fakectl.service()] if services is None else services
        server = FakeSlotd(place / f"{len(servers)}.sock", {
            "slotd.status": lambda *one: fakectl.status(workers, services, *one),
            "supervisor.getAllProcessInfo": lambda: workers,
            **(methods or {})})
        servers.append(server.__enter__())
        return server

    yield make
    for server in servers:
        server.__exit__()


def test_a_person_sees_services_and_what_needs_him(serve):
    text, code = on_terminal(serve(), "status")
    assert text == (
        "payinv  LIVE b  4f2c91e  2/2 healthy  23 conn  127.0.0.1:8000"
        "   a: idle, stopped 91ab03d\n"
        "  payinv-b:payinv-b_8101  RUNNING   pid 4188, uptime 0:00:09        "
        "! 14 restarts, last exit status 1\n"
        "db-report                 FATAL     Exited too quickly              "
        '! "could not ?[31mconnect"\n'
        "cron                      RUNNING   pid 4188, uptime 0:00:09\n"
        "2 things need you: slotctl tail payinv-b:payinv-b_8101 | slotctl tail db-report\n")
    assert code == 3


def test_a_pipe_gets_supervisors_bytes(serve):
    done = ctl(serve(), "status")
    assert done.stdout.splitlines()[0] == (
        "payinv-b:payinv-b_8100           RUNNING   pid 4188, uptime 0:00:09")
    assert done.returncode == 3


def result(group, name, status=80, description="OK"):
    return {"group": group, "name": name, "status": status, "description": description}


FAILURES = [result("web", "web_2", 70, "NOT_RUNNING: web:web_2"),
            result("web", "web_3", 30, "FAILED: <kill>: no")]


@pytest.mark.parametrize("good", [[result("web", "<web> & 1"), result("cron", "cron")],
                                  ["web:<web> & 1", "cron"]], ids=["structs", "names"])
def test_results_are_read_as_any_server_sends_them(serve, good):
    results = [good[0], *FAILURES, good[1]]
    server = serve({"supervisor.stopProcessGroup": lambda group: results,
                    "supervisor.startAllProcesses": lambda: results,
                    "supervisor.reloadConfig": lambda: [[[], [], ["web"]]]})
    done = ctl(server, "stop", "web:*")
    assert done.stdout == ("web:<web> & 1: stopped\nweb:web_2: ERROR (not running)\n"
                           "FAILED: <kill>: no\ncron: stopped\n")
    assert done.returncode == 1
    assert server.headers[-1]["Slotd-Results"] == "brief"
    done = ctl(server, "start", "all")
    assert done.stdout.splitlines()[0] == "web:<web> & 1: started"
    assert done.stdout.splitlines()[-1] == "cron: started"
    assert done.returncode == 1
    done = ctl(server, "update")
    assert done.stdout == "web: stopped\nweb: has problems; not removing\n"
    assert done.returncode == 1
    results[1:-1] = []
    done = ctl(server, "stop", "web:*")
    assert (done.stdout, done.returncode) == ("web:<web> & 1: stopped\ncron: stopped\n", 0)


def test_slots_are_listed(serve):
    services = [fakectl.service(), fakectl.service("shop", "a", slots=[
        fakectl.slot("a", "shop", state=3, release="7c01", total=3, ready=3, active=9, idle=1),
        fakectl.slot("b", "shop", state=4, total=3, ready=3, active=4, idle=212,
                     since=int(time.time()) - 130, deadline=int(time.time()) + 3600)])]
    done = ctl(serve(services=services), "slots")
    lines = done.stdout.splitlines()
    assert lines[0] == ("SERVICE SLOT STATE          RELEASE WORKERS SHARE "
                        "QUEUED/SILENT/ACTIVE/IDLE/PINNED")
    assert lines[1] == "payinv  b    LIVE           4f2c91e 2/2     100%  0/0/18/5/0"
    assert lines[2] == "        a    idle, stopped  91ab03d 0/2       0%  -"
    assert lines[3] == "shop    a    LIVE           7c01    3/3     100%  0/0/9/1/0"
    assert re.match(r"        b    draining 2m1\ds -       3/3       0%  0/0/4/212/0                      "
                    r"ends in (59m\d\ds|1h\S*), or: slotctl drain --now shop$", lines[4])
    assert done.returncode == 0


def test_lists_come_as_json_too(serve):
    server = serve({"supervisor.getPID": lambda: 12,
                    "supervisor.getSupervisorVersion": lambda: "4.2.5",
                    "supervisor.getAllConfigInfo": lambda: [{"name": "x"}],
                    "supervisor.reloadConfig": lambda: [[["a"], [], ["b"]]]})
    assert json.loads(ctl(server, "status", "--json").stdout) == fakectl.status(
        WORKERS, [fakectl.service()])
    named = ctl(server, "status", "--json", "cron")
    assert json.loads(named.stdout) == [WORKERS[3]] and named.returncode == 0
    assert json.loads(ctl(server, "slots", "--json").stdout) == [fakectl.service()]
    assert json.loads(ctl(server, "pid", "--json").stdout) == {"pid": 12}
    assert json.loads(ctl(server, "pid", "all", "--json").stdout)[3] == {
        "group": "cron", "name": "cron", "pid": 4188}
    assert json.loads(ctl(server, "version", "--json").stdout)["supervisor"] == "4.2.5"
    assert json.loads(ctl(server, "avail", "--json").stdout) == [{"name": "x"}]
    assert json.loads(ctl(server, "reread", "--json").stdout) == {
        "added": ["a"], "changed": [], "removed": ["b"]}


class Job:
    """Lines of a job, given one an answer; the last answer is that it is done."""

    def __init__(self, lines, code=0, text=""):
        self.lines, self.code, self.text = lines, code, text
        self.aborted = False

    def follow(self, number, seen):
        lines = [{"seq": i + 1, "step": "gate", "text": line}
                 for i, line in enumerate(self.lines) if i + 1 > seen][:1]
        return {"job": number, "service": "payinv", "kind": "swap", "step": "gate",
                "done": seen + 1 >= len(self.lines), "code": self.code, "text": self.text,
                "seq": lines[-1]["seq"] if lines else seen, "lines": lines}


@pytest.mark.parametrize("command, method", [
    (["swap", "payinv"], ("slotd.swap", "payinv")),
    (["deploy", "payinv"], ("slotd.deploy", "payinv", "")),
    (["deploy", "payinv", "4f2c91e"], ("slotd.deploy", "payinv", "4f2c91e")),
    (["rollback", "payinv"], ("slotd.rollback", "payinv")),
])
@pytest.mark.parametrize("code", [0, 10, 11])
def test_a_job_is_followed_to_its_end(serve, command, method, code):
    job = Job(["#7 payinv: a -> b", "1/2 gate ok", "2/2 swap 0.2 ms"], code, "b is live")
    server = serve({method[0]: lambda *_: 7, "slotd.follow": job.follow})
    done = ctl(server, *command)
    assert done.stdout == "#7 payinv: a -> b\n1/2 gate ok\n2/2 swap 0.2 ms\nb is live\n"
    assert done.returncode == code
    assert method in server.calls


def test_a_jobs_end_comes_as_json(serve):
    job = Job(["one", "two"], 10, "nothing changed")
    done = ctl(serve({"slotd.swap": lambda _: 7, "slotd.follow": job.follow}), "swap", "payinv",
               "--json")
    result = json.loads(done.stdout)
    assert result["lines"] == ["one", "two"] and result["text"] == "nothing changed"
    assert done.returncode == 10


def test_a_busy_service_is_said_or_waited_for(serve):
    free = []

    def swap(_):
        return 8 if free else fault(100, "BUSY: payinv: deploy #7 by ana is in \"gate\"")

    def follow(number, seen):
        if number == 7:
            free.append(True)
        return Job(["done"]).follow(number, min(seen, 1))

    server = serve({"slotd.swap": swap, "slotd.follow": follow},
                   services=[fakectl.service(job=7, step="gate", who="ana")])
    done = ctl(server, "swap", "payinv")
    assert done.returncode == 12 and done.stdout == ""
    assert done.stderr == \
        'slotctl: payinv: deploy #7 by ana is in "gate". Queue: --wait 10m\n'
    done = ctl(server, "swap", "payinv", "--wait", "30s")
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert 'waiting: payinv: deploy #7 by ana is in "gate"\n' in done.stderr


def test_a_wait_is_over_in_time(serve):
    def follow(*_):
        time.sleep(20)  # a job that says nothing
        return Job([]).follow(7, 0)

    server = serve({"slotd.swap": lambda _: fault(100, "BUSY: payinv: a deploy is in \"prepare\""),
                    "slotd.follow": follow},
                   services=[fakectl.service(job=7, step="prepare", who="ana")])
    began = time.monotonic()
    done = ctl(server, "swap", "payinv", "--wait", "200ms")
    assert done.returncode == 12 and "Queue: --wait 10m" in done.stderr
    assert 0.2 <= time.monotonic() - began < 15


def test_a_wrong_name_is_put_right(serve):
    server = serve({"slotd.swap": lambda _: 1})
    done = ctl(server, "deploy", "payinv-b")
    assert done.stderr == ("payinv-b is a slot (the live one), not a service. "
                           "Did you mean: slotctl deploy payinv\n")
    assert done.returncode == 2
    assert ctl(server, "swap", "payinb").stderr == (
        'slotctl: there is no service "payinb". Did you mean: slotctl swap payinv\n')
    assert ctl(server, "swap").returncode == 2
    assert ctl(server, "swap", "payinv", "--nope").returncode == 2
    assert ctl(server, "swap", "payinv", "--wait", "soon").returncode == 2
    assert not [c for c in server.calls if c[0] == "slotd.swap"]
    wrong = ctl(server, "stauts")
    assert wrong.stdout == "*** Unknown syntax: stauts\n" and wrong.returncode == 1
    assert wrong.stderr == "slotctl: did you mean: slotctl status\n"


def test_what_cannot_be_sent_is_a_wrong_argument(serve):
    server = serve()
    for word in (os.fsdecode(b"r\xff"), "r\x1b[31m"):
        done = ctl(server, "deploy", "payinv", word)
        assert done.returncode == 2 and "an argument is not UTF-8" in done.stderr
    assert not [c for c in server.calls if c[0] == "slotd.deploy"]


def test_a_refusal_changes_nothing(serve):
    server = serve({"slotd.swap": lambda _: fault(102, "REFUSED: the slot is empty")})
    done = ctl(server, "swap", "payinv")
    assert (done.returncode, done.stderr) == (10, "slotctl: the slot is empty\n")


def test_ctrl_c_aborts_before_the_flip(serve):
    aborted = []

    def follow(number, seen):
        wait_for(lambda: aborted or seen == 0, "abort")
        return {"job": number, "service": "payinv", "kind": "swap", "step": "gate",
                "done": bool(aborted), "code": 10, "text": "aborted by ana", "seq": 1,
                "lines": [{"seq": 1, "step": "gate", "text": "gate ..."}] if not seen else []}

    server = serve({"slotd.swap": lambda _: 7, "slotd.follow": follow,
                    "slotd.abort": lambda name: aborted.append(name) or True})
    process = subprocess.Popen([str(SLOTCTL), "-s", f"unix://{server.path}", "swap", "payinv"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "gate ...\n"
    wait_for(lambda: ("slotd.follow", 7, 1) in server.calls, "it waits for the next line")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("aborted by ana\n", "", 10)
    assert aborted == ["payinv"]


def test_a_lost_connection_leaves_the_outcome_unknown(serve):
    server = serve({"slotd.swap": lambda _: 7,
                    "slotd.follow": lambda *_: fault(10, "BAD_NAME: no such job")})
    done = ctl(server, "swap", "payinv")
    assert done.returncode == 13
    assert done.stderr == ("slotctl: no such job. #7 continues by itself. To follow it: "
                           "slotctl attach payinv\n")


def test_a_live_slot_is_not_stopped_by_accident(serve):
    stopped = []
    server = serve({"supervisor.stopProcess": lambda name: stopped.append(name) or True,
                    "supervisor.stopProcessGroup": lambda name: stopped.append(name) or [],
                    "supervisor.startProcessGroup": lambda name: [],
                    "supervisor.stopAllProcesses": lambda: stopped.append("all") or [],
                    "supervisor.shutdown": lambda: stopped.append("slotd") or True})
    for words in (["stop", "payinv-b:*"], ["stop", "all"], ["restart", "payinv-b:payinv-b_8101"],
                  ["shutdown"]):
        done = ctl(server, *words)
        assert done.returncode == 1 and "serves now" in done.stderr and not stopped, words
    assert ctl(server, "stop", "cron").stdout == "cron: stopped\n"
    assert ctl(server, "stop", "payinv-b:*", "--force").returncode == 0
    assert ctl(server, "restart", "payinv-a:*").returncode == 0
    assert stopped == ["cron", "payinv-b", "payinv-a"]
    text, _ = on_terminal(server, "stop", "all", talk=[(rb"y/N\? ", b"n\n")])
    assert "payinv (slot b of it) serves now. Really stop it? y/N? " in text
    assert stopped == ["cron", "payinv-b", "payinv-a"]
    on_terminal(server, "stop", "all", talk=[(rb"y/N\? ", b"y\n")])
    assert stopped[-1] == "all"


def test_the_shell_completes_and_remembers(place, serve):
    server = serve({"supervisor.getPID": lambda: 4711, "slotd.swap": lambda _: 7,
                    "slotd.follow": Job(["one", "swapped"]).follow})
    history = place / "history"
    text, code = on_terminal(server, "-r", str(history), talk=[
        (b"> ", b"swa\tpay\t\n"), (b"Really swap", b"y\n"), (b"swapped.*> ", b"pid\n"),
        (b"4711.*> ", b"\x04")])
    assert ("slotd.swap", "payinv") in server.calls and code == 0
    assert history.read_text() == "swap payinv \npid\n"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    text, code = on_terminal(server, "-r", str(history), talk=[
        (b"> ", b"\x1b[A\n"), (b"4711.*> ", b"\x03")])
    assert "4711" in text and code == 0


def test_a_reload_says_what_it_did(serve):
    server = serve({"slotd.reload": lambda: {
        "added": ["new"], "changed": ["cron"], "removed": [], "restarted": ["cron"],
        "messages": ["payinv-b: changed, at the next deploy"]}})
    assert ctl(server, "reload").stdout == (
        "cron: changed\nnew: added\ncron: restarted\npayinv-b: changed, at the next deploy\n")
    bad = serve({"slotd.reload": lambda: fault(92, "CANT_REREAD: x.conf:3: no such thing")})
    done = ctl(bad, "reload")
    assert (done.returncode, done.stderr) == (1, "slotctl: x.conf:3: no such thing\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_who_may_not_is_told_who_he_is(place, serve):
    server = serve()
    os.chmod(place, 0o755)
    os.chmod(server.path, 0o700)
    done = run("/usr/bin/setpriv", "--reuid=65534", "--clear-groups", SLOTCTL, "-s",
               f"unix://{server.path}", "slots")
    assert done.stderr == (
        f'slotctl: {server.path}: permission denied: you are "nobody", it is root:root 0700. '
        "Use sudo, or allow=deploy:nobody in the [service:...] section.\n")
    assert done.returncode == 10


def test_without_a_slotd_it_says_how_to_start_one(place):
    done = run(SLOTCTL, "-s", f"unix://{place}/none", "swap", "payinv")
    assert done.stderr == (f"slotctl: nothing answers at unix://{place}/none. Is slotd running? "
                           "systemctl status slotd\n")
    assert done.returncode == 10
