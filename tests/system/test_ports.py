"""Addresses of workers that something stands in the way of: local ports, modes of sockets."""

import os
import re
import socket
import subprocess

import pytest

from harness.paths import SLOTD
from harness.procs import wait_for


def test_ports_that_outgoing_connections_may_take_are_a_warning(tmp_path):
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        low = int(f.read().split()[0])
    config = tmp_path / "x.conf"
    config.write_text(f"""
[slotd]
helper_user=nobody
[service:w]
listen=127.0.0.1:8000
health=tcp
command=sleep %(port)d
ports_a={low}-{low + 1}
ports_b=8001-8002
""")
    done = subprocess.run([str(SLOTD), "-t", "-c", str(config)], capture_output=True, text=True,
                          timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == 0
    assert re.search(rf"x.conf:4: warning: .*w-a: ports {low}-{low + 1}: .*ip_local_reserved_ports",
                     said), said
    assert "w-b" not in said


@pytest.mark.skipif(os.geteuid() != 0, reason="the helpers have another user under root only")
def test_a_socket_that_the_relays_may_not_open_is_said_until_they_may(slotd, ports):
    port = ports.one()
    daemon = slotd(f"""
        [slotd]
        helper_user=nobody
        relays=1
        [program:u-a]
        command=/usr/bin/python3 -c "import os, socket, sys; os.umask(0o77);
          s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen();
          [c[0].sendall(b'hello') or c[0].close() for c in iter(s.accept, 0)]"
          %D%/%(process_num)d.sock
        numprocs_start=1
        [program:u-b]
        command=cat
        numprocs_start=2
        autostart=false
        [service:u]
        listen=127.0.0.1:{port}
        slot_a=u-a
        slot_b=u-b
        worker=unix:%D%/%(process_num)d.sock
        health=exec true
        connect=early
        """)
    path = daemon.dir / "1.sock"
    wait_for(path.exists, "the worker has its socket")

    def note():
        return daemon.worker("u-a").get("note", "")

    assert not note()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(60)
        wait_for(note, "status says why the client waits")
        assert note() == f"slotd-relay has no permission to connect to unix:{path}"
        wait_for(lambda: re.search(r"WARN u: u-a: slotd-relay \(user nobody\) has no permission to "
                                   "connect to unix:", daemon.log()), "the log says it")
        path.chmod(0o777)
        assert client.recv(100) == b"hello"
    wait_for(lambda: not note(), "it is over")
