"""[fcgi-program:x]: one socket, descriptor 0 of every process, as under Supervisor."""

import os
import signal
import socket

import pytest

from harness.procs import wait_for

SERVER = """\
import os, socket, sys
listener = socket.socket(fileno=0)
while True:
    client, _ = listener.accept()
    client.sendall(f"{os.getpid()}\\n".encode())
    client.close()
"""


def ask(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(5)
        client.connect(address)
        return int(client.recv(100))


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_every_process_accepts_on_the_same_socket(slotd, ports, kind):
    port = ports.one()
    daemon = slotd(f"""
[fcgi-program:app]
command=/usr/bin/python3 -I -S %D%/server.py
socket={'unix://%D%/app.sock' if kind == 'unix' else f'tcp://localhost:{port}'}
process_name=%(program_name)s_%(process_num)d
numprocs=2
startsecs=0
autostart=false
""")
    (daemon.dir / "server.py").write_text(SERVER)
    address = f"{daemon.dir}/app.sock" if kind == "unix" else ("127.0.0.1", port)
    daemon.ctl("start", "app:*", check=True)
    pids = {daemon.info(f"app:app_{n}")["pid"] for n in range(2)}
    assert ask(address) in pids
    daemon.ctl("stop", "app:app_0", check=True)
    assert ask(address) == daemon.info("app:app_1")["pid"]
    daemon.ctl("stop", "app:*", check=True)
    daemon.wait_log("Closing socket")
    with pytest.raises(OSError):
        ask(address)
    daemon.ctl("start", "app:app_0", check=True)
    wait_for(lambda: ask(address) == daemon.info("app:app_0")["pid"], "it serves again")


def test_a_socket_that_is_taken_is_said(slotd, ports):
    port = ports.one()
    with socket.create_server(("127.0.0.1", port)):
        daemon = slotd(f"""
[fcgi-program:app]
command=/bin/cat
socket=tcp://127.0.0.1:{port}
startretries=0
""")
        daemon.wait_state("app", "FATAL")
        daemon.wait_log(f"Could not create FastCGI socket tcp://127.0.0.1:{port}: ")


def test_a_reload_applies_what_is_said_of_the_socket(slotd):
    config = """
[fcgi-program:app]
command=/usr/bin/python3 -I -S %D%/server.py
socket=unix://%D%/app.sock
socket_mode=0700
process_name=%(program_name)s_%(process_num)d
numprocs=2
startsecs=0
autostart=false
"""
    daemon = slotd(config)
    (daemon.dir / "server.py").write_text(SERVER)
    daemon.ctl("start", "app:*", check=True)

    def serves(name):
        pids = {daemon.info(f"app:app_{n}")["pid"] for n in range(2)}
        try:
            return ask(f"{daemon.dir}/{name}") in pids
        except OSError:  # there is none yet
            return False

    wait_for(lambda: serves("app.sock"), "it serves")
    daemon.write_config(config.replace("=0700", "=0640"))
    daemon.ctl("reload", check=True)
    wait_for(lambda: (daemon.dir / "app.sock").stat().st_mode & 0o777 == 0o640, "the new mode")
    daemon.write_config(config.replace("app.sock", "other.sock"))
    daemon.ctl("reload", check=True)
    wait_for(lambda: serves("other.sock"), "it serves at its new address")
    with pytest.raises(OSError):
        ask(f"{daemon.dir}/app.sock")


def one_process(slotd, ports, kind, server, options=""):
    """A slotd in which app has one process, which runs; and the address of its socket."""
    port = ports.one()
    daemon = slotd(f"""
[fcgi-program:app]
command=/usr/bin/python3 -I -S %D%/server.py
socket={'unix://%D%/app.sock' if kind == 'unix' else f'tcp://127.0.0.1:{port}'}
startsecs=0
autostart=false
{options}""")
    (daemon.dir / "server.py").write_text(server)
    daemon.ctl("start", "app", check=True)
    return daemon, f"{daemon.dir}/app.sock" if kind == "unix" else ("127.0.0.1", port)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_the_only_process_that_crashes_is_started_again_at_once(slotd, ports, kind):
    """slotd-keep holds the socket a little longer than slotd: that is not somebody else's."""
    daemon, address = one_process(slotd, ports, kind, SERVER)
    for _ in range(5):
        first = daemon.info("app")["pid"]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: daemon.info("app")["pid"] not in (0, first), "it runs again")
    assert ask(address) == daemon.info("app")["pid"]
    assert "Could not create FastCGI socket" not in daemon.log()


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_children_that_outlive_a_crash_go_on_with_the_socket(slotd, ports, kind):
    forks = SERVER.replace("while True", "if os.fork():\n    os.wait()\nwhile True")
    daemon, address = one_process(slotd, ports, kind, forks, "autorestart=false\n")
    child = ask(address)
    os.kill(daemon.info("app")["pid"], signal.SIGKILL)
    daemon.wait_log("Closing socket")
    assert ask(address) == child
    os.kill(child, signal.SIGKILL)
    daemon.wait_log(f"reaped unknown pid {child} (")
    daemon.ctl("start", "app", check=True)
    wait_for(lambda: ask(address) != child, "it serves again")
    os.kill(ask(address), signal.SIGKILL)
