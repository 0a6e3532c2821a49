"""slotd -t, --help-config and what the man page says: the configuration as a person meets it."""

import http.client
import os
import re
import socket
import subprocess
import textwrap
from base64 import b64encode
from pathlib import Path

import pytest

from harness.paths import BUILD, SLOTD
from harness.procs import wait_for

SERVICE = """
[slotd]
helper_user=nobody
[program:w-a]
command=sleep 1
process_name=%(program_name)s_%(process_num)d
numprocs=2
numprocs_start=8001
[program:w-b]
command=sleep 1
process_name=%(program_name)s_%(process_num)d
numprocs=2
numprocs_start=8101
[service:w]
listen=127.0.0.1:8000
slot_a=w-a
slot_b=w-b
health=tcp
"""


def check(tmp_path, text, *arguments):
    config = tmp_path / "x.conf"
    config.write_text(textwrap.dedent(text))
    done = subprocess.run([str(SLOTD), "-t", "-c", str(config), *arguments], capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_a_good_file_passes(tmp_path):
    status, text = check(tmp_path, SERVICE)
    assert status == 0, text
    status, text = check(tmp_path, SERVICE, "--strict")
    assert status == 0, text


@pytest.mark.parametrize("options, notes", [
    ("", ["drain=requests", "not HTTP/1", "for 30 s at most (drain_timeout)", "drain=idle:DURATION",
          "drain=worker"]),
    ("drain=requests\ndrain_timeout=90\n", ["for 1m30s at most (drain_timeout)"]),
    ("protocol=tcp\nhealth=http /\n", ["not HTTP/1"]),
    ("health=http /\n", []),
    ("drain=connections\n", []),
    ("drain=worker\n", []),
    ("drain=idle:10s\n", []),
])
def test_who_wrote_a_file_before_connections_were_followed_is_told_what_drain_means_now(
        tmp_path, options, notes):
    text = SERVICE + options if "health" not in options else SERVICE.replace("health=tcp\n", options)
    status, said = check(tmp_path, text, "--strict")  # a note is no warning
    assert status == 0, said
    line = text.splitlines().index("[service:w]") + 1
    assert (f"x.conf:{line}: note: [service:w] drain=requests" in said) == bool(notes), said
    assert all(words in said for words in notes), said


@pytest.mark.parametrize("change, words", [
    (("health=tcp", "heath=tcp"), ["health", "did you mean"]),
    (("health=tcp", ""), ["health"]),
    (("health=tcp", "health=telepathy"), ["telepathy"]),
    (("slot_b=w-b", "slot_b=nobody"), ["nobody"]),
    (("slot_b=w-b", "slot_b=w-a"), ["w-a"]),
    (("numprocs_start=8101", "numprocs_start=8002"), ["8002"]),
    (("listen=127.0.0.1:8000", "listen=127.0.0.1:8001"), ["8001"]),
    (("listen=127.0.0.1:8000", "listen=127.0.0.1:80000"), ["80000"]),
    (("health=tcp", "health=tcp\ndrain_timeout=soon"), ["soon", "drain_timeout"]),
    (("health=tcp", "health=tcp\nbalance=fair"), ["fair", "round_robin"]),
    (("health=tcp", "health=http /\nhealth_status=2000"), ["2000"]),
    (("numprocs=2", "numprocs=two"), ["numprocs", "two"]),
])
def test_a_mistake_is_named_with_file_and_line(tmp_path, change, words):
    text = SERVICE.replace(*change, 1)
    status, said = check(tmp_path, text)
    assert status == 2, said
    assert re.search(r"x\.conf:\d+: ", said), said
    assert all(word in said for word in words), said


def test_all_mistakes_are_told_in_one_run(tmp_path):
    status, said = check(tmp_path, SERVICE.replace("health=tcp", "heath=tcp\ndrain=never")
                         + "[program:x]\ncommand=x\npriority=high\nuser=no-such-user-here\n")
    assert status == 2
    assert all(word in said for word in ("heath", "never", "high")), said


def test_an_unknown_option_of_supervisors_sections_is_a_warning(tmp_path):
    text = "[slotd]\nhelper_user=nobody\n[program:x]\ncommand=sleep 1\nautorestrat=true\n"
    status, said = check(tmp_path, text)
    assert status == 0 and "autorestart" in said, said
    status, said = check(tmp_path, text, "--strict")
    assert status == 2, said


def test_a_missing_file_is_said_so(tmp_path):
    done = subprocess.run([str(SLOTD), "-t", "-c", str(tmp_path / "none.conf")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "none.conf" in done.stdout + done.stderr


def test_long_lines_and_names_are_read(tmp_path):
    name, value = "n" * 190, "x" * 60000
    status, said = check(tmp_path, f"[program:{name}]\ncommand=sleep 1\nenvironment=A=\"{value}\"\n")
    assert status == 0, said[:1000]


def test_every_option_is_in_the_man_page_and_back():
    text = subprocess.run([str(SLOTD), "--help-config"], capture_output=True, text=True,
                          check=True).stdout
    helped = set(re.findall(r"^ {4}([a-z][a-z0-9_.]*)=", text, re.M))
    source = (BUILD / "man/slotd.conf.5").read_text().partition(".Sh OPTIONS")[2]
    documented = set(re.findall(r"^\.It Ic ([a-z][a-z0-9_.]*)", source, re.M))
    assert len(helped) > 80
    assert helped == documented, helped ^ documented


@pytest.mark.skipif(Path("/etc/slotd/slotd.conf").exists(), reason="there is another one before it")
def test_a_file_of_the_current_directory_is_read_and_root_is_warned(tmp_path):
    (tmp_path / "supervisord.conf").write_text("[program:web]\ncommand=/bin/cat\n")
    done = subprocess.run([str(SLOTD), "-t"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/supervisord.conf: ok: 0 services, 1 group" in done.stderr
    assert ("name a file with -c" in done.stderr) == (os.geteuid() == 0)
    assert "slotd.service reads" in done.stderr  # the unit would not find this one
    named = subprocess.run([str(SLOTD), "-t", "-c", "supervisord.conf"], cwd=tmp_path,
                           capture_output=True, text=True, timeout=60)
    assert named.returncode == 0 and "slotd.service" not in named.stderr


def test_long_names_that_differ_at_their_end_are_different_workers(slotd):
    name = "n" * 190
    daemon = slotd(f"[program:{name}]\ncommand=sleep 1000\nstartsecs=0\nnumprocs=3\n"
                   "process_name=%(program_name)s_%(process_num)d\n")
    workers = [f"{name}:{name}_{i}" for i in range(3)]
    pids = {daemon.wait_state(worker, "RUNNING")["pid"] for worker in workers}
    assert len(pids) == 3
    daemon.ctl("stop", workers[1], check=True)
    assert [daemon.info(w)["statename"] for w in workers] == ["RUNNING", "STOPPED", "RUNNING"]


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_a_server_on_all_of_ipv6_leaves_ipv4_alone(slotd, ports):
    """As listen= of a service does; children are told an address to which they can connect."""
    port = ports.one()
    daemon = slotd(f"""
        [inet_http_server]
        port=[::]:{port}
        username=six
        password=6
        [inet_http_server:4]
        port=*:{port}
        username=four
        password=4
        [program:say]
        command=/bin/sh -c 'echo "$SUPERVISOR_SERVER_URL"; exec cat'
        """)

    def status(host):
        connection = http.client.HTTPConnection(host, port, timeout=20)
        connection.request("GET", "/ok.html", headers={
            "Authorization": "Basic " + b64encode(b"six:6").decode()})
        answer = connection.getresponse().status
        connection.close()
        return answer

    assert status("::1") == 200
    assert status("127.0.0.1") == 401
    wait_for(lambda: daemon.rpc.supervisor.readProcessStdoutLog("say", 0, 0)
             == f"http://[::1]:{port}\n", "the child says its URL")
