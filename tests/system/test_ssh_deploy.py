"""contrib/ssh/slotd-deploy: the forced command of an SSH key, as a user without any right but to deploy."""

import os
import pwd
import shutil
import subprocess

import pytest

from harness.paths import ROOT, SLOTCTL
from harness.procs import wait_for
from test_services import Payinv

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")
SCRIPT = ROOT / "contrib/ssh/slotd-deploy"
USER = "backup"  # its shell is nologin: the test gives sshd an account of its own, in a namespace

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="sshd becomes another user only as root"),
    pytest.mark.skipif(not SSHD, reason="needs sshd (openssh-server)"),
]


def test_the_wrapper_passes_on_the_name_of_a_release_and_nothing_else(tmp_path):
    said = tmp_path / "slotctl"
    said.write_text('#!/bin/sh\necho "$#" "$@"\n')
    said.chmod(0o755)

    def ask(command):
        env = {"PATH": "/usr/bin:/bin", "SLOTCTL": str(said)}
        if command is not None:
            env["SSH_ORIGINAL_COMMAND"] = command
        return subprocess.run([SCRIPT, "payinv"], env=env, capture_output=True, text=True, timeout=20)

    assert ask("4f2c91e").stdout == "3 deploy payinv 4f2c91e\n"
    assert ask("v1.2-rc_3+x").stdout == "3 deploy payinv v1.2-rc_3+x\n"
    assert ask(None).stdout == ask("").stdout == "2 deploy payinv\n"
    assert ask("status").stdout == "2 slots payinv\n"
    for bad in ("-x", "--force", "a b", "a;id", "$(id)", "`id`", "a\nb", "../x", "a/b", "a'b", "ä",
                "x" * 64, "*", "a|b", "a&", ">x", "{a,b}", "~root", "a\\b", '"', "rollback payinv",
                "rollback", "shutdown", "swap", ".", "..", ".git"):
        done = ask(bad)
        assert done.returncode == 2 and done.stdout == "" and "release" in done.stderr, bad


class Sshd:
    """sshd on a port of its own, in a mount namespace in which USER has a shell and a home."""

    def __init__(self, directory, port, command):
        self.directory, self.port = directory, port
        for key in ("host", "client"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / key],
                           check=True)
        home = directory / "home"
        home.mkdir()
        keys = home / "keys"
        keys.write_text(f'restrict,command="{command}" {(directory / "client.pub").read_text()}')
        passwd = directory / "passwd"
        passwd.write_text("".join(
            f"{USER}:x:{p.pw_uid}:{p.pw_gid}::{home}:/bin/sh\n" if p.pw_name == USER
            else ":".join(map(str, p)) + "\n" for p in pwd.getpwall()))
        (directory / "shadow").write_text(f"{USER}:*:19000:0:99999:7:::\nroot:*:19000:0:99999:7:::\n"
                                          "sshd:!:19000::::::\n")
        config = directory / "sshd_config"
        config.write_text(f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host
AuthorizedKeysFile {keys}
PidFile {directory}/pid
UsePAM no
StrictModes no
PasswordAuthentication no
""")
        self.log = open(directory / "sshd.log", "wb")
        mounts = f"mount --bind {passwd} /etc/passwd && mount --bind {directory}/shadow /etc/shadow"
        run = f"mkdir -p /run/sshd && mount -t tmpfs -o mode=0755 tmpfs /run/sshd && {mounts}"
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", f"{run} && exec {SSHD} -D -e -f {config}"],
            stdout=self.log, stderr=self.log)

    def ask(self, *words):
        return subprocess.run(
            ["ssh", "-F", "none", "-p", str(self.port), "-i", self.directory / "client", "-o",
             "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self.directory}/known",
             "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", f"{USER}@127.0.0.1", "--", *words],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)

    def __enter__(self):
        wait_for(lambda: "Server listening" in (self.directory / "sshd.log").read_text()
                 or self.process.poll() is not None, "sshd listens")
        assert self.process.poll() is None, (self.directory / "sshd.log").read_text()
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


def test_a_key_deploys_one_service_and_history_names_its_user(slotd, ports):
    payinv = Payinv(slotd, ports, options=f"allow=deploy:{USER}\nprepare=true\n")
    daemon = payinv.daemon
    slotctl = daemon.dir / "slotctl"
    slotctl.write_text(f'#!/bin/sh\nexec {SLOTCTL} -c {daemon.config} "$@"\n')
    slotctl.chmod(0o755)
    ssh = daemon.dir / "ssh"
    ssh.mkdir()
    with Sshd(ssh, ports.one(), f"env SLOTCTL={slotctl} {SCRIPT} payinv") as sshd:
        done = sshd.ask("4f2c91e")
        assert done.returncode == 0, done.stdout + done.stderr + (ssh / "sshd.log").read_text()
        assert "b (4f2c91e) is live." in done.stdout and f"by {USER}" in done.stdout
        assert payinv.live() == "b"
        for words in (["id"], ["--force"], ["slotctl", "shutdown"], ["$(slotctl shutdown)"]):
            done = sshd.ask(*words)
            assert "uid=" not in done.stdout, done.stdout
            assert words == ["id"] or done.returncode == 2, done.stdout + done.stderr
        assert "LIVE" in sshd.ask("status").stdout
        assert f'"who":"{USER}"' in daemon.read("state/history")
