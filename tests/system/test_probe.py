"""slotd-probe alone, with the test in slotd's place."""

import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from harness.wire import Helper

TCP, HTTP = 0, 1
PASSED, FAILED = 0, 1
SECOND = 1_000_000


@pytest.fixture
def probe():
    with Helper("probe") as helper:
        yield helper


@contextmanager
def server(answer, family=socket.AF_INET, address=("127.0.0.1", 0)):
    """Answers each connection with bytes; None: says nothing. Yields (address text, requests)."""
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen(300)
    requests, open_connections = [], []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if answer is None:
                open_connections.append(connection)
                continue
            with connection, suppress(ConnectionError):  # the probe may hang up first
                request = connection.recv(65536)
                if request:
                    requests.append(request.decode())
                    connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    name = listener.getsockname()
    text = {
        socket.AF_INET: lambda: "%s:%d" % name[:2],
        socket.AF_INET6: lambda: "[%s]:%d" % name[:2],
        socket.AF_UNIX: lambda: "unix:" + name,
    }[family]()
    try:
        yield text, requests
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in open_connections:
            connection.close()


def http(status, body=""):
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def ask(probe, kind, address, timeout=5 * SECOND, **tags):
    probe.send("PROBE", 7, KIND=kind, ADDRESS=address, TIMEOUT=timeout, **tags)
    result = probe.receive()
    assert (result.type, result.id) == ("PROBE_RESULT", 7)
    return result


@pytest.mark.parametrize("family, address", [
    (socket.AF_INET, ("127.0.0.1", 0)),
    (socket.AF_INET6, ("::1", 0)),
    (socket.AF_UNIX, "x.sock"),
])
def test_http_passes_over_every_kind_of_socket(probe, tmp_path, family, address):
    if family == socket.AF_UNIX:
        address = str(tmp_path / address)
    with server(http(200, "fine"), family, address) as (text, requests):
        result = ask(probe, HTTP, text, PATH="/healthz?a=%20b", HOST="payinv.example",
                     HEADER="X-Check: 1\nX-Empty:")
    assert result["CODE"] == PASSED
    assert result["TEXT"] == "answered 200 to GET /healthz?a=%20b (Host: payinv.example)"
    lines = requests[0].split("\r\n")
    assert lines[0] == "GET /healthz?a=%20b HTTP/1.1"
    assert "Host: payinv.example" in lines and "X-Check: 1" in lines and "X-Empty:" in lines


def test_a_status_that_is_not_expected_fails_and_shows_the_body(probe):
    with server(http(400, "Invalid HTTP_HOST header\nmore")) as (text, _):
        result = ask(probe, HTTP, text, PATH="/healthz")
    assert result["CODE"] == FAILED
    assert result["TEXT"] == (f"answered 400 to GET /healthz (Host: {text})\n"
                              "Invalid HTTP_HOST header -> set health_host=")


def test_redirects_are_not_followed(probe):
    answer = b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with server(answer) as (text, _):
        assert ask(probe, HTTP, text)["TEXT"].startswith("answered 302 ")
        assert ask(probe, HTTP, text, EXPECT="200")["CODE"] == FAILED


def test_a_proxy_in_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    with Helper("probe") as probe, server(http(200)) as (text, _):
        assert ask(probe, HTTP, text)["CODE"] == PASSED


def test_an_endless_body_is_not_read_to_its_end(probe):
    head = b"HTTP/1.1 200 X\r\n\r\n"
    with server(head + b"x" * 1_000_000) as (text, _):
        assert ask(probe, HTTP, text)["CODE"] == PASSED


@pytest.mark.parametrize("answer, words", [
    (b"", "closed the connection without an answer"),
    (b"SSH-2.0-x\r\n", "not HTTP"),
])
def test_what_is_no_answer_fails_and_says_so(probe, answer, words):
    with server(answer) as (text, _):
        result = ask(probe, HTTP, text)
    assert result["CODE"] == FAILED and words in result["TEXT"]


def test_a_silent_worker_fails_after_the_timeout(probe):
    with server(None) as (text, _):
        result = ask(probe, HTTP, text, timeout=SECOND // 5, PATH="/healthz")
    assert result["CODE"] == FAILED
    assert result["TEXT"] == f"did not answer GET /healthz (Host: {text}) within 200 ms"


@pytest.mark.parametrize("kind", [TCP, HTTP])
def test_a_refused_connection_fails(probe, kind):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % bound.getsockname()[1]
        result = ask(probe, kind, address)
    assert (result["CODE"], result["TEXT"]) == (FAILED, f"refused the connection to {address}")


def test_tcp_asks_no_more_than_a_connection(probe, tmp_path):
    with server(None) as (text, _):
        assert ask(probe, TCP, text)["TEXT"] == f"accepted a connection on {text}"
    with server(None, socket.AF_UNIX, str(tmp_path / "x.sock")) as (text, _):
        assert ask(probe, TCP, text)["CODE"] == PASSED
    missing = f"unix:{tmp_path}/none.sock"
    assert ask(probe, TCP, missing)["TEXT"] == f"has not made its socket {missing}"


def test_a_request_that_makes_no_sense_gets_an_answer_too(probe):
    assert ask(probe, 99, "127.0.0.1:1")["CODE"] < 0
    assert ask(probe, TCP, "nonsense")["CODE"] < 0
    assert ask(probe, HTTP, "127.0.0.1:1", PATH="/a\r\nb")["CODE"] < 0


def test_more_checks_than_run_at_once_all_get_their_answer(probe):
    with server(None) as (silent, _):
        for ident in range(1, 601):
            probe.send("PROBE", ident, KIND=HTTP, ADDRESS=silent, TIMEOUT=SECOND // 10)
        answered = {probe.receive().id for _ in range(600)}
    assert answered == set(range(1, 601))


def test_rubbish_on_the_channel_is_passed_over(probe):
    for packet in (b"x", os.urandom(100), b"\xff" * 60000):
        probe.send_raw(packet)
    assert "(1 so far)" in probe.receive().tags["TEXT"]  # and of the others nothing, for a minute
    with server(http(200)) as (text, _):
        assert ask(probe, HTTP, text)["CODE"] == PASSED


LOCAL_PORTS = """
import socket
from harness.wire import Helper
from test_probe import HTTP, TCP, PASSED, ask, http, server

with Helper("probe") as probe, server(http(200), address=("127.0.0.1", 1234)) as (address, _):
    for _ in range(5):
        assert ask(probe, TCP, address)["CODE"] == PASSED
        ask(probe, HTTP, address, PATH="/", EXPECT="200")
    for port in range(50000, 50020):  # in TIME_WAIT, most of them
        with socket.socket() as worker:
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            worker.bind(("127.0.0.1", port))
            worker.listen()
"""


def test_checks_leave_their_local_ports_to_workers(tmp_path):
    """In a network of its own with twenty ports for outgoing connections."""
    script = tmp_path / "inner.py"
    script.write_text(LOCAL_PORTS)
    shell = ("ip link set lo up && echo 50000 50019 > /proc/sys/net/ipv4/ip_local_port_range && "
             f"exec timeout 60 {sys.executable} {script}")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace to be had")
    done = subprocess.run(["unshare", "-n", "sh", "-c", shell], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)}, check=False)
    assert done.returncode == 0, done.stderr
