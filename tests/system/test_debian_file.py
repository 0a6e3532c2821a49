"""Debian's own /etc/supervisor/supervisord.conf starts unchanged, with a conf.d of varied programs.

The same file, at its own path, for the real supervisord and for slotd: a mount namespace puts
private directories in the place of conf.d, /var/log/supervisor and /run. What the clients are
told and what the programs wrote must be equal.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import xmlrpc.client
from pathlib import Path

import pytest

from harness.daemon import _UnixTransport
from harness.paths import SLOTD
from harness.procs import wait_for

CONFIG = Path("/etc/supervisor/supervisord.conf")
PROGRAMS = Path(__file__).with_name("conf.d")
LISTENER = Path(__file__).with_name("apps") / "listener.py"

pytestmark = [
    pytest.mark.plain_only,  # beside a real supervisord, at its pace
    pytest.mark.skipif(not CONFIG.exists(), reason="the package supervisor is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting and user= want root"),
    pytest.mark.skipif(subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode,
                       reason="no mount namespaces here"),
]

SETTLED = {
    "FATAL": {"missing", "too-quick"},
    "EXITED": {"codes", "capture", "no-restart"},
    "STOPPED": {"manual"},
}
LINES = 45  # in all logs together, one more for the numbers of the events
EVENTS = "ear.events"
VOLATILE = {"pid", "now", "start", "stop"}


class Machine:
    """A Debian with Supervisor's tree, as the daemon started in it sees it."""

    def __init__(self, argv, http_port, fcgi_port):
        self.dir = Path(tempfile.mkdtemp(prefix="slotd."))
        self.dir.chmod(0o755)
        for name in ("log", "run", "state", "slotd-log"):
            (self.dir / name).mkdir()
        (self.dir / "run/payinv").mkdir()
        script = "\n".join([
            f"mount --bind {PROGRAMS} /etc/supervisor/conf.d",
            f"mount --bind {self.dir}/log /var/log/supervisor",
            f"mount --bind {self.dir}/run /run",
            'exec "$@"',
        ])
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8", "HOME": "/root", "DEPLOY_ENV": "production", "PERCENT": "100%",
            "PYTHONDONTWRITEBYTECODE": "1", "LISTENER": str(LISTENER),
            "STATE_DIRECTORY": str(self.dir / "state"),
            "LOGS_DIRECTORY": str(self.dir / "slotd-log"),
            "HTTP_PORT": str(http_port), "FCGI_PORT": str(fcgi_port),
        }
        self.stdout = open(self.dir / "stdout", "wb")
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-e", "-c", script, "sh", *argv, "-n", "-c", str(CONFIG)],
            cwd="/", env=env, stdin=subprocess.DEVNULL, stdout=self.stdout,
            stderr=subprocess.STDOUT)
        self.rpc = xmlrpc.client.ServerProxy(
            "http://localhost/RPC2", transport=_UnixTransport(f"{self.dir}/run/supervisor.sock"))

    def said(self):
        return (self.dir / "stdout").read_text(errors="replace")

    def settled(self):
        assert self.process.poll() is None, self.said()
        try:
            infos = {i["name"]: i["statename"] for i in self.rpc.supervisor.getAllProcessInfo()}
        except OSError:
            return False
        wanted = {name: state for state, names in SETTLED.items() for name in names}
        return all(state == wanted.get(name, "RUNNING") for name, state in infos.items())

    def logs(self):
        """What the programs wrote, by the name of the file without its random part."""
        texts = {re.sub(r"-\w{8}\.log$", "-RANDOM.log", path.name): path.read_text()
                 for path in (self.dir / "log").iterdir() if path.name != "supervisord.log"}
        return {name: in_any_order(text) if name == EVENTS else text
                for name, text in texts.items() if text}

    def has_said_all(self):
        return sum(text.count("\n") for text in self.logs().values()) >= LINES

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.stdout.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        return status


def in_any_order(events):
    """Which of two programs is given up first is a matter of milliseconds; how they are counted and
    what is said of each is not."""
    names, numbers, rest = zip(*(line.split(" ", 2) for line in events.splitlines()))
    said = sorted(map(" ".join, zip(names, rest)))
    return "".join(f"{line}\n" for line in [" ".join(numbers), *said])


def plain(value):
    if isinstance(value, list):
        return {f"{v['group']}:{v['name']}": plain(v) for v in value}
    value = {k: "*" if k in VOLATILE and v else v
             for k, v in value.items() if k != "autorestart"}  # 4.4 tells it, 4.2 does not
    for key, text in value.items():
        if isinstance(text, str):
            text = re.sub(r"pid \d+, uptime \d+:\d\d:\d\d", "pid *, uptime *", text)
            text = re.sub(r"\b[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M\b", "DATE", text)
            value[key] = re.sub(r"-\w{8}\.log$", "-RANDOM.log", text)
    return value


def heard_from(argv, http_port, fcgi_port):
    machine = Machine(argv, http_port, fcgi_port)
    try:
        wait_for(machine.settled, "all programs are where they should be", 60)
        wait_for(machine.has_said_all, "they have said what they say")
        return {"info": plain(machine.rpc.supervisor.getAllProcessInfo()),
                "config": plain(machine.rpc.supervisor.getAllConfigInfo()),
                "logs": machine.logs()}
    finally:
        print(machine.said())
        machine.end()


def test_it_is_the_same_as_under_supervisord(ports):
    numbers = [ports.one(), ports.one()]
    assert len(list(PROGRAMS.glob("*.conf"))) >= 20
    theirs = heard_from(["/usr/bin/supervisord"], *numbers)
    ours = heard_from([str(SLOTD)], *numbers)
    different = [f"{what} of {name}:\n  supervisord: {value}\n  slotd: {ours[what].get(name)}"
                 for what, values in theirs.items() for name, value in values.items()
                 if ours[what].get(name) != value]
    assert not different, "\n".join(different)
    assert [set(values) for values in ours.values()] == [set(values) for values in theirs.values()]
