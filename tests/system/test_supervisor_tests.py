"""Supervisor's own end-to-end tests pass with slotd and slotctl in the place of its programs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paths import SLOTCTL, SLOTD

RUNNER = Path(__file__).with_name("supervisor_tests.py")
PYTHON = "/usr/bin/python3"

pytestmark = pytest.mark.long

pytest.importorskip("pexpect", reason="python3-pexpect is not installed")


def run(python, env, cwd, *names):
    done = subprocess.run([PYTHON, str(RUNNER), python, *names], env={**os.environ, **env}, cwd=cwd,
                          capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
    return dict(line.rsplit(" ", 1) for line in done.stdout.splitlines()), done.stderr


@pytest.fixture
def stand_in(tmp_path):
    """A "Python" whose supervisor modules are slotd's programs."""
    path = tmp_path / "python"
    path.write_text(f"""#!/bin/sh
if [ "$1" = -m ]; then
    case $2 in
    supervisor.supervisord) shift 2; exec {SLOTD} "$@" ;;
    supervisor.supervisorctl) shift 2; exec {SLOTCTL} "$@" ;;
    esac
fi
exec {PYTHON} "$@"
""")
    path.chmod(0o755)
    return path


@pytest.fixture
def directories(tmp_path):
    """Where a slotd that is told no state_dir and run_dir keeps them, as under systemd."""
    env = {}
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "LOGS_DIRECTORY"):
        (tmp_path / name).mkdir()
        env[name] = str(tmp_path / name)
    tmp_path.chmod(0o755)
    return env


@pytest.mark.plain_only
@pytest.mark.xdist_group("supervisor's fixed paths in /tmp")
def test_supervisors_own_tests_pass(stand_in, directories):
    ours, why = run(str(stand_in), directories, stand_in.parent)
    assert ours, why
    failed = {name for name, how in ours.items() if how != "ok"}
    if failed:  # only what passes with Supervisor itself, in the same run, is asked of us
        theirs, _ = run(sys.executable, {}, stand_in.parent, *sorted(failed))
        failed = {name for name in failed if theirs.get(name) == "ok"}
    assert not failed, why
