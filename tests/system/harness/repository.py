"""A bare git repository with contrib/git/post-receive as its hook, and a clone to push from."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .paths import ROOT, SLOTCTL

HOOK = ROOT / "contrib/git/post-receive"


def needs(*programs: str) -> None:
    for name in programs:
        if not shutil.which(name) and not shutil.which(name, path="/usr/sbin"):
            pytest.skip(f"{name} is not installed")


class Repository:
    """Whatever the user has configured for git does not matter."""

    def __init__(self, directory: Path, config: Path, hook: str) -> None:
        needs("git")
        self.bare, self.clone = directory / "payinv.git", directory / "clone"
        self.env = {**os.environ, "HOME": str(directory), "GIT_CONFIG_GLOBAL": "/dev/null",
                    "GIT_CONFIG_NOSYSTEM": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        for who in ("AUTHOR", "COMMITTER"):
            self.env.update({f"GIT_{who}_NAME": "ana", f"GIT_{who}_EMAIL": "ana@payinv.example"})
        self._run("init", "-q", "--bare", "-b", "main", str(self.bare), cwd=directory)
        self._run("clone", "-q", str(self.bare), str(self.clone), cwd=directory)
        shutil.copy(HOOK, self.bare / "hooks" / hook)
        slotctl = directory / "slotctl"
        slotctl.write_text(f'#!/bin/sh\nexec {SLOTCTL} -c {config} "$@"\n')
        slotctl.chmod(0o755)
        self.configure("slotd.service", "payinv")
        self.configure("slotd.slotctl", str(slotctl))

    def _run(self, *arguments: str, cwd: Path) -> str:
        return subprocess.run(["git", *arguments], cwd=cwd, env=self.env, check=True, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True).stdout.strip()

    def configure(self, name: str, value: str) -> None:
        self._run("config", name, value, cwd=self.bare)

    def git(self, *arguments: str) -> str:
        return self._run(*arguments, cwd=self.clone)

    def head(self, ref: str = "main") -> str:
        """Of the bare repository; "" if it has no such branch."""
        return subprocess.run(["git", "rev-parse", "-q", "--verify", ref], cwd=self.bare, text=True,
                              env=self.env, capture_output=True, check=False).stdout.strip()

    def commit(self, text: str) -> str:
        """A commit with another file; its short hash."""
        (self.clone / "file").write_text(text)
        self.git("add", "file")
        self.git("commit", "-q", "-m", text)
        return self.git("rev-parse", "--short", "HEAD")

    def push(self, *refs: str) -> subprocess.Popen:
        """What the pusher reads comes line by line on its stdout."""
        return subprocess.Popen(["git", "push", "origin", *(refs or ("HEAD:refs/heads/main",))], text=True,
                                cwd=self.clone, env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def pushed(self, *refs: str) -> tuple:
        """(exit status, what the pusher has read)."""
        with self.push(*refs) as process:
            text = process.communicate(timeout=120)[0]
        return process.returncode, text
