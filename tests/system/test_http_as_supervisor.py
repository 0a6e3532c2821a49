"""The same HTTP requests to the real supervisord and to slotd: statuses and headers that clients see.

A difference that is meant is in slotd-supervisor(7) and in DIFFERENT here.
"""

import base64
import http.client
import re
import socket

import pytest

from harness.procs import wait_for
from harness.reference import Supervisord

pytestmark = pytest.mark.plain_only  # beside a real supervisord, at its pace

CONFIG = """
[program:talk]
command=/bin/sh -c 'echo out one; echo err one >&2; exec sleep 1000'
startsecs=0
stdout_logfile=%D%/talk.out
stderr_logfile=%D%/talk.err

[program:quiet]
command=/bin/cat
startsecs=0
stdout_logfile=NONE
"""

GET_STATE = b"<methodCall><methodName>supervisor.getState</methodName></methodCall>"
TYPE_ERROR = (b"<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param>"
              b"<value><int>5</int></value></param></params></methodCall>")


def get(path, method="GET", version="1.1", headers=""):
    return f"{method} {path} HTTP/{version}\r\nHost: x\r\n{headers}\r\n".encode()


def post(body, path="/RPC2", version="1.1", headers=""):
    length = f"Content-Length: {len(body)}\r\n"
    return get(path, "POST", version, headers + length) + body


REQUESTS = {
    "a call": post(GET_STATE),
    "a call, then close": post(GET_STATE, headers="Connection: close\r\n"),
    "a call of HTTP/1.0": post(GET_STATE, version="1.0"),
    "a call below /RPC2": post(GET_STATE, "/RPC2/more"),
    "a call beside /RPC2": post(GET_STATE, "/RPC2more"),
    "a call without a length": get("/RPC2", "POST"),
    "a call with a wrong type": post(TYPE_ERROR),
    "no XML": post(b"hello"),
    "no method": post(b"<methodCall></methodCall>"),
    "GET of /RPC2": get("/RPC2"),
    "HEAD of /RPC2": get("/RPC2", "HEAD"),
    "PUT": get("/RPC2", "PUT", headers="Content-Length: 3\r\n") + b"abc",
    "DELETE": get("/", "DELETE"),
    "OPTIONS": get("/", "OPTIONS"),
    "a method in small letters": get("/", "get"),
    "a log": get("/logtail/talk"),
    "a log by its whole name": get("/logtail/talk%3Atalk"),
    "stdout": get("/logtail/talk/stdout"),
    "stderr": get("/logtail/talk/stderr"),
    "another channel": get("/logtail/talk/stdin"),
    "a channel and more": get("/logtail/talk/stdout/x"),
    "a log that is not there": get("/logtail/quiet"),
    "a log of nobody": get("/logtail/nobody"),
    "a log of a group": get("/logtail/talk:*"),
    "a log without a name": get("/logtail/"),
    "/logtail": get("/logtail"),
    "HEAD of a log": get("/logtail/talk", "HEAD"),
    "POST to a log": get("/logtail/talk", "POST", headers="Content-Length: 0\r\n"),
    "the main log": get("/mainlogtail"),
    "the main log with a slash": get("/mainlogtail/"),
    "POST to the main log": get("/mainlogtail", "POST", headers="Content-Length: 0\r\n"),
    "the page": get("/"),
    "the page by its name": get("/index.html"),
    "the end of a log": get("/tail.html?processname=talk"),
    "a health check": get("/ok.html"),
    "HEAD of a health check": get("/ok.html", "HEAD"),
    "an action": get("/?action=refresh"),
    "an action on nobody": get("/?action=stop&processname=nobody"),
    "an unknown action": get("/?action=what"),
    "no page": get("/nothing"),
    "a way up": get("/../../etc/passwd"),
    "an encoded way up": get("/%2e%2e/%2e%2e/etc/passwd"),
    "a way up in a log's name": get("/logtail/..%2f..%2fetc%2fpasswd"),
    "a NUL": get("/ok.html%00x"),
    "a NUL in a log's name": get("/logtail/talk%00"),
}

# Status of supervisord and of slotd.
DIFFERENT = {
    "a call with a wrong type": (500, 200),  # a fault
    "/logtail": (500, 404),
    "HEAD of a health check": (404, 200),
    "an action": (301, 303),  # browsers keep a 301 for ever
    "an action on nobody": (301, 303),
    "an unknown action": (500, 400),
    "a NUL": (404, 400),
    "a NUL in a log's name": (404, 400),
}

# Those of the library; and what only one side says, to proxies and browsers.
FREE_HEADERS = {"server", "date", "connection", "content-length", "x-accel-buffering",
                "x-content-type-options", "content-security-policy"}


def ask(connect, request):
    """Status and headers of an answer; a stream's answer does not end."""
    with connect() as s:
        s.settimeout(20)
        s.sendall(request)
        answer = http.client.HTTPResponse(s, method=request.split(b" ")[0].decode().upper())
        answer.begin()
        headers = {name.lower(): re.sub(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "DATE", value)
                   for name, value in answer.getheaders()}
        answer.close()
    return answer.status, {n: v for n, v in headers.items() if n not in FREE_HEADERS}


def unix(path):
    def connect():
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(path))
        return s
    return connect


def tcp(port):
    return lambda: socket.create_connection(("127.0.0.1", port))


@pytest.fixture
def twins(slotd):
    """twins(supervisord's configuration, slotd's): a real one, and ours."""
    references = []

    def make(theirs, ours):
        reference = Supervisord(theirs)
        references.append(reference.start())
        daemon = slotd(ours)
        for log in (reference.dir / "talk.err", daemon.dir / "talk.err"):
            wait_for(lambda: log.exists() and log.read_text() == "err one\n", "talk has talked")
        return reference, daemon

    yield make
    for reference in references:
        reference.end()


def test_requests_are_answered_as_by_supervisord(twins):
    reference, daemon = twins(CONFIG, CONFIG)
    wrong = []
    for name, request in REQUESTS.items():
        theirs = ask(unix(reference.dir / "sock"), request)
        ours = ask(unix(daemon.socket), request)
        if name in DIFFERENT:
            right = (theirs[0], ours[0]) == DIFFERENT[name]
        else:
            right = theirs[0] == ours[0] and (theirs[0] >= 400 or theirs[1] == ours[1])
        if not right:
            wrong.append(f"{name}\n  supervisord: {theirs}\n  slotd:       {ours}")
    assert not wrong, "\n".join(wrong)


def basic(text):
    return "Authorization: Basic " + base64.b64encode(text.encode()).decode() + "\r\n"


@pytest.mark.parametrize("password", ["se:cret", "{SHA}a6fd8606f8f12a7541202a933e4a2a986fd9c1a1"],
                         ids=["plain", "SHA"])
def test_passwords_are_asked_for_as_by_supervisord(twins, ports, password):
    config = CONFIG + f"[inet_http_server]\nusername=ana\npassword={password}\nport=127.0.0.1:"
    one, other = ports.one(), ports.one()
    twins(config + str(one), config + str(other))
    for name, header in {
            "none": "", "right": basic("ana:se:cret"), "wrong": basic("ana:secret"),
            "empty": basic("ana:"), "another user": basic("eve:se:cret"),
            "long": basic("ana" * 1000 + ":" + "x" * 1000),
            "the hash itself": basic(f"ana:{password}"),
            "another scheme": "Authorization: Bearer abc\r\n"}.items():
        for request in (post(GET_STATE, headers=header), get("/ok.html", headers=header),
                        get("/logtail/talk", headers=header)):
            assert ask(tcp(one), request) == ask(tcp(other), request), name
