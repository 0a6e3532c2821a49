"""A push deploys: contrib/git/post-receive with a real git, under both of its names."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.load import once
from harness.paths import BUILD, ROOT
from harness.procs import wait_for
from harness.repository import Repository, needs
from test_services import Payinv

PREPARE = """prepare=
  echo preparing $SLOTD_RELEASE
  git --git-dir=%D%/payinv.git show refs/slotd/$SLOTD_RELEASE:file
  touch %D%/begun
  while test -e %D%/wait; do sleep 0.05; done
  test ! -e %D%/bad
"""


@pytest.fixture
def payinv(slotd, ports):
    needs("git")
    return Payinv(slotd, ports, 1, options=PREPARE)


def repository(payinv, hook):
    return Repository(payinv.daemon.dir, payinv.daemon.config, hook)


def live_release(payinv):
    live = payinv.live()
    return payinv.daemon.slot("payinv", live).get("release")


@pytest.mark.parametrize("hook", ["post-receive", "update"])
@pytest.mark.plain_only
def test_a_push_deploys_and_a_second_one_is_told_who_does(payinv, hook):
    there, flag = repository(payinv, hook), payinv.daemon.dir / "wait"
    flag.touch()
    first = there.commit("one")
    with there.push() as push:
        seen = ""
        while f"preparing {first}" not in seen:  # as it goes on, long before the deploy is over
            line = push.stdout.readline()
            assert line, seen
            seen += line
        wait_for((payinv.daemon.dir / "begun").exists, "prepare runs")
        second = there.commit("two")
        code, text = there.pushed()
        assert "deploy #1 by" in text and "exit 12: payinv is busy or frozen" in text, text
        assert code == (hook == "update"), text
        flag.unlink()
        seen += push.stdout.read()
    assert push.returncode == 0 and f"{first} is live." in seen and "| one" in seen, seen
    assert live_release(payinv) == first and once(payinv.address).startswith("b ")
    if hook == "update":  # refused, so it can be pushed again
        assert there.head() == there.git("rev-parse", "HEAD~1")
        code, text = there.pushed()
        assert code == 0 and f"{second} is live." in text and live_release(payinv) == second, text
    else:
        assert f"slotctl deploy payinv {second}" in text and there.head() == there.git(
            "rev-parse", "HEAD"), text


@pytest.mark.parametrize("hook, status", [("post-receive", 0), ("update", 1)])
def test_a_failed_deploy_is_told_to_the_pusher(payinv, hook, status):
    there = repository(payinv, hook)
    (payinv.daemon.dir / "bad").touch()
    release = there.commit("bad")
    code, text = there.pushed()
    assert code == status, text
    assert "NOTHING SWAPPED: a is live." in text
    assert f"exit 10: the deploy of {release} failed, and nothing has changed." in text, text
    assert bool(there.head()) == (hook == "post-receive"), "update refuses the push"
    (payinv.daemon.dir / "bad").unlink()
    payinv.daemon.ctl("freeze", "payinv", "audit until monday", check=True)
    there.commit("good")
    code, text = there.pushed()
    assert code == status and "audit until monday" in text and "exit 12" in text, text
    payinv.daemon.ctl("unfreeze", "payinv", check=True)
    there.configure("slotd.slotctl", str(payinv.daemon.dir / "nothing"))
    there.commit("again")
    code, text = there.pushed()
    assert code == status and "exit 127" in text, text
    assert payinv.live() == "a"


def test_a_push_whose_slotd_is_killed_fails_and_can_be_tried_again(payinv):
    there, daemon = repository(payinv, "update"), payinv.daemon
    (daemon.dir / "wait").touch()
    release = there.commit("one")
    with there.push() as push:
        wait_for((daemon.dir / "begun").exists, "prepare runs")
        daemon.kill()
        (daemon.dir / "wait").unlink()
        daemon.start()
        text = push.communicate(timeout=120)[0]
    assert push.returncode == 1 and re.search(r"exit 1[03]: ", text), text
    assert not there.head() and payinv.live() == "a"
    wait_for(lambda: not daemon.service("payinv")["step"], "that deploy is over")
    code, text = there.pushed()
    assert code == 0 and f"{release} is live." in text and payinv.live() == "b", text


NAMES = ["refs/heads/$(touch${IFS}pwned)", "refs/heads/x;touch${IFS}pwned", "refs/heads/`id>pwned`",
         "refs/heads/-x", "refs/heads/main/x", "refs/tags/main", "refs/heads/a'|touch${IFS}pwned'"]


@pytest.mark.parametrize("hook", ["post-receive", "update"])
def test_other_names_deploy_nothing_and_are_never_run(payinv, hook):
    there = repository(payinv, hook)
    there.commit("one")
    code, text = there.pushed(*(f"HEAD:{name}" for name in NAMES))
    assert code == 0 and "slotd:" not in text, text
    assert all(there.head(name) for name in NAMES)
    assert not list(payinv.daemon.dir.rglob("pwned")), "only names of branches"
    there.git("push", "-q", "origin", "--delete", "main/x")
    there.configure("slotd.service", "a b")
    code, text = there.pushed()
    assert "git config slotd.service NAME" in text and code == (hook == "update"), text
    there.configure("slotd.service", "payinv")
    there.configure("receive.denyDeleteCurrent", "ignore")
    if hook == "update":
        assert there.pushed()[0] == 0
        wait_for(lambda: payinv.live() == "b", "it is deployed")
    jobs = payinv.daemon.ctl("history", "payinv").stdout
    code, text = there.pushed(":refs/heads/main")
    assert code == 0 and "main was removed; that deploys nothing." in text, text
    assert payinv.daemon.ctl("history", "payinv").stdout == jobs


@pytest.mark.plain_only
def test_the_story_of_payinv(ports):
    """One script: a repository, two slots, a push, a broken one, rollback and swap under load."""
    needs("git", "gunicorn")
    directory = Path(tempfile.mkdtemp(prefix="story."))  # short, for sockets
    done = subprocess.run([str(ROOT / "examples/payinv/story")], text=True, timeout=300,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          env={**os.environ, "STORY_PORT": str(ports.run(5)[0]),
                               "SLOTD_BUILD": str(BUILD), "TMPDIR": str(directory)})
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    for words in ("remote: slotd: deploying ", "! [remote rejected] main -> main (hook declined)",
                  "slotctl rollback payinv", "slotctl swap payinv", "requests, lost: 0."):
        assert words in text, (words, text)
    directory.rmdir()  # it has removed what it had made
