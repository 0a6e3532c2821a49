"""A slotd of the test's own: config, start, readiness, clients, end."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
import time
import xmlrpc.client
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

from . import procs, supervisorctl
from .paths import SLOTCTL, SLOTD
from .procs import SLOW, wait_for

WARM, COLD = 2, 0  # a slot's state: its workers run on, none of them runs

_HEAD = """\
[supervisord]
logfile={dir}/slotd.log
pidfile={dir}/slotd.pid
childlogdir={dir}/log
loglevel=debug
[slotd]
state_dir={dir}/state
run_dir={dir}/run
log_dir={dir}/log
[supervisorctl]
serverurl=unix://{dir}/run/slotd.sock
"""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def posted(path: str, method: str, *params: Any, **headers: str) -> Any:
    """The value that a call of the API gets which is sent to this socket with these headers."""
    with contextlib.closing(_UnixConnection(path)) as connection:
        connection.timeout = 20
        connection.request("POST", "/RPC2", xmlrpc.client.dumps(params, method), headers)
        return xmlrpc.client.loads(connection.getresponse().read())[0][0]


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        self._connection = host, _UnixConnection(self._path)
        return self._connection[1]

    def single_request(self, *args: Any, **kwargs: Any) -> Any:
        """A connection for each call: nobody has to close a proxy."""
        try:
            return super().single_request(*args, **kwargs)
        finally:
            self.close()


def _checked(done: subprocess.CompletedProcess) -> subprocess.CompletedProcess:
    assert done.returncode == 0, f"{done.args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


class Daemon:
    """slotd -n in a private directory. Nothing of it outlives the test."""

    def __init__(self, config: str = "", env: Optional[Dict[str, str]] = None) -> None:
        # Short, for unix socket paths end at 107 bytes, and open to the unprivileged helpers.
        self.dir = Path(tempfile.mkdtemp(prefix="slotd."))
        self.dir.chmod(0o755)
        (self.dir / "log").mkdir()
        self.config = self.dir / "slotd.conf"
        self.write_config(config)
        self.env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        self.program = SLOTD
        self.process: Optional[subprocess.Popen] = None
        self.wrapped = False  # by a command that may not be slotd itself in the end
        self.expected_status = {0}  # of its end; a test that kills it says otherwise
        self.socket = self.dir / "run/slotd.sock"

    def write_config(self, text: str, head: bool = True) -> None:
        """%D% stands for the private directory."""
        self.config.write_text(self._config_text(text, head))

    def replace_config(self, text: str) -> None:
        """At once, for those who read it meanwhile."""
        beside = self.dir / "slotd.conf.new"
        beside.write_text(self._config_text(text))
        beside.replace(self.config)

    def _config_text(self, text: str, head: bool = True) -> str:
        text = (_HEAD if head else "").format(dir=self.dir) + textwrap.dedent(text)
        return text.replace("%D%", str(self.dir))

    # ---- life

    def start(self, *args: str, wait: bool = True, wrap: Sequence[str] = (),
              **popen: Any) -> "Daemon":
        output = open(self.dir / "stderr", "ab")
        self.wrapped = bool(wrap)
        self.process = subprocess.Popen(
            [*wrap, str(self.program), "-n", "-c", str(self.config), *args],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            cwd=self.dir, env=self.env, **popen)
        output.close()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        def answers() -> bool:
            status = self.process.poll()
            assert status is None, f"slotd ended with {status}:\n{self.stderr()}"
            try:
                # Not the slotd-control of one that was killed, which answers until it is ended.
                return self.rpc.supervisor.getState()["statename"] == "RUNNING" and (
                    self.wrapped or self.rpc.supervisor.getPID() == self.pid)
            except (OSError, http.client.HTTPException, xmlrpc.client.Error):
                return False

        wait_for(answers, "slotd answers on its socket", 60)

    def restart(self, command: Optional[Callable[[], object]] = None) -> None:
        """Everything of it, by RPC or by a command of the test; until the new run answers."""
        begins = f"supervisord started with pid {self.pid}\n"
        runs = self.log().count(begins)
        (command or self.rpc.supervisor.restart)()
        wait_for(lambda: self.log().count(begins) > runs, "another run of slotd begins", 60)
        self.wait_ready()

    @property
    def pid(self) -> int:
        return self.process.pid

    def end(self, timeout: float = 60) -> int:
        """SIGTERM, then its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout * SLOW)

    def kill(self) -> None:
        """kill -9 of slotd alone."""
        self.expected_status = {0, -signal.SIGKILL}
        self.process.kill()
        self.process.wait(30)

    def remove(self) -> None:
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- clients

    @property
    def rpc(self) -> xmlrpc.client.ServerProxy:
        return xmlrpc.client.ServerProxy("http://localhost/RPC2",
                                         transport=_UnixTransport(str(self.socket)),
                                         allow_none=True)

    def connection(self) -> http.client.HTTPConnection:
        """Another one to slotd's own socket, not open yet."""
        return _UnixConnection(str(self.socket))

    def ctl(self, *args: str, check: bool = False, timeout: float = 120,
            **run: Any) -> subprocess.CompletedProcess:
        """slotctl; check insists on exit status 0."""
        run.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([str(SLOTCTL), "-c", str(self.config), *args], capture_output=True,
                              text=True, timeout=timeout * SLOW, cwd=self.dir, env=self.env, **run)
        return _checked(done) if check else done

    def supervisorctl(self, *args: str, check: bool = False, timeout: float = 120,
                      **run: Any) -> subprocess.CompletedProcess:
        """The real one, of the Debian package."""
        done = supervisorctl.run(["-c", str(self.config), *args], cwd=self.dir, env=self.env,
                                 timeout=timeout * SLOW, **run)
        return _checked(done) if check else done

    # ---- what can be seen

    def status(self) -> Dict[str, Any]:
        """slotd.status(): daemon, workers, services."""
        return self.rpc.slotd.status()

    def info(self, name: str) -> Dict[str, Any]:
        return self.rpc.supervisor.getProcessInfo(name)

    def worker(self, name: str) -> Dict[str, Any]:
        """Our own view of one worker ("group:name" or "name")."""
        for row in self.status()["workers"]:
            if name in (f"{row['group']}:{row['name']}", row["name"]):
                return row
        raise AssertionError(f"no worker {name}")

    def service(self, name: str) -> Dict[str, Any]:
        rows = self.rpc.slotd.status(name)["services"]
        assert rows, f"no service {name}"
        return rows[0]

    def slot(self, service: str, slot: str) -> Dict[str, Any]:
        return next(s for s in self.service(service)["slots"] if s["slot"] == slot)

    def wait_state(self, name: str, *states: str, timeout: float = 30) -> Dict[str, Any]:
        def there() -> Optional[Dict[str, Any]]:
            info = self.info(name)
            return info if info["statename"] in states else None

        return wait_for(there, f"{name} is {' or '.join(states)}", timeout)

    def helpers(self, name: str) -> List[int]:
        """pids of helper processes: helpers("relay")."""
        return sorted(pid for pid, comm in procs.children(self.pid).items()
                      if comm == f"slotd-{name}")

    def read(self, path: str) -> str:
        """A file of the private directory, "" when it is not there."""
        try:
            return (self.dir / path).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def log(self) -> str:
        return self.read("slotd.log")

    def stderr(self) -> str:
        return self.read("stderr")

    def wait_log(self, text: str, timeout: float = 30) -> None:
        def said() -> bool:
            status = self.process.poll()
            if text in self.log():
                return True
            assert status is None, f"slotd ended with {status}:\n{self.stderr()}"
            return False

        wait_for(said, f"the log says {text!r}", timeout)

    def all_logs(self) -> str:
        """Everything it wrote, for a test that failed."""
        parts = []
        for path in sorted(self.dir.rglob("*")):
            if path.is_file() and path.stat().st_size < 50_000_000 and path.suffix != ".pyc":
                tail = path.read_bytes()[-20_000:].decode(errors="replace")
                parts.append(f"---- {path.relative_to(self.dir)}\n{tail}")
        return "\n".join(parts)


def signal_and_wait(pid: int, signo: int = signal.SIGKILL, timeout: float = 30) -> float:
    """Signals a process that is not our child and waits for its end; seconds it took."""
    began = time.monotonic()
    os.kill(pid, signo)
    wait_for(lambda: not procs.alive(pid), f"process {pid} ends", timeout)
    return time.monotonic() - began


def as_json(done: subprocess.CompletedProcess) -> Any:
    return json.loads(done.stdout)
