"""PROXY protocol with receivers that insist on it: nginx and haproxy as workers."""

import socket

import pytest

from harness.apps import service
from harness.fronts import program
from harness.procs import wait_for

NGINX = """\
daemon off; master_process off; pid {dir}/{port}.pid; error_log {dir}/{port}.log info;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {dir}/{port}b; proxy_temp_path {dir}/{port}p;
  fastcgi_temp_path {dir}/{port}f; uwsgi_temp_path {dir}/{port}u; scgi_temp_path {dir}/{port}s;
  server {{ listen 127.0.0.1:{port} proxy_protocol;
            location / {{ return 200 "from $proxy_protocol_addr$proxy_protocol_port\\n"; }} }} }}
"""

HAPROXY = """\
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend f
  bind 127.0.0.1:{port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "from %[src]"
"""


def nginx(directory, port):
    config = directory / f"nginx-{port}.conf"
    config.write_text(NGINX.format(dir=directory, port=port))
    return f"{program('nginx')} -c {config} -p {directory}"


def haproxy(directory, port):
    config = directory / f"haproxy-{port}.cfg"
    config.write_text(HAPROXY.format(port=port))
    return f"{program('haproxy')} -db -f {config}"


@pytest.mark.parametrize("health", ["tcp", "http /"])
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("worker", [nginx, haproxy])
def test_checks_and_clients_of_every_family_are_taken(slotd, ports, tmp_path, worker, version, health):
    tmp_path.chmod(0o755)
    public, a, b = ports.one(), ports.one(), ports.one()
    path = f"{tmp_path}/public.sock"
    daemon = slotd("".join(
        f"[program:s-{slot}]\ncommand={worker(tmp_path, port)}\nnumprocs=1\n"
        f"numprocs_start={port}\nprocess_name=w_%(process_num)d\nstdout_logfile={tmp_path}/{slot}.out\n"
        f"redirect_stderr=true\n" for slot, port in (("a", a), ("b", b)))
        + service("s", f"127.0.0.1:{public}, unix:{path}", f"proxy_protocol={version}\n"
                  "connect=late\n", health=health))
    wait_for(lambda: daemon.slot("s", "a")["ready"] == 1, "its checks pass")
    with socket.create_connection(("127.0.0.1", public), 10) as s:
        assert b"from 127.0.0.1" in ask(s)
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        assert b"200 OK" in ask(s)
    log = tmp_path / f"{a}.log"
    assert not log.exists() or "broken header" not in log.read_text()


def ask(s):
    s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    got = b""
    while b"\r\n\r\n" not in got or b"from" not in got:
        data = s.recv(4096)
        assert data, got
        got += data
    return got
