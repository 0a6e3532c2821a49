"""slotd installed into a small Debian and started by its own unit of a real, booted systemd."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.paths import BUILD, ROOT, WEB

HERE = Path(__file__).parent
CONFIG = """\
[program:payinv-a]
command=/opt/web 127.0.0.1:%(process_num)d a
process_name=%(program_name)s_%(process_num)d
numprocs=2
numprocs_start=8001
[program:payinv-b]
command=/opt/web 127.0.0.1:%(process_num)d b
process_name=%(program_name)s_%(process_num)d
numprocs=2
numprocs_start=8101
[program:slow]
command=/opt/slow
startsecs=0
stopwaitsecs=600
[program:leaves]
command=/opt/leaves
startsecs=0
stopwaitsecs=1
killasgroup=true
[service:payinv]
listen=127.0.0.1:8000
slot_a=payinv-a
slot_b=payinv-b
health=http /healthz
live_file=/var/lib/payinv-live
idle_keep=0
prepare=env > /usr/local/prepare.env && cp /tmp/shared /usr/local/copied
"""
DROP_IN = """\
[Service]
ExecStartPost=/usr/bin/python3 -c "import socket; socket.create_connection(('127.0.0.1', 8000))"
ExecStartPost=/usr/bin/touch /run/connected-after-ready
WatchdogSec=3
TimeoutStopSec=8
TimeoutStartSec=5
"""
# Ends as many seconds after TERM as /run/slow says.
SLOW = """\
#!/bin/sh
trap 'sleep "$(cat /run/slow || echo 0)"; echo $$ >>/run/finished; exit 0' TERM
while :; do sleep 0.1; done
"""

LEAVES = """\
#!/bin/sh
trap "" TERM
setsid sleep 4242 &
while :; do wait; done
"""
FRONT = """\
[Unit]
Requires=slotd.service
After=slotd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={0}
ExecStop={0}
""".format("""/usr/bin/python3 -c "import socket; socket.create_connection(('127.0.0.1', 8000))\"""")


def install(tree):
    subprocess.run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--quiet"], check=True,
                   env={**os.environ, "DESTDIR": str(tree)}, stdout=subprocess.DEVNULL)


@pytest.fixture
def tree(tmp_path):
    tree = tmp_path / "tree"
    install(tree)
    return tree


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_everything_is_installed_in_its_place(tree):
    files = {str(p.relative_to(tree)) for p in tree.rglob("*") if p.is_file()}
    expected = {
        "usr/local/sbin/slotd", "usr/local/bin/slotctl",
        *(f"usr/local/{place}" for name in ("pidproxy", "echo_supervisord_conf")
          for place in (f"bin/{name}", f"share/man/man1/{name}.1")),
        *(f"usr/local/libexec/slotd/slotd-{h}" for h in ("keep", "relay", "log", "probe", "control")),
        "usr/local/share/man/man8/slotd.8", "usr/local/share/man/man1/slotctl.1",
        "usr/local/share/man/man5/slotd.conf.5",
        "usr/local/share/man/man7/slotd-supervisor.7",
        "usr/local/lib/systemd/system/slotd.service",
    }
    assert expected <= files, expected - files
    assert any("completion" in f for f in files), "no completions"


def test_the_units_are_clean(tree, tmp_path):
    unit = (tree / "usr/local/lib/systemd/system/slotd.service").read_text()
    unit = unit.replace("/usr/local/", f"{tree}/usr/local/")
    (tmp_path / "slotd.service").write_text(unit)
    shutil.copy(ROOT / "contrib/systemd/slotd.socket", tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
         str(tmp_path / "slotd.service"), str(tmp_path / "slotd.socket")],
        capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "slotd" in line]
    assert done.returncode == 0 and not ours, done.stderr


def test_the_unit_limits_nothing_that_workers_need():
    unit = (ROOT / "contrib/systemd/slotd.service.in").read_text()
    limits = re.findall(r"^(Protect\w+|Private\w+|NoNewPrivileges|ReadOnly\w+|Inaccessible\w+|"
                        r"SystemCall\w+|Restrict\w+|Capability\w+|User|Group|DynamicUser|UMask|"
                        r"\w*Directory|Environment\w*|Memory\w+|CPU\w+)=", unit, re.M)
    assert not limits


def boot(tree, *arguments):
    """Boots it, and returns what the checks printed."""
    put(tree / "etc/slotd/slotd.conf", CONFIG)
    put(tree / "etc/systemd/system/slotd.service.d/test.conf", DROP_IN)
    put(tree / "opt/slow", SLOW)
    shutil.copy(WEB, tree / "opt/web")
    put(tree / "opt/leaves", LEAVES)
    for name in ("slow", "leaves"):
        (tree / "opt" / name).chmod(0o755)
    put(tree / "etc/systemd/system/front.service", FRONT)
    (tree / "etc/systemd/system/multi-user.target.wants").mkdir()
    (tree / "etc/systemd/system/multi-user.target.wants/front.service").symlink_to("../front.service")
    done = subprocess.run([str(HERE / "boot"), str(tree), str(HERE / "boot_checks.py"), *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode == 77:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.first
@pytest.mark.plain_only
def test_slotd_under_a_booted_systemd(tree):
    assert "ok a_reboot_keeps_who_is_live" in boot(tree)


@pytest.mark.plain_only
def test_the_power_is_cut_in_the_middle_of_swaps_and_deploys(tree):
    said = boot(tree, "power-cuts")
    assert "ok power_cuts" in said
    print(said)
