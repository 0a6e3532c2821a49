"""Supervisor's own end-to-end tests pass with slotd and slotctl in the place of its programs."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.paths import BUILD, SLOTCTL, SLOTD

RUNNER = Path(__file__).with_name("supervisor_tests.py")
PYTHON = "/usr/bin/python3"

pytestmark = pytest.mark.long

pytest.importorskip("pexpect", reason="python3-pexpect is not installed")


def run(python, cwd, *names):
    done = subprocess.run([PYTHON, str(RUNNER), python, *names], cwd=cwd,
                          capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
    return dict(line.rsplit(" ", 1) for line in done.stdout.splitlines()), done.stderr


@pytest.fixture
def stand_in(tmp_path):
    """A "Python" whose supervisor modules are slotd's programs.

    Each slotd keeps its state in a directory of its own, for the one before may still be ending.
    """
    path, short = tmp_path / "python", tempfile.mkdtemp()  # short, for paths of sockets
    path.write_text(f"""#!/bin/sh
if [ "$1" = -m ]; then
    case $2 in
    supervisor.supervisord)
        shift 2
        own=$(mktemp -d {short}/slotd.XXXXXX)
        chmod 755 "$own"
        export STATE_DIRECTORY="$own" RUNTIME_DIRECTORY="$own" LOGS_DIRECTORY="$own"
        exec {SLOTD} "$@" ;;
    supervisor.supervisorctl) shift 2; exec {SLOTCTL} "$@" ;;
    supervisor.pidproxy) shift 2; exec {BUILD}/src/compat/pidproxy "$@" ;;
    esac
fi
exec {PYTHON} "$@"
""")
    path.chmod(0o755)
    for directory in (tmp_path, Path(short)):
        directory.chmod(0o755)
    yield path
    shutil.rmtree(short)


@pytest.mark.plain_only
@pytest.mark.xdist_group("supervisor's fixed paths in /tmp")
def test_supervisors_own_tests_pass(stand_in):
    ours, why = run(str(stand_in), stand_in.parent)
    assert ours, why
    failed = {name for name, how in ours.items() if how != "ok"}
    if failed:  # only what passes with Supervisor itself, in the same run, is asked of us
        theirs, _ = run(sys.executable, stand_in.parent, *sorted(failed))
        failed = {name for name in failed if theirs.get(name) == "ok"}
    assert not failed, why
