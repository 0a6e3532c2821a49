"""A helper that hangs is found within seconds of there being something to do, and not asked before."""

import http.client
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress

import pytest

from harness.apps import two_slots
from harness.paths import SLOTCTL
from harness.load import once, try_once
from harness.procs import SLOW, children, sleeps, wait_for

TEXT = "[program:talks]\ncommand=/bin/sh -c 'while :; do echo line; sleep 0.2; done'\n" \
       "stdout_logfile=%D%/log/talks\n[slotd]\nrelays=1\n"


def helper(daemon, name):
    return next((pid for pid, comm in children(daemon.pid).items() if comm == f"slotd-{name}"), None)


@pytest.mark.parametrize("name", ["relay", "log", "control", "keep", "probe", "spawn"])
@pytest.mark.plain_only
def test_a_stopped_helper_is_found_and_started_again(slotd, ports, name):
    port = ports.one()
    daemon = slotd(two_slots("s", f"127.0.0.1:{port}", ports.run(1), ports.run(1)) + TEXT)
    address = ("127.0.0.1", port)
    wait_for(lambda: try_once(address), "it serves")
    pid = wait_for(lambda: helper(daemon, name), "it runs")
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    client = socket.create_connection(address, 20)
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_for(lambda: helper(daemon, name) not in (pid, None), "another one runs", 20)
    assert time.monotonic() - began < 6 * SLOW
    daemon.wait_log("ended: it had read nothing for 4 s")
    client.close()
    assert once(address).startswith("a ")
    size = os.path.getsize(daemon.dir / "log/talks")
    wait_for(lambda: os.path.getsize(daemon.dir / "log/talks") > size, "lines are logged")
    assert daemon.rpc.supervisor.getState()["statename"] == "RUNNING"


def test_a_stopped_relay_is_found_by_a_client_that_was_long_connected(slotd, ports):
    port = ports.one()
    text = two_slots("s", f"127.0.0.1:{port}", ports.run(1), ports.run(1)) + "[slotd]\nrelays=1\n"
    daemon = slotd(text.replace("health_interval=1", "health_interval=3600"))
    wait_for(lambda: try_once(("127.0.0.1", port)), "it serves")
    pid = wait_for(lambda: helper(daemon, "relay"), "it runs")
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request("GET", "/")
    assert client.getresponse().read().startswith(b"a ")
    wait_for(lambda: sleeps(daemon.pid, 2.5), "nothing else leads to a look any more")
    os.kill(pid, signal.SIGSTOP)
    client.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_for(lambda: helper(daemon, "relay") not in (pid, None), "another one runs", 20)
    with suppress(ConnectionResetError):
        assert client.sock.recv(100) == b""
    client.close()
    assert once(("127.0.0.1", port)).startswith("a ")


def test_nobody_is_asked_where_nothing_happens(slotd, ports):
    port = ports.one()
    text = two_slots("s", f"127.0.0.1:{port}", ports.run(1), ports.run(1))
    daemon = slotd(text.replace("health_interval=1", "health_interval=3600"))
    wait_for(lambda: try_once(("127.0.0.1", port)), "it serves")
    wait_for(lambda: daemon.slot("s", "a")["ready"] == 1, "its check has passed")
    wait_for(lambda: sleeps(daemon.pid, 2.5), "slotd sleeps", 30)


def ask_status(path):
    return subprocess.Popen([SLOTCTL, "-s", f"unix://{path}", "status"], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.first
@pytest.mark.plain_only
def test_slotctl_says_for_whom_it_waited(tmp_path):
    """A server that never answers, with room for one of the two that ask in its queue."""
    path = str(tmp_path / "s.sock")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as queued:
        server.bind(path)
        server.listen(1)
        queued.connect(path)
        began = time.monotonic()
        asked = [ask_status(path), ask_status(path)]
        try:
            for slotctl in asked:
                _, errors = slotctl.communicate(timeout=120)
                assert 29 < time.monotonic() - began < 60 and slotctl.returncode == 4
                assert f"unix://{path}: no answer to supervisor.getVersion within 30 s" in errors
        finally:
            for slotctl in asked:
                slotctl.kill()
                slotctl.wait()
