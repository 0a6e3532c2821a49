"""A server that answers slotctl as a test wants it: XML-RPC over a unix socket."""

import socketserver
import threading
import xmlrpc.server
from pathlib import Path
from typing import Any, Callable, Dict


class _Handler(xmlrpc.server.SimpleXMLRPCRequestHandler):
    rpc_paths = ("/RPC2",)
    wbufsize = -1
    disable_nagle_algorithm = False  # a unix socket has none

    def address_string(self) -> str:
        return "unix"

    def do_POST(self) -> None:
        self.server.headers.append(self.headers)
        super().do_POST()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer,
              xmlrpc.server.SimpleXMLRPCDispatcher):
    daemon_threads = True
    _send_traceback_header = False  # the request handler asks its server

    def __init__(self, path: Path) -> None:
        socketserver.UnixStreamServer.__init__(self, str(path), _Handler)
        xmlrpc.server.SimpleXMLRPCDispatcher.__init__(self, allow_none=True)
        self.headers = []

    logRequests = False  # not on stderr

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


class FakeSlotd:
    """FakeSlotd(path, {"slotd.swap": lambda service: 7}).start(); calls holds what was asked, headers
    those of each request."""

    def __init__(self, path: Path, methods: Dict[str, Callable[..., Any]]) -> None:
        self.path = path
        self.calls = []
        self._server = _Server(path)
        self.headers = self._server.headers
        defaults = {"supervisor.getVersion": lambda: "3.0"}
        for name, function in {**defaults, **methods}.items():
            self._server.register_function(self._noted(name, function), name)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def _noted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.calls.append((name, *args))
            return function(*args)

        return call

    def __enter__(self) -> "FakeSlotd":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def worker(name: str, group: str = "", **fields: Any) -> Dict[str, Any]:
    """A row of slotd.status()'s workers."""
    return {"name": name, "group": group or name, "start": 1000, "stop": 0, "now": 90000,
            "state": 20, "statename": "RUNNING", "spawnerr": "", "exitstatus": 0, "logfile": "",
            "stdout_logfile": "", "stderr_logfile": "", "pid": 4188,
            "description": "pid 4188, uptime 0:00:09", "program": name, "restarts": 0,
            "last_exit": "", "service": "", "slot": "", "address": "", "healthy": False,
            "pending": False, "lost_lines": 0, "note": "", **fields}


def slot(which: str, service: str = "payinv", **fields: Any) -> Dict[str, Any]:
    return {"slot": which, "name": f"{service}-{which}", "state": 0, "release": "", "ready": 0,
            "total": 2, "share": 10000 if fields.get("state") == 3 else 0, "queued": 0,
            "active": 0, "idle": 0, "since": 0, "deadline": 0, "remark": "", "note": "", **fields}


def service(name: str = "payinv", live: str = "b", **fields: Any) -> Dict[str, Any]:
    return {"service": name, "live": live, "generation": 3, "step": "none", "since": 0,
            "listens": ["127.0.0.1:8000"], "note": "", "troubles": [], "job": 0, "who": "",
            "slots": [slot("a", name, release="91ab03d"),
                      slot("b", name, state=3, release="4f2c91e", ready=2, active=18, idle=5)],
            **fields}


def status(workers=(), services=(), only=None) -> Dict[str, Any]:
    workers, services = ([o for o in each if only in (None, o["service"])]
                         for each in (workers, services))
    return {"daemon": {"identification": "supervisor", "version": "0", "statecode": 1,
                       "statename": "RUNNING", "pid": 1, "since": 1},
            "workers": list(workers), "services": list(services)}
