"""Fresh machines: each thing that goes wrong while packages are installed gets its sentence."""

import os
import subprocess

import pytest

from harness.paths import ROOT

LOCK = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4242 (unattended-upgr)"
NETWORK = "Err:1 http://deb.debian.org/debian bookworm InRelease\n" \
          "  Temporary failure resolving 'deb.debian.org'\n" \
          "E: Failed to fetch http://deb.debian.org/x.deb"


def install(tmp_path, said, uid="0", status=100, locks=""):
    """install_packages with an apt-get that says something and fails; what a person reads."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tmp_path / "said").write_text(said + "\n")
    for name, script in (("apt-get", f'cat "{tmp_path}/said"; exit {status}'),
                         ("id", f"echo {uid}"), ("lslocks", f"echo '{locks}'")):
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    return subprocess.run(
        ["bash", "-c", '. contrib/packages.bash; install_packages gcc meson || '
                       'printf "%s\\n" "$packages_why"'],
        cwd=ROOT, env={**os.environ, "PATH": f"{tools}:/usr/bin:/bin",
                       "SLOTD_POLICY_RC": str(tmp_path / "policy")}, capture_output=True,
        text=True, timeout=60).stdout


@pytest.mark.parametrize("said, words", [
    (LOCK, ["another apt or dpkg", "process 4242 (unattended-upgr)", "try again"]),
    (NETWORK, ["no network", "gcc meson"]),
    ("E: Unable to locate package meson", ["does not have: meson", "Debian 12"]),
    ("dpkg: error: No space left on device", ["disk is full"]),
    ("E: something nobody thought of", ["could not install gcc meson", "nobody thought of"]),
])
def test_a_failed_installation_says_why(tmp_path, said, words):
    text = install(tmp_path, said)
    assert all(word in text for word in words), text


def test_without_root_the_command_to_run_is_named(tmp_path):
    text = install(tmp_path, "", uid="1000")
    assert "only root" in text and "sudo apt-get install gcc meson" in text


def test_an_installation_that_works_says_nothing(tmp_path):
    assert install(tmp_path, "", status=0) == ""


def test_a_lock_that_is_held_is_waited_for_aloud(tmp_path):
    text = install(tmp_path, "", status=0, locks="apt-get 4242 /var/lib/dpkg/lock-frontend")
    assert "installed by apt-get (pid 4242); waiting" in text


def quickstart(**env):
    return subprocess.run([str(ROOT / "examples/quickstart"), "--bounded"], env={**os.environ, **env},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def test_quickstart_names_the_holder_of_a_taken_port(ports):
    import socket
    port = ports.run(1)[0]
    with socket.create_server(("127.0.0.1", port)):
        done = quickstart(QUICKSTART_PORT=str(port))
    assert done.returncode == 1
    assert f"port {port} is taken by" in done.stderr and f"pid {os.getpid()}" in done.stderr
    assert "QUICKSTART_PORT=" in done.stderr
