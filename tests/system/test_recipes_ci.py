"""contrib/ci: the scripts of a GitHub and a GitLab job, run here against a real sshd."""

import os
import subprocess

import pytest

from harness.load import once
from harness.paths import ROOT, SLOTCTL
from harness.procs import wait_for
from test_services import Payinv
from test_ssh_deploy import SCRIPT, SSHD, USER, Sshd

yaml = pytest.importorskip("yaml", reason="needs python3-yaml")

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="sshd becomes another user only as root"),
    pytest.mark.skipif(not SSHD, reason="needs sshd (openssh-server)"),
]
COMMIT = "4f2c91e03b7d8a9c5e6f1023456789abcdef0123"


def github(settings):
    """The step as a runner gives it to bash: its own variables, those of env, exit at an error."""
    job = yaml.safe_load((ROOT / "contrib/ci/github-actions.yml").read_text())["jobs"]["deploy"]
    step, = job["steps"]
    env = {"GITHUB_SHA": COMMIT}
    for name, value in step["env"].items():
        where, _, known = value.strip("${} ").partition(".")
        assert where in ("secrets", "vars"), value
        env[name] = settings[known]
    return ["bash", "-e", "-c", step["run"]], env


def gitlab(settings, directory):
    """The job as a runner gives it to sh: all lines in one shell; variables of type File are names."""
    job = yaml.safe_load((ROOT / "contrib/ci/gitlab-ci.yml").read_text())["deploy"]
    env = {"CI_COMMIT_SHORT_SHA": COMMIT[:8]}
    for name, value in settings.items():
        if name in ("DEPLOY_KEY", "DEPLOY_HOST_KEY"):
            path = directory / name
            path.write_text(value)
            path.chmod(0o666)
            value = str(path)
        env[name] = value
    return ["sh", "-e", "-c", "\n".join(job["before_script"] + job["script"])], env


class Server:
    """A service, and an sshd in which a key may deploy it; what the settings of a project then are."""

    def __init__(self, slotd, ports):
        self.payinv = Payinv(slotd, ports, 1, options=f"allow=deploy:{USER}\nprepare=\n"
                             "  test ! -e %D%/bad\n  while test -e %D%/wait; do sleep 0.05; done\n")
        daemon = self.payinv.daemon
        slotctl = daemon.dir / "slotctl"
        slotctl.write_text(f'#!/bin/sh\nexec {SLOTCTL} -c {daemon.config} "$@"\n')
        slotctl.chmod(0o755)
        self.directory = daemon.dir / "ssh"
        self.directory.mkdir()
        self.sshd = Sshd(self.directory, ports.one(), f"env SLOTCTL={slotctl} {SCRIPT} payinv")

    def settings(self):
        read = lambda name: (self.directory / name).read_text()  # noqa: E731
        return {"DEPLOY_KEY": read("client"), "DEPLOY_USER": USER, "DEPLOY_HOST": "127.0.0.1",
                "DEPLOY_PORT": str(self.sshd.port),
                "DEPLOY_HOST_KEY": f"[127.0.0.1]:{self.sshd.port} {read('host.pub')}"}

    def run(self, kind, **changed):
        settings = {**self.settings(), **changed}
        command, env = github(settings) if kind == "github" else gitlab(settings, self.directory)
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=120, check=False, env={"PATH": os.environ["PATH"], **env,
                                                             "TMPDIR": str(temporary)})
        assert not list(temporary.iterdir()), "the key is left behind"
        return done.returncode, done.stdout + done.stderr


def test_the_jobs_of_a_ci_deploy_by_ssh_and_fail_as_the_deploy_does(slotd, ports):
    server = Server(slotd, ports)
    payinv = server.payinv

    def history():
        return payinv.daemon.ctl("history", "payinv", check=True).stdout

    with server.sshd:
        for kind, release, slot in (("github", COMMIT[:12], "b"), ("gitlab", COMMIT[:8], "a")):
            code, text = server.run(kind)
            assert code == 0 and f"{slot} ({release}) is live." in text, text
            assert f"by {USER}" in text and once(payinv.address).startswith(f"{slot} ")
        (payinv.daemon.dir / "bad").touch()
        for kind in ("github", "gitlab"):
            code, text = server.run(kind)
            assert code == 10 and f"NOTHING SWAPPED: a ({COMMIT[:8]}) is live." in text, text
        (payinv.daemon.dir / "bad").unlink()

        (payinv.daemon.dir / "wait").touch()
        payinv.daemon.ctl("deploy", "payinv", "byhand", "--detach", check=True)
        wait_for(lambda: payinv.daemon.service("payinv")["step"] == "prepare", "it is prepared")
        for kind in ("github", "gitlab"):
            code, text = server.run(kind)
            assert code == 12 and "#5 by root" in text, text
        (payinv.daemon.dir / "wait").unlink()
        wait_for(lambda: "b (byhand) is live." in history(), "the other deploy is done")

        jobs = history()
        host = server.settings()["DEPLOY_HOST_KEY"].split()[0]
        other = (server.directory / "client.pub").read_text().split()[1]
        for kind in ("github", "gitlab"):
            code, text = server.run(kind, DEPLOY_HOST_KEY=f"{host} ssh-ed25519 {other}\n")
            assert code == 255 and "Host key verification failed" in text, text
        assert history() == jobs
