"""What slotd says to systemd and takes from it, with the test in systemd's place."""

import itertools
import os
import resource
import signal
import socket
import subprocess
import time
import xmlrpc.client
from pathlib import Path

import pytest

from harness.apps import two_slots
from harness.load import once, try_once
from harness.paths import SLOTD
from harness.procs import wait_for


class Notify:
    """NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.lines = []
        self.stored = {}  # by FDNAME=, as systemd's FD store: [descriptor]

    def until(self, wanted, timeout=30):
        """Reads until a line begins with `wanted`; that line."""
        deadline = time.monotonic() + timeout
        while True:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            text, passed, _, _ = socket.recv_fds(self.socket, 65536, 8)
            lines = text.decode().splitlines()
            self.lines += [(time.monotonic(), line) for line in lines]
            self.keep_store(lines, passed)
            for line in lines:
                if line.startswith(wanted):
                    return line


    def keep_store(self, lines, passed):
        name = next((line[7:] for line in lines if line.startswith("FDNAME=")), None)
        if "FDSTORE=1" in lines:
            self.stored.setdefault(name, []).extend(passed)
        elif "FDSTOREREMOVE=1" in lines:
            for fd in self.stored.pop(name, []):
                os.close(fd)

    def close(self):
        self.socket.close()
        for fd in itertools.chain(*self.stored.values()):
            os.close(fd)


@pytest.fixture
def notify(tmp_path):
    notify = Notify(tmp_path / "notify")
    yield notify
    notify.close()


def test_ready_comes_when_the_sockets_listen(slotd, ports, notify):
    port = ports.one()
    daemon = slotd(two_slots("w", f"127.0.0.1:{port}", ports.run(1), ports.run(1)), start=False,
                   env={"NOTIFY_SOCKET": notify.path})
    daemon.start(wait=False)
    notify.until("READY=1")
    socket.create_connection(("127.0.0.1", port), 5).close()
    daemon.wait_ready()


def test_status_names_the_live_slot_and_follows_a_swap(slotd, ports, notify):
    port = ports.one()
    daemon = slotd(two_slots("w", f"127.0.0.1:{port}", ports.run(1), ports.run(1)),
                   env={"NOTIFY_SOCKET": notify.path})
    assert "w a" in notify.until("STATUS=")
    daemon.ctl("swap", "w", check=True)
    while "w b" not in notify.until("STATUS="):
        pass


def test_reload_and_stop_are_announced(slotd, notify):
    daemon = slotd("[program:x]\ncommand=sleep 1000\n", env={"NOTIFY_SOCKET": notify.path})
    notify.until("READY=1")
    daemon.ctl("reload", check=True)
    notify.until("RELOADING=1")
    notify.until("READY=1")
    os.kill(daemon.pid, signal.SIGHUP)
    notify.until("RELOADING=1")
    notify.until("READY=1")
    daemon.process.terminate()
    notify.until("STOPPING=1")


def test_the_watchdog_is_fed_until_the_loop_hangs(slotd, notify):
    daemon = slotd("", start=False, env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "400000"})
    daemon.start()
    for _ in range(3):
        notify.until("WATCHDOG=1")
    os.kill(daemon.pid, signal.SIGSTOP)
    notify.socket.setblocking(False)
    time.sleep(0.3)
    while True:
        try:
            notify.socket.recv(65536)
        except BlockingIOError:
            break
    with pytest.raises(TimeoutError):
        notify.until("WATCHDOG=1", 1)
    os.kill(daemon.pid, signal.SIGCONT)
    notify.until("WATCHDOG=1")


def start_with_listener(daemon, listener, name):
    """As systemd does it: descriptor 3, LISTEN_PID is the process itself."""
    launcher = daemon.dir / "launch"
    launcher.write_text(f'#!/bin/bash\nexport LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES="{name}"\n'
                        f'exec 3<&{listener.fileno()} {listener.fileno()}<&-\nexec {SLOTD} "$@"\n')
    launcher.chmod(0o755)
    with open(daemon.dir / "stderr", "ab") as output:
        daemon.process = subprocess.Popen(
            [str(launcher), "-n", "-c", str(daemon.config)], stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, env=daemon.env,
            pass_fds=(listener.fileno(),), cwd=daemon.dir)
    daemon.wait_ready()


def test_a_listening_socket_that_arrives_is_used(slotd, ports):
    port = ports.one()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(100)
    inode = os.fstat(listener.fileno()).st_ino
    daemon = slotd(two_slots("w", f"127.0.0.1:{port}", ports.run(1), ports.run(1)), start=False)
    start_with_listener(daemon, listener, "w")
    listener.close()
    wait_for(lambda: try_once(("127.0.0.1", port)), "the service answers")
    assert once(("127.0.0.1", port)).startswith("a ")
    assert listening(port) == [inode]


def listening(port):
    """Inodes of the sockets that listen there."""
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [int(row.split()[9]) for row in table
            if row.split()[3] == "0A" and row.split()[1].endswith(f":{port:04X}")]


def test_public_sockets_are_stored_and_dropped_with_their_address(slotd, ports, notify):
    first, second = ports.one(), ports.one()
    a, b = ports.run(1), ports.run(1)
    daemon = slotd(two_slots("w", f"127.0.0.1:{first}", a, b),
                   env={"NOTIFY_SOCKET": notify.path})
    notify.until("READY=1")
    assert [os.fstat(fd).st_ino for fd in notify.stored[f"listen 127.0.0.1_{first}"]] == \
        listening(first)
    daemon.write_config(two_slots("w", f"127.0.0.1:{second}", a, b))
    daemon.ctl("reload", check=True)
    while list(notify.stored) != [f"listen 127.0.0.1_{second}"]:
        notify.until("FDNAME=")
    wait_for(lambda: not listening(first), "the old address is free")
    daemon.process.terminate()
    daemon.process.wait(30)
    assert listening(second), "systemd holds it for the next slotd"


def test_a_restart_in_place_keeps_the_stored_sockets(slotd, ports, notify):
    port = ports.one()
    daemon = slotd(two_slots("w", f"127.0.0.1:{port}", ports.run(1), ports.run(1)),
                   env={"NOTIFY_SOCKET": notify.path})
    wait_for(lambda: try_once(("127.0.0.1", port)), "the service answers")
    notify.until("READY=1")
    inode = listening(port)
    daemon.ctl("restart-daemon", "--force", check=True)
    notify.until("RELOADING=1")
    waiting = socket.create_connection(("127.0.0.1", port), 5)  # with any luck in between
    notify.until("READY=1")
    assert listening(port) == inode
    waiting.close()
    wait_for(lambda: try_once(("127.0.0.1", port)), "the service answers")
    assert not [line for _, line in notify.lines if line == "FDSTOREREMOVE=1"]


def test_what_was_stored_for_an_address_that_is_gone_is_dropped(slotd, ports, notify):
    port, old = ports.one(), ports.one()
    listener = socket.create_server(("127.0.0.1", old))
    daemon = slotd(two_slots("w", f"127.0.0.1:{port}", ports.run(1), ports.run(1)), start=False,
                   env={"NOTIFY_SOCKET": notify.path})
    start_with_listener(daemon, listener, f"listen 127.0.0.1_{old}")
    listener.close()
    assert notify.until("FDNAME=listen 127.0.0.1_%d" % old)
    notify.until("READY=1")
    assert "FDSTOREREMOVE=1" in [line for _, line in notify.lines]
    wait_for(lambda: not listening(old), "no child that has not got to its program holds it")


STUBBORN = """
[program:long]
command=%D%/long
startsecs=0
stopwaitsecs=3600
"""


def stubborn(slotd, notify):
    """slotd with a worker that ends when the file "go" is there, and not before."""
    daemon = slotd(STUBBORN, start=False, env={"NOTIFY_SOCKET": notify.path})
    script = daemon.dir / "long"
    script.write_text(f"#!/bin/sh\ntrap '' TERM\ntouch {daemon.dir}/up\n"
                      f"while ! test -e {daemon.dir}/go; do sleep 0.05; done\n")
    script.chmod(0o755)
    daemon.start()
    wait_for((daemon.dir / "up").exists, "the worker ignores TERM")
    notify.until("READY=1")
    return daemon


def test_a_restart_is_a_reload_to_systemd(slotd, notify):
    """STOPPING=1 would have everything killed after TimeoutStopSec."""
    daemon = slotd("[program:x]\ncommand=sleep 1000\n", env={"NOTIFY_SOCKET": notify.path})
    notify.until("READY=1")
    notify.lines.clear()
    daemon.ctl("restart-daemon", check=True)
    notify.until("RELOADING=1")
    assert any(line.startswith("MONOTONIC_USEC=") for _, line in notify.lines)
    notify.until("READY=1")
    assert "STOPPING=1" not in [line for _, line in notify.lines]


def test_a_stop_during_a_restart_is_an_end(slotd, notify):
    daemon = stubborn(slotd, notify)
    daemon.rpc.supervisor.restart()
    with pytest.raises(xmlrpc.client.Fault, match="SHUTDOWN_STATE"):
        daemon.rpc.supervisor.getState()  # whoever has the answer sees what it began
    notify.until("RELOADING=1")
    daemon.process.terminate()
    notify.until("STOPPING=1")
    (daemon.dir / "go").touch()
    assert daemon.process.wait(30) == 0


def test_systemd_is_asked_to_wait_for_a_worker_that_has_time_left(slotd, notify):
    daemon = stubborn(slotd, notify)
    notify.lines.clear()
    daemon.process.terminate()
    notify.until("STOPPING=1")
    assert int(notify.until("EXTEND_TIMEOUT_USEC=").split("=")[1]) >= 30_000_000
    notify.until("EXTEND_TIMEOUT_USEC=")  # it is renewed
    (daemon.dir / "go").touch()
    assert daemon.process.wait(30) == 0


def test_systemd_is_asked_to_wait_for_what_a_reload_looks_up(slotd, notify):
    daemon = slotd("", env={"NOTIFY_SOCKET": notify.path})
    notify.until("READY=1")
    daemon.ctl("reload", check=True)
    notify.until("RELOADING=1")
    assert int(notify.until("EXTEND_TIMEOUT_USEC=").split("=")[1]) > 300_000_000


def limits_of(pid):
    line = next(line for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
                if line.startswith("Max open files"))
    return line.split()[3]


@pytest.mark.parametrize("given, minfds, wanted", [("700", 600, "700"), ("700", 900, "900")])
def test_workers_get_the_limit_of_descriptors_that_slotd_was_started_with(slotd, given, minfds,
                                                                           wanted):
    config = "[slotd]\nminfds=%d\n[program:x]\ncommand=sleep 1000\nstartsecs=0\n" % minfds
    daemon = slotd(config.replace("[slotd]\n", ""), start=False)
    daemon.write_config(daemon.config.read_text().replace("[supervisord]\n",
                                                          f"[supervisord]\nminfds={minfds}\n"),
                        head=False)
    daemon.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (
        int(given), resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    daemon.wait_state("x", "RUNNING")
    assert limits_of(daemon.info("x")["pid"]) == wanted
    assert limits_of(daemon.pid) != wanted  # slotd's own is raised
    before = daemon.info("x")["pid"]
    daemon.restart(lambda: daemon.ctl("restart-daemon", check=True))
    wait_for(lambda: daemon.info("x")["pid"] not in (0, before), "its worker is there again")
    assert limits_of(daemon.info("x")["pid"]) == wanted


@pytest.mark.parametrize("policy", [os.SCHED_BATCH, os.SCHED_IDLE])
def test_workers_inherit_the_scheduling_policy(slotd, policy):
    daemon = slotd("[program:x]\ncommand=sleep 1000\nstartsecs=0\n", start=False)
    daemon.start(preexec_fn=lambda: os.sched_setscheduler(0, policy, os.sched_param(0)))
    daemon.wait_state("x", "RUNNING")
    assert os.sched_getscheduler(daemon.info("x")["pid"]) == policy
