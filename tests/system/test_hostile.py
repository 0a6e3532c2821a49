"""Those who mean harm, on a port that anybody reaches: supervision goes on as if nothing were, somebody
with a password is served meanwhile, and slotd-control stays the same process, of bounded size."""

import base64
import contextlib
import os
import signal
import socket
import threading
import time
import xmlrpc.client

import pytest

from harness.daemon import SLOW
from harness.procs import alive, wait_for

CONFIG = """
[inet_http_server]
port=127.0.0.1:%PORT%
username=ana
password={password}
[program:web]
command=/bin/sleep 1000
startsecs=0
autorestart=true
"""
PLAIN = "secret"
CRYPT = "$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00"
PEAK = 160 << 20  # of slotd-control, whatever comes

AUTH = b"Authorization: Basic " + base64.b64encode(b"ana:secret") + b"\r\n"
WRONG = b"Authorization: Basic " + base64.b64encode(b"ana:guess") + b"\r\n"


class Target:
    def __init__(self, daemon, port):
        self.daemon, self.port = daemon, port
        self.control = daemon.helpers("control")[0]
        self.sockets = []

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self.sockets.append(s)
        return s

    def throw(self, data, chunks=1):
        """Sends what is taken; the answer's first bytes."""
        s = self.connect()
        with contextlib.suppress(OSError):
            for _ in range(chunks):
                s.sendall(data)
        with contextlib.suppress(OSError):
            s.shutdown(socket.SHUT_WR)
            return s.recv(4096)
        return b""

    def peak(self):
        with open(f"/proc/{self.control}/status") as f:
            kib = next(line.split()[1] for line in f if line.startswith("VmHWM"))
        return int(kib) * 1024

    def insist(self):
        """A client with a password is answered, and a killed worker comes back at once."""
        rpc = xmlrpc.client.ServerProxy(f"http://ana:secret@127.0.0.1:{self.port}/RPC2")
        began = time.monotonic()
        before = wait_for(lambda: rpc.supervisor.getProcessInfo("web")["pid"], "web runs")
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: rpc.supervisor.getProcessInfo("web")["pid"] not in (0, before),
                 "web is restarted", 10)
        rpc("close")()
        assert time.monotonic() - began < 3 * SLOW
        assert self.daemon.helpers("control") == [self.control]
        assert alive(self.daemon.pid) and self.peak() < PEAK * SLOW


@pytest.fixture
def target(slotd, ports, request):
    port = ports.one()
    password = getattr(request, "param", PLAIN)
    daemon = slotd(CONFIG.format(password=password).replace("%PORT%", str(port)))
    made = Target(daemon, port)
    yield made
    for s in made.sockets:
        s.close()


def post(headers=b"", length=None):
    length = b"" if length is None else b"Content-Length: %d\r\n" % length
    return b"POST /RPC2 HTTP/1.1\r\nHost: x\r\n" + headers + length + b"\r\n"


def test_headers_that_come_byte_by_byte(target):
    """More connections than there may be, each of which sends a byte now and then."""
    slow = [target.connect() for _ in range(400)]
    for byte in post(AUTH, 100)[:40]:
        for s in slow:
            with contextlib.suppress(OSError):
                s.send(bytes([byte]))
    target.insist()


def test_bodies_that_come_byte_by_byte(target):
    slow = [target.connect() for _ in range(300)]
    for s in slow:
        with contextlib.suppress(OSError):
            s.sendall(post(AUTH, 4_000_000) + b"<methodCall>")
    target.insist()


def test_a_body_of_a_gigabyte(target):
    for headers in (AUTH, b"", AUTH + b"Expect: 100-continue\r\n"):
        s = target.connect()
        s.sendall(post(headers, 1 << 30))
        sent = 0
        with pytest.raises(ConnectionError):
            while sent < 1 << 30:
                sent += s.send(b"x" * 100_000)
        assert sent < 50_000_000
    target.insist()


def test_a_body_in_endless_chunks(target):
    for headers in (AUTH, WRONG):
        s = target.connect()
        s.sendall(post(headers + b"Transfer-Encoding: chunked\r\n"))
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                s.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
    target.insist()


def test_many_whole_bodies_at_once(target):
    """Each too long, too deep, of too many values, or a bomb."""
    deep = b"<methodCall><methodName>x</methodName><params><param>" + \
        b"<value><array><data>" * 150_000
    many = b"<methodCall><methodName>x</methodName><params>" + \
        b"<param><value/></param>" * 150_000
    bomb = b"<!DOCTYPE x [" + b"".join(
        b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 10 if i else b"x" * 100)
        for i in range(10)) + b"]><methodCall><methodName>&e9;</methodName></methodCall>"
    bodies = [deep, many, bomb, b" " * 4_000_000, b"<" * 4_000_000]
    threads = [threading.Thread(target=target.throw, args=(post(AUTH, len(b)) + b,))
               for b in bodies * 8]
    for t in threads:
        t.start()
    target.insist()
    for t in threads:
        t.join(60)
    target.insist()


def test_requests_behind_each_other_whose_answers_nobody_reads(target):
    call = (b"<methodCall><methodName>system.listMethods</methodName></methodCall>")
    for _ in range(20):
        s = target.connect()
        s.settimeout(0.5)
        with contextlib.suppress(OSError):
            s.sendall((post(AUTH, len(call)) + call) * 20_000)
    target.insist()


def test_garbage_behind_good_requests(target):
    call = b"<methodCall><methodName>supervisor.getPID</methodName></methodCall>"
    good = post(AUTH, len(call)) + call
    for garbage in (b"\0" * 100_000, b"\r\n" * 100_000, b"GET " * 50_000, os.urandom(1_000_000),
                    b"POST /RPC2 HTTP/1.1\r\n" * 10_000, good[:-5] * 100):
        s = target.connect()
        s.sendall(good + garbage[:1000])
        assert s.recv(12) == b"HTTP/1.1 200"
        with contextlib.suppress(OSError):
            s.sendall(garbage[1000:])
    target.insist()


def test_floods_of_headers(target):
    for data in (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000,
                 b"GET / HTTP/1.1\r\nX: " + b"y" * 10_000_000,
                 b"GET /" + b"a" * 10_000_000, b"GET /?" + b"a=b&" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
                 b"GET / HTTP/1.1\r\n" + b"Cookie: a=b\r\n" * 3000 + b"\r\n",
                 b"GET / HTTP/1.1\r\nAuthorization: Basic " + b"QUFB" * 7000 + b"\r\n\r\n",
                 b"GET / HTTP/1.1\r\nAuthorization: Basic " + base64.b64encode(b"u" * 9000 + b":p")
                 + b"\r\n\r\n"):
        assert not target.throw(data).startswith(b"HTTP/1.1 200")
    target.insist()


@pytest.mark.parametrize("target", [CRYPT], indirect=True)
def test_guessing_against_a_slow_hash(target):
    """Who has the password already is served at once; guesses are limited before they cost time."""
    target.insist()

    def guess():
        for _ in range(50):
            answer = target.throw(b"GET /ok.html HTTP/1.1\r\nHost: x\r\n" + WRONG + b"\r\n")
            assert answer[9:12] in (b"401", b"503")

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for t in threads:
        t.start()
    target.insist()
    for t in threads:
        t.join(60)


def test_only_published_methods_are_there(target):
    rpc = xmlrpc.client.ServerProxy(f"http://ana:secret@127.0.0.1:{target.port}/RPC2")
    published = rpc.system.listMethods()
    for name in ("supervisor.__init__", "supervisor._update", "supervisor.supervisord.options.execve",
                 "supervisor.os.system", "system._listMethods", "slotd.__class__", "slotd.", "system",
                 ".", "", "supervisor.getPID.x", "supervisor.getPID\n", " supervisor.getPID",
                 "SUPERVISOR.getPID", "slotd.command", "slotd.statusx", "supervisor.getpid",
                 "supervisor.startProcess\0"):
        assert name not in published
        with pytest.raises((xmlrpc.client.Fault, xmlrpc.client.ProtocolError)) as caught:
            rpc.__getattr__(name)()
        refused = caught.value
        assert getattr(refused, "faultCode", 1) == 1 and getattr(refused, "errcode", 400) == 400
    rpc("close")()
    target.insist()
