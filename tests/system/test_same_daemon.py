"""Daemonized, slotd looks as supervisord does: to the shell, to its programs, and on disk."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.paths import SLOTD
from harness.procs import alive, wait_for
from harness.reference import SUPERVISORD

pytestmark = [
    pytest.mark.plain_only,  # beside a real supervisord, at its pace
    pytest.mark.skipif(os.geteuid() != 0, reason="user= wants root"),
]

CONFIG = """
[supervisord]
logfile=%D%/main.log
pidfile=%D%/pid
childlogdir=%D%/log
{options}
[slotd]
state_dir=%D%/state
run_dir=%D%/run
log_dir=%D%
[unix_http_server]
file=%D%/sock
{server}
[program:see]
command=/bin/sh -c 'echo here >&2; umask; pwd; id -un; readlink /proc/$$/fd/0 | cut -c1-4;
    echo $SUPERVISOR_SERVER_URL; echo done; exec cat'
stdout_logfile=%D%/see.out
"""


class Started:
    """A daemon of either kind, and what can be seen of it."""

    def __init__(self, program, options, server, args):
        self.program = program
        self.dir = Path(tempfile.mkdtemp(prefix="slotd-test."))
        self.dir.chmod(0o1777)  # else anybody could replace the file, which slotd refuses as root
        (self.dir / "log").mkdir(mode=0o777)
        (self.dir / "log").chmod(0o777)
        text = CONFIG.format(options=options, server=server)
        if program == SUPERVISORD:
            text = re.sub(r"\[slotd\](\n.+){3}", "", text)
        (self.dir / "c.conf").write_text(text.replace("%D%", str(self.dir)))
        self.shell = subprocess.run([program, "-c", "c.conf", *args], cwd=self.dir, timeout=60,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL)
        wait_for((self.dir / "pid").exists, "there is a pid file")
        self.pid = int((self.dir / "pid").read_text())

    def read(self, name):
        path = self.dir / name
        return path.read_text().replace(str(self.dir), "%D%") if path.exists() else ""

    def looks(self):
        wait_for(lambda: "done\n" in self.read("see.out"), "the program has looked around")
        wait_for(lambda: list((self.dir / "log").glob("see-stderr*")), "it has an AUTO log")
        stats = {name: (self.dir / name).stat() for name in ("pid", "sock", "see.out")}
        return {
            "shell": (self.shell.returncode, self.shell.stdout),
            "program": self.read("see.out"),
            "files": {name: (oct(s.st_mode), s.st_uid, s.st_gid) for name, s in stats.items()},
            "logs": sorted((re.sub(r"-\w{8}\.log", "-RANDOM.log", path.name),
                            oct(path.stat().st_mode), path.stat().st_uid)
                           for path in (self.dir / "log").iterdir()
                           if path.name.startswith("see-")),
            "directory": os.readlink(f"/proc/{self.pid}/cwd").replace(str(self.dir), "%D%"),
            "descriptors": [os.readlink(f"/proc/{self.pid}/fd/{n}") for n in range(3)],
            "leads a session": os.getsid(self.pid) == self.pid,
            "umask": re.search(r"Umask:.*", Path(f"/proc/{self.pid}/status").read_text())[0],
            "left": self.end(),
        }

    def end(self):
        if alive(self.pid):
            os.kill(self.pid, signal.SIGTERM)
        wait_for(lambda: not alive(self.pid), "the daemon ends", 30)
        return [name for name in ("pid", "sock") if (self.dir / name).exists()]

    def remove(self):
        self.end()
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.mark.parametrize("options, server, args", [
    ("", "", []),
    ("directory=/usr\numask=077\nidentifier=payinv", "chmod=0770\nchown=nobody:nogroup", []),
    ("user=nobody", "", []),
    ("", "", ["-u", "nobody", "-m", "007", "-d", "/usr/share", "-i", "payinv", "-e", "debug"]),
], ids=["plain", "options", "user", "letters"])
def test_a_daemon_looks_the_same(options, server, args):
    looks = []
    for program in (SUPERVISORD, str(SLOTD)):
        daemon = Started(program, options, server, args)
        try:
            looks.append(daemon.looks())
        finally:
            daemon.remove()
    assert looks[0] == looks[1]
