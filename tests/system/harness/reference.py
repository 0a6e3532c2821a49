"""The real supervisord of the Debian package, in a private directory, as slotd's Daemon is."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
import xmlrpc.client
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import supervisorctl
from .daemon import _UnixTransport
from .procs import wait_for

SUPERVISORD = "/usr/bin/supervisord"

_HEAD = """\
[supervisord]
logfile={dir}/supervisord.log
pidfile={dir}/supervisord.pid
childlogdir={dir}/log
loglevel=debug
[unix_http_server]
file={dir}/sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{dir}/sock
"""


class Supervisord:
    def __init__(self, config: str) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="slotd."))
        (self.dir / "log").mkdir()
        self.config = self.dir / "supervisord.conf"
        self.write_config(config)
        self.process = None

    def write_config(self, text: str) -> None:
        text = _HEAD.format(dir=self.dir) + textwrap.dedent(text)
        self.config.write_text(text.replace("%D%", str(self.dir)))

    def start(self) -> "Supervisord":
        self.process = subprocess.Popen(
            ["/usr/bin/python3", SUPERVISORD, "-n", "-s", "-c", str(self.config)], cwd=self.dir,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        wait_for(self._listens, "supervisord listens", 30)
        return self

    def _listens(self) -> bool:
        """It makes the name some time before it listens."""
        with suppress(OSError), socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.dir / "sock"))
            return True
        return False

    @property
    def rpc(self) -> xmlrpc.client.ServerProxy:
        return xmlrpc.client.ServerProxy(
            "http://localhost/RPC2", transport=_UnixTransport(str(self.dir / "sock")))

    def supervisorctl(self, *args: str, **run: Any) -> subprocess.CompletedProcess:
        return supervisorctl.run(["-c", str(self.config), *args], cwd=self.dir, env=None,
                                 timeout=120, **run)

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if self.process:
            self.process.wait(60)
        shutil.rmtree(self.dir, ignore_errors=True)
