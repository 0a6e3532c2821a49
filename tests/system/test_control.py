"""slotd-control against a slotd played by the test: real supervisorctl, xmlrpc.client, and those
who mean harm."""

import base64
import contextlib
import functools
import html
import http.client
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import xmlrpc.client

import pytest

from harness.daemon import posted
from harness.fakeslotd import FakeSlotd
from harness.paths import SLOTCTL
from harness.procs import stays, wait_for, wakeups


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        if self._connection[0] != host:
            connection = http.client.HTTPConnection("localhost")
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(self.path)
            self._connection = host, connection
        return self._connection[1]


def proxy(fake, url=None):
    """Closed by the fixture."""
    made = xmlrpc.client.ServerProxy(url or "http://localhost",
                                     transport=None if url else UnixTransport(fake.path))
    fake.proxies.append(made)
    return made


@pytest.fixture
def fake(tmp_path, request):
    fake = FakeSlotd(tmp_path, getattr(request, "param", None))
    fake.proxies = []
    fake.listen_unix()
    fake.daemon()
    fake.send("state_group", name="web", priority=999)
    fake.send("state_group", name="cat", priority=999)
    now = int(time.time() * 1e6)
    fake.worker("web_8002", "web", 0, status=0)
    fake.worker("web_8001", "web", 20, pid=11, started=now - 9_000_000)
    out = tmp_path / "cat.log"
    out.write_bytes(b"".join(b"line %d\n" % i for i in range(1000)))
    fake.worker("cat", None, 200, spawnerr="can't find command 'cat'", stdout_path=str(out))
    fake.log("cat", "cat", 0, str(out))
    fake.out = out
    fake.synced()
    yield fake
    if fake.process.poll() is None:
        assert fake.close() == 0
    for made in fake.proxies:
        made("close")()
    fake.channel.close()
    fake.thread.join(10)
    fake.stderr.close()
    assert fake.process.returncode == 0, (tmp_path / "control.err").read_text()


def settle(fake):
    """All state sent so far is known: answers come in order with it."""
    assert proxy(fake).slotd.reopenLogs() is True


def ctl(fake, *words, timeout=20, program="supervisorctl"):
    run = subprocess.run([program, "-s", "unix://" + fake.path, *words],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=timeout)
    return run.stdout, run.returncode


def fault_of(call, *args):
    with pytest.raises(xmlrpc.client.Fault) as caught:
        call(*args)
    return caught.value.faultCode, caught.value.faultString


# ---- real supervisorctl

def test_supervisorctl_status(fake):
    text, code = ctl(fake, "status")
    text = re.sub(r"0:00:\d\d", "0:00:09", text)
    assert text.splitlines() == [
        "cat" + " " * 30 + "FATAL     can't find command 'cat'",
        "web:web_8001" + " " * 21 + "RUNNING   pid 11, uptime 0:00:09",
        "web:web_8002" + " " * 21 + "STOPPED   Not started",
    ]
    assert code == 3


@pytest.mark.plain_only
def test_supervisorctl_start_stop_restart(fake):
    assert ctl(fake, "start", "web:web_8002") == ("web:web_8002: started\n", 0)
    assert ctl(fake, "start", "web:web_8002") == ("web:web_8002: ERROR (already started)\n", 0)
    assert ctl(fake, "stop", "web:*") == ("web:web_8001: stopped\nweb:web_8002: stopped\n", 0)
    assert ctl(fake, "stop", "web:web_8002") == ("web:web_8002: ERROR (not running)\n", 0)
    assert ctl(fake, "restart", "cat") == ("cat: stopped\ncat: started\n", 0)
    assert ctl(fake, "start", "nothing") == ("nothing: ERROR (no such process)\n", 1)
    assert ctl(fake, "start", "none:*")[1] == 2


@pytest.mark.plain_only
def test_supervisorctl_tail(fake):
    text, code = ctl(fake, "tail", "-100", "cat")
    assert code == 0 and text == fake.out.read_text()[-100:] + "\n"
    assert "no log file" in ctl(fake, "tail", "web:web_8001")[0]


def test_supervisorctl_tail_f_follows_a_rotation(fake):
    follower = subprocess.Popen(["supervisorctl", "-s", "unix://" + fake.path, "tail", "-f", "cat"],
                                stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    seen = b""

    def until(mark):
        nonlocal seen
        while mark not in seen:
            piece = os.read(follower.stdout.fileno(), 4096)
            assert piece, seen
            seen += piece

    try:
        until(b"line 999\n")
        with open(fake.out, "ab") as f:
            f.write("gr\u00fcn\n".encode())
        until("gr\u00fcn\n".encode())
        os.rename(fake.out, str(fake.out) + ".1")
        fake.out.write_bytes(b"after the rotation\n")
        until(b"after the rotation\n")
        fake.out.write_bytes(b"cut\n")
        until(b"cut\n")
    finally:
        follower.kill()
        follower.wait()
        follower.stdout.close()


@pytest.mark.plain_only
def test_supervisorctl_reread_and_the_rest(fake):
    def reread(fake, ident, fields):
        fake.send("answer_item", ident, code=0, group="new")
        fake.send("answer_item", ident, code=1, group="web")
        fake.send("answer_item", ident, code=2, group="old")
        fake.send("answer", ident, code=80)

    fake.answers["reread"] = reread
    assert ctl(fake, "reread") == ("new: available\nold: disappeared\nweb: changed\n", 0)
    assert proxy(fake).supervisor.reloadConfig() == [[["new"], ["web"], ["old"]]]
    assert ctl(fake, "pid") == ("777\n", 0)
    assert ctl(fake, "version") == ("4.2.5\n", 0)
    assert ctl(fake, "signal", "HUP", "web:web_8001") == ("web:web_8001: signalled\n", 0)
    assert fake.commands[-1][1]["signal"] == "HUP"
    assert ctl(fake, "clear", "cat") == ("cat: cleared\n", 0)


GOOD = [(80, "web", "<web> & 1", ""), (80, "web", "web", ""), (80, "web", "web_5", "")]
FAILURES = {"start": [(60, "web", "web_2", ""), (50, "web", "web_3", "")],
            "stop": [(70, "web", "web_2", ""), (30, "web", "web_3", "kill: <no>")],
            "signal": [(70, "web", "web_2", ""), (30, "web", "web_3", "kill: <no>")],
            "clear": [(30, "web", "web_2", ""), (30, "web", "web_3", "open: <no>")]}


def mixed(command):
    """Results as slotd gives them: code, group, name, text."""
    return [GOOD[0], *FAILURES[command], *GOOD[1:]]


def answer_with(fake, results):
    """Commands for several processes get these results."""
    def answer_to(command):
        def answer(fake, ident, _):
            for code, group, name, text in results(command):
                fake.send("answer_item", ident, code=code, group=group, name=name, text=text)
            fake.send("answer", ident, code=80)

        return answer

    fake.answers.update({command: answer_to(command) for command in FAILURES})


@pytest.mark.plain_only
@pytest.mark.parametrize("results, n", [
    (mixed, 5), (lambda command: GOOD, 3), (lambda command: FAILURES[command], 2),
    (lambda command: FAILURES[command][:1], 1), (lambda command: [], 0),
], ids=["mixed", "good", "bad", "one", "none"])
def test_slotctl_says_of_several_processes_what_supervisorctl_says(fake, results, n):
    answer_with(fake, results)
    for line in ["start web:*", "start all", "stop web:*", "stop all", "restart web:*", "restart all",
                 "signal HUP web:*", "signal HUP all", "clear all"]:
        ours = ctl(fake, *line.split(), program=str(SLOTCTL))
        assert ours == ctl(fake, *line.split()), line
        assert ours[0].count("\n") == (2 * n if "restart" in line else n)


# ---- the protocol

def test_the_bytes_are_supervisors(fake):
    body = b"<?xml version='1.0'?><methodCall><methodName>supervisor.getPID</methodName></methodCall>"
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(fake.path)
        s.sendall(b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = b""
        while b"</methodResponse>\n" not in answer:
            answer += s.recv(4096)
    head, _, reply = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: text/xml" in head
    assert reply == (b"<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><int>777"
                     b"</int></value>\n</param>\n</params>\n</methodResponse>\n")


def test_results_of_several_processes_are_brief_for_who_asks_for_it(fake):
    asked = functools.partial(posted, fake.path)
    answer_with(fake, mixed)
    words = {30: "FAILED", 50: "SPAWN_ERROR", 60: "ALREADY_STARTED", 70: "NOT_RUNNING"}
    whole = {command: [{"group": group, "name": name, "status": code, "description": (
        "OK" if code == 80 else f"{words[code]}: {text or 'web:' + name}")}
                       for code, group, name, text in mixed(command)] for command in FAILURES}
    brief = {command: ["web:<web> & 1", *results[1:3], "web", "web:web_5"]
             for command, results in whole.items()}
    header = {"Slotd-Results": "brief"}
    for command, *call in [
            ("stop", "supervisor.stopProcessGroup", "web"), ("stop", "supervisor.stopAllProcesses"),
            ("stop", "supervisor.stopProcess", "web:*"),
            ("start", "supervisor.startProcessGroup", "web"),
            ("start", "supervisor.startAllProcesses"),
            ("signal", "supervisor.signalProcessGroup", "web", "HUP"),
            ("clear", "supervisor.clearAllProcessLogs")]:
        assert asked(*call) == whole[command]
        assert asked(*call, **header) == brief[command]
    for other in [{"Slotd-Results": "BRIEF"}, {"Slotd-Results": "brief, more"},
                  {"Slotd-Results": ""}, {"X-Slotd-Results": "brief"}]:
        assert asked("supervisor.stopAllProcesses", **other) == whole["stop"]
    assert asked("supervisor.stopAllProcesses", **{"slotd-results": "brief"}) == brief["stop"]
    calls = [{"methodName": "supervisor.stopProcessGroup", "params": ["web"]},
             {"methodName": "supervisor.getPID"}, {"methodName": "supervisor.startAllProcesses"}]
    assert asked("system.multicall", calls) == [whole["stop"], 777, whole["start"]]
    assert asked("system.multicall", calls, **header) == [brief["stop"], 777, brief["start"]]


def test_a_list_of_processes_is_short(fake):
    rpc = proxy(fake)
    whole = rpc.supervisor.getAllProcessInfo()
    short = rpc.slotd.processes()
    assert [p["statename"] for p in short] == ["FATAL", "RUNNING", "STOPPED"]
    assert [set(p) for p in short] == [
        {"name", "group", "state", "statename", "description"}] * 3
    assert [{k: w[k] for k in s} for w, s in zip(whole, short)] == short


def test_faults(fake):
    rpc = proxy(fake)
    assert fault_of(rpc.supervisor.nothing) == (1, "UNKNOWN_METHOD")
    assert fault_of(rpc.supervisor.getPID, 1) == (2, "INCORRECT_PARAMETERS")
    assert fault_of(rpc.supervisor.startProcess, 5) == (2, "INCORRECT_PARAMETERS")
    assert fault_of(rpc.supervisor.getProcessInfo, "x") == (10, "BAD_NAME: x")
    assert fault_of(rpc.supervisor.getProcessInfo, "web:*") == (10, "BAD_NAME: web:*")
    assert fault_of(rpc.supervisor.readProcessStdoutLog, "cat", -1, 1)[0] == 3
    assert fault_of(rpc.supervisor.readProcessStdoutLog, "web:web_8001", 0, 0) == (20, "NO_FILE")
    assert rpc.supervisor.tailProcessStdoutLog("web:web_8001", 0, 10) == ["", 0, False]
    fake.daemon(state=-1)
    wait_for(lambda: rpc.slotd.status()["daemon"]["statename"] == "SHUTDOWN", "the new state")
    assert fault_of(rpc.supervisor.getState) == (6, "SHUTDOWN_STATE")


def test_multicall_runs_in_order_and_waits(fake):
    rpc = proxy(fake)
    waiting = []
    fake.answers["start"] = lambda fake, ident, fields: waiting.append(ident)
    result = []
    calls = [{"methodName": "supervisor.getPID"},
             {"methodName": "supervisor.startProcess", "params": ["cat"]},
             {"methodName": "supervisor.stopProcess", "params": ["cat"]},
             {"methodName": "system.multicall", "params": [[]]},
             {"params": []}]
    thread = threading.Thread(target=lambda: result.append(rpc.system.multicall(calls)))
    thread.start()
    fake.wait_for(lambda: waiting)
    assert [name for name, _ in fake.commands] == ["start"]
    fake.worker("cat", None, 20, pid=5)
    fake.send("answer", waiting[0], code=80)
    thread.join(10)
    assert result == [[777, True, True,
                       {"faultCode": 2, "faultString":
                        "INCORRECT_PARAMETERS: Recursive system.multicall forbidden"},
                       {"faultCode": 2, "faultString": "INCORRECT_PARAMETERS: No methodName"}]]


def test_the_methods_describe_themselves(fake):
    rpc = proxy(fake)
    methods = rpc.system.listMethods()
    assert methods == sorted(methods) and "supervisor.startProcess" in methods
    for method in methods:
        assert rpc.system.methodHelp(method)
        assert rpc.system.methodSignature(method)
    assert rpc.system.methodSignature("supervisor.startProcess") == ["boolean", "string", "boolean"]
    assert fault_of(rpc.system.methodHelp, "x")[0] == 4


def test_logs_are_cut_between_characters(fake):
    rpc = proxy(fake)
    fake.out.write_bytes("aäöü\x1b[31m&<>\r\n".encode() + b"\xff\x00z")
    text = rpc.supervisor.readProcessStdoutLog("cat", 0, 2)
    assert text == "aä"
    assert rpc.supervisor.readProcessStdoutLog("cat", 2, 2) == "ö"
    assert rpc.supervisor.readProcessStdoutLog("cat", 0, 0) == "aäöü\ufffd[31m&<>\r\n\ufffd\ufffdz"
    assert rpc.supervisor.readProcessStdoutLog("cat", -1, 0) == "z"
    size = fake.out.stat().st_size
    assert rpc.supervisor.tailProcessStdoutLog("cat", 0, 1) == ["z", size, True]
    assert rpc.supervisor.tailProcessStdoutLog("cat", 0, 0) == ["", size, True]
    assert rpc.supervisor.tailProcessStdoutLog("cat", size, 100) == ["", size, False]


def test_stdin_is_sent_whole(fake):
    rpc = proxy(fake)
    text = "äb" * 50000
    assert rpc.supervisor.sendProcessStdin("cat", text) is True
    assert b"".join(f["bytes"] for n, f in fake.commands if n == "stdin").decode() == text
    assert rpc.supervisor.sendRemoteCommEvent("kind", 5) is True
    assert fake.commands[-1][1]["bytes"] == b"5"


def test_who_asks_is_passed_on(fake):
    rpc = proxy(fake)
    rpc.supervisor.stopProcess("web:web_8001")
    fields = fake.commands[-1][1]
    assert (fields["uid"], fields["pid"], fields["index"]) == (os.getuid(), os.getpid(), 0)
    assert "who" not in fields
    port = fake.listen_inet(username="ana", password="secret")
    tcp = proxy(fake, "http://ana:secret@127.0.0.1:%d" % port)
    tcp.supervisor.startProcess("web:web_8001")
    fields = fake.commands[-1][1]
    assert fields["who"] == "ana" and fields["index"] == 1 and "uid" not in fields


def test_passwords(fake):
    sha = "{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"  # secret
    crypted = "$6$salt$" + subprocess.run(
        ["perl", "-e", "print crypt('secret', '$6$salt$')"], capture_output=True,
        text=True).stdout.split("$")[3]
    for index, password in enumerate(["secret", sha, crypted], 5):
        port = fake.listen_inet(index=index, username="ana", password=password)
        for pair, status in [("ana:secret", 200), ("ana:wrong", 401), ("eve:secret", 401),
                             (None, 401), ("nocolon", 400)]:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            headers = {}
            if pair:
                headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
            connection.request("POST", "/RPC2", "<methodCall><methodName>system.listMethods"
                               "</methodName></methodCall>", headers)
            answer = connection.getresponse()
            assert answer.status == status, (password, pair)
            if status == 401:
                assert answer.headers["WWW-Authenticate"] == 'Basic realm="default"'
            connection.close()


def test_a_client_that_leaves_is_reported(fake):
    fake.answers["start"] = "never"
    body = (b"<methodCall><methodName>supervisor.startProcess</methodName><params><param><value>"
            b"cat</value></param></params></methodCall>")
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(fake.path)
        s.sendall(b"POST /RPC2 HTTP/1.1\r\nContent-Length: %d\r\nHost: x\r\n\r\n" % len(body) + body)
        fake.wait_for(lambda: fake.commands)
    fake.wait_for(lambda: fake.gone)
    assert proxy(fake).supervisor.getPID() == 777


def test_another_slotd_takes_over(fake):
    fake.answers["start"] = "never"
    result = []

    def start():
        result.append(fault_of(proxy(fake).supervisor.startProcess, "cat"))

    thread = threading.Thread(target=start)
    thread.start()
    fake.wait_for(lambda: fake.commands)
    fake.daemon(pid=888)
    fake.worker("web_8001", "web", 20, pid=11)
    fake.synced()
    thread.join(10)
    settle(fake)
    assert result[0][0] == 30 and "restarted" in result[0][1]
    assert [p["name"] for p in proxy(fake).supervisor.getAllProcessInfo()] == ["web_8001"]


def test_jobs_are_followed(fake):
    rpc = proxy(fake)
    fake.answers["deploy"] = lambda fake, ident, fields: fake.send("answer", ident, code=80, job=7)
    fake.answers["swap"] = lambda fake, ident, fields: fake.send(
        "answer", ident, code=100, text="payinv: deploy #7 is in gate")
    assert rpc.slotd.deploy("payinv", "4f2c91e") == 7
    assert fault_of(rpc.slotd.swap, "payinv") == (100, "BUSY: payinv: deploy #7 is in gate")
    fake.send("job", job=7, service="payinv", kind=1, step=1)
    fake.send("job", job=7, service="payinv", kind=1, step=0, done=1, code=10, text="gate failed")
    done = rpc.slotd.follow(7, 0)  # it has no log
    assert (done["done"], done["code"], done["text"], done["lines"]) == (True, 10, "gate failed", [])


def test_whoever_follows_a_job_is_told_at_once_that_slotd_has_died(fake):
    fake.send("job", job=7, service="payinv", kind=1, step=1)
    fake.send("job", job=8, service="chat", kind=1, step=0, done=1)
    rpc = proxy(fake)
    assert rpc.slotd.follow(8, 0)["alive"]
    waiting = Later(lambda: proxy(fake).slotd.follow(7, 0))
    fake.wait_for(lambda: [name for name, _ in fake.commands].count("attach") > 1)
    began = time.monotonic()
    fake.channel.shutdown(socket.SHUT_RDWR)
    told = waiting.result()
    assert time.monotonic() - began < 10  # nothing is said of a quiet job for 25 s
    assert (told["alive"], told["done"], told["lines"]) == (False, False, [])
    assert not rpc.slotd.follow(7, 0)["alive"]
    fake.process.kill()
    fake.process.wait()
    fake.process.returncode = 0


class JobLog:
    """The log of job 7, which slotd-log writes and rotates, and what slotd says of the job."""

    def __init__(self, fake, tmp_path):
        self.fake, self.path = fake, tmp_path / "payinv-7.log"
        self.older = tmp_path / "payinv-7.log.1"
        self.place = 0
        fake.answers["attach"] = self.give
        self.state()

    def state(self, **fields):
        self.fake.send("job", job=7, service="payinv", kind=1, **{"step": 1, **fields})

    def give(self, fake, ident, fields):
        assert (fields["service"], fields["job"]) == ("payinv", 7)
        path = self.older if fields["backups"] else self.path
        if not path.exists():
            fake.send("answer", ident, code=20, path=str(path))
            return
        with open(path, "rb") as f:
            fake.send("answer", ident, fds=[f.fileno()], code=80, path=str(path))

    def write(self, text):
        with open(self.path, "a") as f:
            f.write(text)

    def rotate(self):
        self.path.rename(self.older)

    def follow(self, place=None):
        """What comes after a place, by default after what came before."""
        got = proxy(self.fake).slotd.follow(7, self.place if place is None else place)
        self.place = got["seq"]
        return got

    def lines(self, place=None):
        return [line["text"] for line in self.follow(place)["lines"]]


@pytest.fixture
def job(fake, tmp_path):
    return JobLog(fake, tmp_path)


class Later:
    """Calls a function in a thread; result() waits for it."""

    def __init__(self, function):
        self.got = []
        self.thread = threading.Thread(target=lambda: self.got.append(function()))
        self.thread.start()

    def result(self):
        self.thread.join(20)
        return self.got[0]


def test_the_log_of_a_job_is_followed_to_its_end(job):
    job.write("#7 payinv: a -> b\n             | git pull\n")
    assert job.lines() == ["#7 payinv: a -> b", "             | git pull"]
    waiting = Later(job.lines)
    job.write("half a li")
    assert stays(lambda: not waiting.got, 0.6)
    job.write("ne\nthe next")
    assert waiting.result() == ["half a line"]
    assert job.lines(0) == ["#7 payinv: a -> b", "             | git pull", "half a line"]
    waiting = Later(job.follow)
    job.state(step=0, done=1, code=10, text="gate failed")
    last = waiting.result()
    assert [line["text"] for line in last["lines"]] == ["the next"]
    for done in last, job.follow():
        assert (done["done"], done["code"], done["text"]) == (True, 10, "gate failed")


def test_a_follower_of_a_job_goes_on_where_it_was_in_another_slotd_control(job, tmp_path):
    job.write("".join(f"{i}\n" for i in range(1200)))
    assert job.lines() + job.lines() == [str(i) for i in range(1000)]
    (tmp_path / "another").mkdir()
    job.fake = FakeSlotd(tmp_path / "another")
    job.fake.proxies = []
    job.fake.listen_unix()
    job.fake.daemon()
    job.fake.synced()
    job.fake.answers["attach"] = job.give
    job.state(done=1)
    assert job.lines() == [str(i) for i in range(1000, 1200)]
    assert job.follow()["done"]
    assert job.lines(0)[:2] == ["0", "1"]
    assert job.fake.close() == 0
    for made in job.fake.proxies:
        made("close")()
    job.fake.channel.close()
    job.fake.thread.join(10)
    job.fake.stderr.close()


def test_the_log_of_a_job_that_comes_late_is_read_from_what_was_rotated_away(job):
    waiting = Later(job.lines)
    job.fake.wait_for(lambda: [c for c in job.fake.commands if c[0] == "attach"][1:])
    job.older.write_text("one\n")
    job.write("two\n")
    assert waiting.result() == ["one"]
    assert job.lines() == ["two"]


def test_the_log_of_a_job_is_followed_through_a_rotation(job):
    job.write("one\ntwo\n")
    assert job.lines() == ["one", "two"]
    job.write("three\n")
    job.rotate()
    job.write("four\n")
    assert job.lines() == ["three"]
    assert job.lines() == ["four"]
    assert job.lines(0) + job.lines() == ["one", "two", "three", "four"]
    job.write("five\n")
    job.state(done=1)
    job.older.unlink()
    job.rotate()
    assert job.lines() == ["five"]
    assert job.follow()["done"]


def test_whoever_wants_no_lines_of_a_job_waits_for_its_end(job):
    job.write("one\n")
    waiting = Later(lambda: job.follow(-1))
    assert stays(lambda: not waiting.got, 0.3)
    job.state(done=1, code=0, text="b is live.")
    done = waiting.result()
    assert done["done"] and done["lines"] == []
    assert not [c for c in job.fake.commands if c[0] == "attach"]


START_CAT = (b"<methodCall><methodName>supervisor.startProcess</methodName><params><param><value>"
             b"cat</value></param></params></methodCall>")


# ---- those who mean harm

def raw(fake, data, timeout=10):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(fake.path)
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        try:
            while piece := s.recv(65536):
                answer += piece
        except OSError:
            pass
        return answer


def post(body):
    return b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(
        body) + body


def alive(fake):
    return proxy(fake).supervisor.getPID() == 777


@pytest.mark.parametrize("data,status", [
    (random.Random(7).randbytes(10_000_000), None),
    (b"A" * 10_000_000, None),
    (b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n", None),
    (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000 + b"\r\n", None),
    (post(b"\n" * 10_000_000), 413),
    (post(b"\n" * 3_000_000), 400),
    (post(b"<a>" * 100_000), 400),
    (post(b"<methodCall><methodName>x</methodName><params><param>"
          + b"<value><array><data>" * 50_000), 400),
    (post(b"<!DOCTYPE a [<!ENTITY b 'c'>]><methodCall><methodName>&b;</methodName></methodCall>"), 400),
    (post(b"<methodCall><methodName>" + b"x" * 3_000_000 + b"</methodName></methodCall>"), 400),
    (post(b"<methodCall><methodName>x</methodName><params>"
          + b"<param><value/></param>" * 30_000 + b"</params></methodCall>"), 400),
    (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", 411),
    (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
    (b"GET /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
    (b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
], ids=["noise", "no line end", "long header", "many headers", "long body", "blanks", "deep tags",
        "deep arrays", "doctype", "long method", "many values", "chunked", "negative length",
        "get rpc", "no page"])
def test_garbage_harms_nobody(fake, data, status):
    answer = raw(fake, data)
    if status:
        assert answer.startswith(b"HTTP/1.1 %d" % status), answer[:200]
    assert alive(fake)


def test_mangled_requests_harm_nobody(fake):
    """Good requests with some bytes changed, left out or doubled: what comes first over HTTP."""
    dice = random.Random(11)
    good = [post(START_CAT), b"GET /logtail/cat HTTP/1.0\r\n\r\n",
            b"GET /?action=stop&processname=web%3Aweb_8001 HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Basic YW5hOnNlY3JldA==\r\nConnection: close\r\n\r\n",
            b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue"
            b"\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"]
    open_ones = []
    for _ in range(2000):
        data = bytearray(dice.choice(good))
        for _ in range(dice.randrange(1, 6)):
            at = dice.randrange(len(data))
            data[at:at + dice.choice([0, 1, 1, 8])] = dice.choice(
                [b"", b"\0", b"\xff", b"%", b"\r\n", bytes([dice.randrange(256)]),
                 bytes(data[at:at + 40])])
        s = socket.socket(socket.AF_UNIX)
        s.connect(fake.path)
        try:
            s.sendall(data)
        except OSError:
            pass
        open_ones.append(s)
        if len(open_ones) > 20:
            open_ones.pop(0).close()
    for s in open_ones:
        s.close()
    assert alive(fake)


@pytest.mark.plain_only
def test_many_at_once(fake):
    results = []

    def client():
        rpc = proxy(fake)
        for _ in range(20):
            results.append(len(rpc.supervisor.getAllProcessInfo()))

    threads = [threading.Thread(target=client) for _ in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert results == [3] * 1000


def connected(fake, data=b""):
    s = socket.socket(socket.AF_UNIX)
    s.connect(fake.path)
    s.sendall(data)
    return s


def test_silent_connections_do_not_keep_others_out(fake):
    silent = []
    try:
        for _ in range(600):
            silent.append(connected(fake, b"POST /RPC2 HTTP/1.1\r\nHost: "))
        assert alive(fake)
    finally:
        for s in silent:
            s.close()
    assert alive(fake)


def test_the_oldest_without_a_request_is_closed_only_if_it_has_sent_none(fake):
    fake.answers["start"] = "never"
    with contextlib.ExitStack() as opened:
        def client(data=b""):
            return opened.enter_context(connected(fake, data))

        for _ in range(249):  # of 250
            client(post(START_CAT))
        fake.wait_for(lambda: len(fake.commands) == 249)
        last = client()
        for _ in range(20):
            os.kill(fake.process.pid, signal.SIGSTOP)
            last.sendall(b"GET /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n")
            newer = client()
            os.kill(fake.process.pid, signal.SIGCONT)
            assert last.recv(100).startswith(b"HTTP/1.1 ")
            last.close()
            last = newer


def test_a_client_that_waits_for_room_comes_in_when_a_request_is_answered(fake):
    asked = []
    fake.answers["start"] = lambda _, ident, fields: asked.append(ident)
    with contextlib.ExitStack() as opened:
        for _ in range(250):
            opened.enter_context(connected(fake, post(START_CAT).replace(b"close", b"keep-alive")))
        fake.wait_for(lambda: len(asked) == 250)
        waiting = opened.enter_context(connected(fake, b"GET /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n"))
        waiting.settimeout(0.2)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        fake.send("answer", asked[0], code=80)
        waiting.settimeout(30)
        assert waiting.recv(100).startswith(b"HTTP/1.1 ")


def test_it_survives_the_end_of_slotd(fake):
    fake.channel.shutdown(socket.SHUT_RDWR)
    rpc = proxy(fake)
    assert rpc.supervisor.getPID() == 777
    assert fault_of(rpc.supervisor.startProcess, "cat") == (30, "FAILED: slotd is not running")
    assert rpc.supervisor.getState() == {"statecode": 2, "statename": "FATAL"}
    fake.process.kill()
    fake.process.wait()
    fake.process.returncode = 0


def test_status_of_a_thousand_is_whole(fake):
    for i in range(1000):
        fake.worker("w%04d" % i, "many", 20, pid=1000 + i, started=int(time.time() * 1e6))
    rpc = proxy(fake)
    settle(fake)
    assert len(rpc.supervisor.getAllProcessInfo()) == 1003
    body = post(b"<methodCall><methodName>supervisor.getAllProcessInfo</methodName></methodCall>")
    assert raw(fake, body).endswith(b"</methodResponse>\n")


@pytest.mark.plain_only
def test_waiting_costs_no_cpu(fake):
    """Parked requests, one with a second request behind it, and followers of a quiet log."""
    fake.answers["start"] = "never"
    clients = []
    for request in [post(START_CAT), post(START_CAT) * 2,
                    b"GET /logtail/cat HTTP/1.1\r\nHost: x\r\n\r\n\r\n"]:
        s = socket.socket(socket.AF_UNIX)
        s.connect(fake.path)
        s.sendall(request)
        clients.append(s)
    seen = b""
    while b"line 999" not in seen:
        seen += clients[2].recv(65536)
    fake.wait_for(lambda: [n for n, _ in fake.commands] .count("start") == 2)
    before, began = wakeups(fake.process.pid), time.monotonic()
    time.sleep(2)
    woken = wakeups(fake.process.pid) - before  # a follower looks four times a second
    assert woken <= 5 * (time.monotonic() - began) + 2
    for s in clients:
        s.close()
    fake.wait_for(lambda: len(fake.gone) >= 2)  # a follower may just have asked, too


@pytest.mark.parametrize("fake", [40], indirect=True)
def test_it_lives_with_few_descriptors(fake):
    silent = []
    for _ in range(100):
        s = socket.socket(socket.AF_UNIX)
        s.connect(fake.path)
        silent.append(s)
    assert alive(fake)
    for s in silent:
        s.close()
    assert alive(fake)


@pytest.mark.plain_only
def test_slow_readers_are_bounded(fake):
    """Each asks for megabytes and reads nothing."""
    fake.out.write_bytes(b"x" * 4_190_000)  # 32 of them fill the bound almost exactly
    body = (b"<methodCall><methodName>supervisor.readProcessLog</methodName><params><param><value>"
            b"cat</value></param><param><value><int>0</int></value></param><param><value><int>0"
            b"</int></value></param></params></methodCall>")
    readers = []
    for _ in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.connect(fake.path)
        s.sendall(post(body))
        readers.append(s)
    fake.wait_for(lambda: len(fake.commands) == 40, 60)
    assert alive(fake)
    assert fake.resident_bytes() < 300_000_000
    for s in readers:
        s.close()
    assert alive(fake)


@pytest.mark.long
def test_a_request_that_never_ends_is_cut_off(fake):
    began = time.monotonic()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(fake.path)
        s.settimeout(1)
        data = iter(b"POST /RPC2 HTTP/1.1\r\nHost: " + b"x" * 1000)
        try:
            while time.monotonic() - began < 60:
                s.send(bytes([next(data)]))
                try:
                    if not s.recv(100):
                        break
                except TimeoutError:
                    pass
        except OSError:
            pass
    assert 15 < time.monotonic() - began < 30


def test_http_as_others_speak_it(fake):
    pid = (b"<methodCall><methodName>supervisor.getPID</methodName></methodCall>")
    one = raw(fake, b"POST /RPC2 HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(pid) + pid)
    assert one.startswith(b"HTTP/1.") and b"<int>777</int>" in one
    blank = raw(fake, b"\r\n\r\nPOST /RPC2/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                b"content-length: %d\r\n\r\n" % len(pid) + pid)
    assert b"<int>777</int>" in blank
    assert raw(fake, b"GET http://x/ok.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
               ).endswith(b"OK")
    two = raw(fake, (b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(pid)
                     + pid) * 2)
    assert two.count(b"<int>777</int>") == 2
    assert raw(fake, b"DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(
        b"HTTP/1.1 400")
    assert raw(fake, b"GET /logtail/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
               ).startswith(b"HTTP/1.1 404")
    assert raw(fake, b"GET /logtail/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
               ).startswith(b"HTTP/1.1 404")
    assert raw(fake, b"GET /logtail/cat/stdin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
               ).startswith(b"HTTP/1.1 404")


def test_the_log_of_slotd_itself(fake, tmp_path):
    own = tmp_path / "slotd.log"
    own.write_text("one\ntwo\n")
    fake.log("", "", 0, str(own))
    assert proxy(fake).supervisor.readLog(-4, 0) == "two\n"
    assert ctl(fake, "maintail") == ("one\ntwo\n\n", 0)
    assert proxy(fake).supervisor.clearLog() is True
    assert fake.commands[-1][0] == "clear" and "name" not in fake.commands[-1][1]


def test_configuration_is_listed(fake):
    fake.send("state_config", name="cat", group="cat",
              json='{"autostart": true, "exitcodes": [0, 2], "directory": "none", "inuse": false,'
                   ' "startsecs": 1}')
    settle(fake)
    info = proxy(fake).supervisor.getAllConfigInfo()
    assert info == [{"autostart": True, "exitcodes": [0, 2], "directory": "none", "inuse": True,
                     "startsecs": 1}]


# ---- the web page

def get(fake, path, **headers):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(fake.path)
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer, body


def test_the_page_shows_and_acts(fake):
    fake.worker("<b>", "cat", 100, started=1, stopped=2)
    settle(fake)
    answer, body = get(fake, "/")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/html;charset=utf-8"
    assert answer.headers["Pragma"] == "no-cache"
    assert "<b>" not in body and "cat:&lt;b&gt;" in body
    assert "?action=stop&amp;processname=web%3Aweb_8001" in body
    assert "?action=start&amp;processname=web%3Aweb_8002" in body
    assert "?action=start&amp;processname=web%3Aweb_8001" not in body
    assert get(fake, "/?message=%3Cscript%3E")[1].count("&lt;script&gt;") == 1
    for query, message in [
            ("action=start&processname=web:web_8002", "Process%20web%3Aweb_8002%20started"),
            ("action=start&processname=web:web_8002",
             "ERROR%3A%20Process%20web%3Aweb_8002%3A%20already%20started"),
            ("action=restart&processname=web:web_8002", "Process%20web%3Aweb_8002%20restarted"),
            ("action=stop&processname=none", "No%20such%20process%20named%20none"),
            ("action=clearlog&processname=cat", "Log%20for%20cat%20cleared"),
            ("action=refresh", "Page%20refreshed%20at%20"),
            ("action=stopall", "All%20stopped%20at%20"),
            ("action=restartall", "All%20restarted%20at%20")]:
        answer, _ = get(fake, "/?" + query)
        assert answer.status == 303
        assert answer.headers["Location"].startswith("?message=" + message), query
    assert get(fake, "/index.html?action=none")[0].status == 400
    assert get(fake, "/ok.html")[1] == "OK"


def test_other_sites_cannot_act(fake):
    path = "/?action=stop&processname=web:web_8001"
    assert get(fake, path, Origin="http://evil.example")[0].status == 403
    assert get(fake, path, Origin="null")[0].status == 403
    assert get(fake, path, Referer="http://localhost.evil.example/")[0].status == 403
    assert get(fake, path, Sec_Fetch_Site="cross-site")[0].status == 403
    assert not fake.commands
    assert get(fake, path, Referer="http://localhost/")[0].status == 303
    assert [name for name, _ in fake.commands] == ["stop"]


def test_a_browser_behind_a_proxy_can_act(fake):
    """The proxy shows the page as https://ops.example/supervisor/ and sends its own Host."""
    path, ours = "/?action=stop&processname=web:web_8001", "https://ops.example/supervisor/"
    assert get(fake, path, Referer=ours, Sec_Fetch_Site="same-origin")[0].status == 303
    assert get(fake, path, Referer=ours, X_Forwarded_Host="ops.example")[0].status == 303
    assert get(fake, path, Referer=ours, X_Forwarded_Host="a.example, ops.example")[0].status == 303
    assert len(fake.commands) == 3
    for headers in [{"Referer": ours}, {"Referer": ours, "Sec_Fetch_Site": "same-site"},
                    {"Referer": "https://evil.example/", "X_Forwarded_Host": "ops.example"},
                    {"Referer": "https://evil.example/", "X_Forwarded_Host": "ops.example",
                     "Sec_Fetch_Site": "cross-site"}]:
        assert get(fake, path, **headers)[0].status == 403, headers
    assert len(fake.commands) == 3


def test_no_link_leaves_the_path_at_which_a_proxy_shows_the_page(fake):
    settle(fake)
    pages = [get(fake, "/")[1], get(fake, "/tail.html?processname=web:web_8001")[1]]
    links = [urllib.parse.urljoin("https://ops.example/supervisor/", html.unescape(link))
             for page in pages for link in re.findall(r'href="([^"]*)"', page)]
    assert len(links) > 10
    assert all(link.startswith("https://ops.example/supervisor/") for link in links), links
    assert {urllib.parse.urlsplit(link).path for link in links} >= {
        "/supervisor/", "/supervisor/tail.html", "/supervisor/logtail/web%3Aweb_8001/stdout"}
    location = get(fake, "/?action=refresh")[0].headers["Location"]
    assert urllib.parse.urljoin("https://ops.example/supervisor/?action=refresh",
                                location).startswith("https://ops.example/supervisor/?message=")


def test_the_page_shows_the_end_of_a_log(fake):
    fake.out.write_text("x" * 3000 + "<i>&end\n")
    _, body = get(fake, "/tail.html?processname=cat")
    assert "x&lt;i&gt;&amp;end\n</pre>" in body and body.count("x" * 1000) == 1
    assert "x" * 2000 in get(fake, "/tail.html?processname=cat&limit=2500")[1]
    assert "No file for web:web_8001" in get(fake, "/tail.html?processname=web:web_8001")[1]
    assert "[10] BAD_NAME: none" in get(fake, "/tail.html?processname=none")[1]
    assert "No process name found" in get(fake, "/tail.html")[1]
