"""What cannot be followed: HTTP/2 with prior knowledge and TLS that is passed through, with real
peers on both sides. drain=worker leaves the end of each connection to the workers' own protocol."""

import subprocess

import pytest

from harness.apps import service
from harness.clients import CLIENTS, session
from harness.fronts import Front, is_listening, program
from harness.procs import wait_for

pytestmark = pytest.mark.plain_only  # real peers on both sides

WORKER = """\
global
  close-spread-time 2s
  hard-stop-after 20s
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:{port} {listen}
  http-request return status 200 content-type text/plain string "{slot} {port} 0"
"""
HAPROXY = """\
defaults
  mode http
  http-reuse always
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  # An end of an idle connection may cross a request: with what is encrypted or multiplexed only the
  # proxy can know that nothing of an answer came.
  retry-on conn-failure empty-response
  # It repeats only what it had whole when it began to send it.
  option http-buffer-request
frontend f
  bind {front} backlog 1024
  default_backend b
backend b
  server s {back} {how}
"""
KINDS = {"h2c": ("proto h2", "proto h2"), "tls": ("ssl crt {dir}/pem", "ssl verify none")}


def worker(directory, kind, slot, port):
    config = directory / f"worker-{port}.cfg"
    config.write_text(WORKER.format(port=port, slot=slot,
                                    listen=KINDS[kind][0].format(dir=directory)))
    return (f"[program:s-{slot}]\ncommand={program('haproxy')} -db -f {config}\n"
            f"numprocs=1\nnumprocs_start={port}\nprocess_name=w_%(process_num)d\n"
            f"stopsignal=USR1\nstopwaitsecs=1\nstartsecs=0\n")


def certificate(directory):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", directory / "key", "-out",
                    directory / "cert"], check=True, capture_output=True)
    (directory / "pem").write_text((directory / "key").read_text()
                                   + (directory / "cert").read_text())


def start(slotd, ports, directory, kind, options):
    program("haproxy")
    directory.chmod(0o755)
    certificate(directory)
    public, front = ports.one(), f"127.0.0.1:{ports.one()}"
    daemon = slotd(worker(directory, kind, "a", ports.one()) + worker(directory, kind, "b", ports.one())
                   + service("s", f"127.0.0.1:{public}", options, health="tcp"))
    wait_for(lambda: is_listening(f"127.0.0.1:{public}"), "slotd listens")
    config = directory / "haproxy.cfg"
    config.write_text(HAPROXY.format(front=front, back=f"127.0.0.1:{public}", how=KINDS[kind][1]))
    return daemon, Front([program("haproxy"), "-db", "-f", str(config)], front,
                         directory / "haproxy.log", ())


@pytest.mark.parametrize("kind", KINDS)
def test_workers_that_end_their_connections_themselves_lose_nothing(slotd, ports, tmp_path, kind):
    daemon, proxy = start(slotd, ports, tmp_path, kind, "drain=worker\nconnect=late\n")
    # With one of HTTP/2 to a server haproxy ends a connection to a client, too, perhaps while that
    # one asks: so each request has its own.
    client = session(proxy.address, 16, 60, once=True)
    try:
        for _ in range(4):
            old = daemon.service("s")["live"]
            wait_for(lambda o=old: daemon.slot("s", o)["pinned"] > 0, "it has pinned ones")
            daemon.ctl("swap", "s", check=True)
            wait_for(lambda o=old: daemon.slot("s", o)["state"] == 0, "the old slot is cold", 60)
        result = client.stop()
    finally:
        client.stop()
        proxy.close()
    assert not result["failed"] and set(result["slots"]) == {"a", "b"}, result


def test_a_worker_that_drains_itself_is_not_killed_by_stopwaitsecs(slotd, ports, tmp_path):
    """It waits for its open connection; stopwaitsecs=1 would cut it, drain_timeout=6 may."""
    daemon, proxy = start(slotd, ports, tmp_path, "h2c",
                          "drain=worker\nconnect=late\ndrain_timeout=6\ndrain_spread=0\n")
    client = CLIENTS["python session"](proxy.address, 1, 50)
    try:
        wait_for(lambda: daemon.slot("s", "a")["pinned"] > 0, "it has a pinned one")
        pid = daemon.info(f"s-a:w_{daemon.status()['workers'][0]['name'].split('_')[-1]}")["pid"]
        assert pid
        daemon.ctl("swap", "s", check=True)
        wait_for(lambda: daemon.slot("s", "a")["state"] == 0, "the old slot is cold", 60)
        assert "SIGKILL" not in daemon.log()
    finally:
        client.stop()
        proxy.close()
