"""Fresh machines: each thing that goes wrong while packages are installed gets its sentence."""

import os
import subprocess

import pytest

from harness.paths import ROOT, SLOTD

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
    (NETWORK + "\nE: Unable to locate package gcc", ["no network", "resolving 'deb.", "gcc meson"]),
    ("E: Unable to locate package meson", ["does not have: meson", "Debian 12"]),
    ("dpkg: error: No space left on device", ["disk is too full", "No space left"]),
    ("E: You don't have enough free space in /var/cache/apt/archives/.", ["disk is too full"]),
    ("E: something nobody thought of", ["could not install gcc meson", "nobody thought of"]),
])
def test_a_failed_installation_says_why(tmp_path, said, words):
    text = install(tmp_path, said)
    assert all(word in text for word in words), text


def test_without_root_the_command_to_run_is_named(tmp_path):
    text = install(tmp_path, "", uid="1000")
    assert "only root" in text and "apt-get install --no-install-recommends gcc meson" in text


def test_an_installation_that_works_says_nothing(tmp_path):
    assert install(tmp_path, "", status=0) == ""


def test_a_lock_that_is_held_is_waited_for_aloud(tmp_path):
    text = install(tmp_path, "", status=0, locks="apt-get 4242 /var/lib/dpkg/lock-frontend")
    assert "installed by apt-get (pid 4242); waiting" in text


def directory(path, megabytes=1):
    return subprocess.run(
        ["bash", "-c", '. contrib/packages.bash; usable_directory "$1" "$2"; printf "%s" '
                       '"$directory_why"', "bash", str(path), str(megabytes)],
        cwd=ROOT, capture_output=True, text=True, timeout=60).stdout


def test_a_directory_that_builds_can_be_made_in_says_nothing(tmp_path):
    assert directory(tmp_path / "build") == ""
    assert list((tmp_path / "build").iterdir()) == []


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    text = directory(tmp_path / "file/build")
    assert f"{tmp_path}/file/build cannot be written" in text


def test_a_disk_without_room_is_told_with_figures(tmp_path):
    assert "1000000000 MB are needed" in directory(tmp_path, 10 ** 9)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_directory_whose_programs_may_not_run_is_told(tmp_path):
    script = ('mount -t tmpfs -o noexec none "$1" 2>/dev/null || exit 77; . contrib/packages.bash; '
              'usable_directory "$1/build" 1; printf "%s" "$directory_why"')
    done = subprocess.run(["unshare", "--mount", "bash", "-c", script, "bash", str(tmp_path)],
                          cwd=ROOT, capture_output=True, text=True, timeout=60)
    if done.returncode in (1, 77) and not done.stdout:
        pytest.skip("no mount namespaces here")
    assert "mounted noexec" in done.stdout, done


def test_the_readme_names_every_package_that_a_build_needs():
    listed = subprocess.run(
        ["bash", "-c", '. contrib/packages.bash; echo "${SLOTD_BUILD_PACKAGES[@]}"'], cwd=ROOT,
        capture_output=True, text=True, check=True).stdout.split()
    text = (ROOT / "README.md").read_text().split("apt-get install", 1)[1].split("meson setup")[0]
    assert sorted(listed) == sorted(text.replace("\\", " ").split())


def test_the_readmes_configuration_can_be_pasted(tmp_path):
    """With the blanks of the README before each line, on a machine without the application."""
    text = (ROOT / "README.md").read_text()
    block = text[text.index("    [program:payinv-a]"):text.index("`examples/payinv` has")]
    assert "user=" in block and "[service:payinv]" in block
    config = tmp_path / "slotd.conf"
    config.write_text(block)
    done = subprocess.run([str(SLOTD), "-t", "-c", str(config)], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert "ok: 1 service, 2 groups" in done.stderr


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


def test_quickstart_refuses_what_is_no_port():
    done = quickstart(QUICKSTART_PORT="http")
    assert done.returncode == 1 and "QUICKSTART_PORT=http: a port" in done.stderr, done.stderr
