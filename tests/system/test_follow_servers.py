"""Odd messages: where the relay says that a message ends, real servers and clients say so too.

What the follower pins is safe whatever a server makes of it; what it follows must end where the
server, or the client, ends it.
"""

import asyncio
import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
from typing import NamedTuple, Optional

import pytest

from harness import fronts, odd
from harness.apps import APPS
from harness.paths import BUILD
from harness.procs import wait_for
from harness.relay import A, B, LATE, Relays
from harness.servers import Worker, connect, keep

MARKER = b"GET /marker HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PATIENCE, MORE_PATIENCE = 2, 8

pytestmark = pytest.mark.plain_only  # a comparison of parsers: the fuzzer runs them under sanitizers


# ---- what the follower makes of it


def dump(lines):
    """The answers of follow_dump: (verdict, [ends], why) for each line but "new"."""
    done = subprocess.run([BUILD / "tests/system/follow_dump"], input="\n".join(lines) + "\n",
                          capture_output=True, text=True, check=True, timeout=60)
    parts = (line.split("\t") for line in done.stdout.splitlines())
    return [(verdict, [int(n) for n in ends.split(",") if n], why) for verdict, ends, why in parts]


class Followed:
    """The requests in some bytes, and what is known when each that is whole has its answer."""

    def __init__(self, data, ends, verdict):
        starts = [0, *ends]
        self.messages = [data[a:b] for a, b in zip(starts, ends)]
        self.rest = data[starts[-1]:]
        self.verdict = verdict


def follow_requests(messages):
    said = dump(line for data in messages for line in ("new", f"c {data.hex()}"))
    answered = dump(line for data, (_, ends, _) in zip(messages, said)
                    for line in ("new", f"c {data.hex()}", f"w {(EMPTY * len(ends)).hex() or ' '}"))
    return [Followed(data, ends, verdict)
            for data, (_, ends, _), (verdict, _, _) in zip(messages, said, answered[1::2])]


def body_of(message):
    head, _, body = message.partition(b"\r\n\r\n")
    if not re.search(rb"(?i)\r\ntransfer-encoding: *chunked(\r\n|$)", head):
        return body
    chunks = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if int(size, 16) == 0:
            return chunks
        chunks, body = chunks + body[:int(size, 16)], body[int(size, 16) + 2:]


# ---- servers


def listens(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


@contextlib.contextmanager
def process(name, arguments, port, **options):
    path = shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed")
    with subprocess.Popen([path, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, **options) as child:
        try:
            wait_for(lambda: listens(port), f"{name} listens")
            yield port
        finally:
            child.terminate()


def gunicorn(ports, _):
    port = ports.one()
    return process("gunicorn", ["echo_app:wsgi", "--bind", f"127.0.0.1:{port}", "-k", "gthread",
                                "--threads", "32", "--keep-alive", "30"], port, cwd=APPS,
                   env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


def uvicorn(ports, _):
    port = ports.one()
    return process("uvicorn", ["echo_app:asgi", "--port", str(port), "--log-level", "critical"], port,
                   cwd=APPS, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})


def node(ports, _):
    port = ports.one()
    return process("node", [f"{APPS}/echo.js", str(port)], port)


def java(ports, _):
    port = ports.one()
    return process("java", ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"{APPS}/Echo.java",
                            str(port)], port)


def proxy(start):
    """It passes on to node what it took for a request: who echoes says what that was."""

    @contextlib.contextmanager
    def before_node(ports, directory):
        directory.chmod(0o755)
        port = ports.one()
        with node(ports, directory) as back:
            front = start(directory, f"127.0.0.1:{port}", f"127.0.0.1:{back}")
            try:
                yield port
            finally:
                front.close()

    return before_node


SERVERS = {"gunicorn": gunicorn, "uvicorn": uvicorn, "node": node, "java": java,
           "nginx": proxy(fronts.nginx), "apache": proxy(fronts.apache)}


# ---- a conversation, message by message as the follower cuts it


class Disagreement(Exception):
    pass


async def read_answer(reader, method):
    """(status, body, does it end?) of a final answer; None when the connection ends instead."""
    try:
        head = b"HTTP/1.1 100 "
        while re.match(rb"HTTP/1.1 1\d\d ", head):
            head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    start = re.match(rb"HTTP/1\.\d (\d+) ", head)
    if not start:
        raise Disagreement(f"an answer that is none: {head!r}")
    status = int(start[1])
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    ends = bool(re.search(rb"(?i)\r\nconnection: *close", head))
    if method == b"HEAD" or status in (204, 304):
        return status, b"", ends
    if length:
        return status, await reader.readexactly(int(length[1])), ends
    if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        return status, body_of(head + await reader.readuntil(b"0\r\n\r\n")), ends
    return status, await reader.read(), True


def check_echo(message, status, body):
    message = message.lstrip(b"\r\n")  # empty lines before a request
    method, target = message.split(b" ", 2)[:2]
    if status >= 400 or method == b"HEAD" or target == b"*":  # Apache itself answers OPTIONS *
        return
    echoed = body.split(b" ")
    if echoed[0] != method or int(echoed[-1]) != len(body_of(message)):
        raise Disagreement(f"{message[:80]!r} was taken for {body!r}")
    if b"marker" in target and b"marker" not in echoed[1]:
        raise Disagreement(f"the marker was taken for {body!r}")


async def exchange(reader, writer, message, patience):
    """Whether the connection goes on."""
    with contextlib.suppress(ConnectionError):
        writer.write(message)
        await writer.drain()
    try:
        got = await asyncio.wait_for(read_answer(reader, message.split()[0]), patience)
    except asyncio.TimeoutError as e:
        raise Disagreement(f"no answer to {message[:80]!r}: it waits for more") from e
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    if got is None:
        return False
    check_echo(message, *got[:2])
    return not got[2]


async def expect_nothing(reader, data):
    with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
        got = await asyncio.wait_for(read_answer(reader, b"GET"), 0.5)
        if got and got[0] < 400:
            raise Disagreement(f"{data[:80]!r} is not whole, but was answered: {got}")


async def converse(port, followed, patience):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for message in followed.messages:
            if not await exchange(reader, writer, message, patience):
                return
        if followed.verdict == "open":
            writer.write(followed.rest)
            await expect_nothing(reader, followed.rest)
        elif followed.verdict == "between":
            if await exchange(reader, writer, MARKER, patience):
                await expect_nothing(reader, b"")
    finally:
        writer.close()


async def converse_all(port, everything):
    """{name: disagreement}; who disagrees is tried again with more patience: the machine may be slow."""
    gate = asyncio.Semaphore(24)

    async def one(name, patience):
        async with gate:
            try:
                await converse(port, everything[name], patience)
            except Disagreement as e:
                return name, str(e)
        return None

    again = await asyncio.gather(*(one(name, PATIENCE) for name in everything))
    return dict(filter(None, await asyncio.gather(*(one(tried[0], MORE_PATIENCE)
                                                    for tried in again if tried))))


@pytest.fixture(scope="module")
def followed_requests():
    made = odd.requests()
    return dict(zip(made, follow_requests(made.values())))


@pytest.mark.parametrize("server", SERVERS)
def test_a_request_ends_where_the_server_ends_it(ports, tmp_path, followed_requests, server):
    claims = {name: f for name, f in followed_requests.items() if f.messages or f.verdict != "pinned"}
    with SERVERS[server](ports, tmp_path) as port:
        troubles = asyncio.run(converse_all(port, claims))
    pinned = sum(f.verdict == "pinned" for f in followed_requests.values())
    print(f"{server}: {len(followed_requests)} odd requests, {pinned} pinned, "
          f"{len(followed_requests) - pinned} followed")
    assert not troubles
    assert len(followed_requests) > 200 and len(claims) > 40 and pinned > 100


# ---- answers


def request_for(answer, path):
    return f"{answer.method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


class Claim(NamedTuple):
    """What the follower makes of an odd answer."""

    whole: Optional[bytes]  # what of it is one answer; None: it does not say that it ended
    verdict: str


def follow_answers(made):
    said = dump(line for a in made for line in ("new", f"c {request_for(a, '/').hex()}",
                                                f"w {a.data.hex()}", "W"))
    claims = []
    for answer, (verdict, ends, _), (then, _, _) in zip(made, said[1::3], said[2::3]):
        if ends:
            claims.append(Claim(answer.data[:ends[0]], verdict))
        elif (verdict, then) == ("open", "last"):
            claims.append(Claim(answer.data, then))
        else:
            claims.append(Claim(None, verdict))
    return claims


def answer_body(data, method):
    while re.match(rb"HTTP/1.1 1\d\d ", data):
        data = data.partition(b"\r\n\r\n")[2]
    if method == "HEAD" or re.match(rb"HTTP/1.. (204|304)", data):
        return b""
    return body_of(data)


def odd_server(made, open_ones):
    """Answers /N with the N-th answer, and /marker with "marker"; hangs up unless N is in open_ones."""

    def serve(connection):
        stream = connection.makefile("rb")
        while True:
            line = stream.readline()
            while line and stream.readline().strip():
                pass
            if not line:
                return
            path = line.split()[1].decode()
            if path == "/marker":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nmarker")
                continue
            connection.sendall(made[int(path[1:])].data)
            if int(path[1:]) not in open_ones:
                return

    return Worker(serve)


def ask_python(port, method, i):
    """What came; what then came for the marker, None if not on this connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, f"/{i}")
        body = connection.getresponse().read()
        if not connection.sock:
            return body, None
        connection.request("GET", "/marker")
        return body, connection.getresponse().read()
    except TimeoutError as e:
        raise Disagreement("it waits for more") from e
    except (http.client.HTTPException, OSError, ValueError):
        return None, None
    finally:
        connection.close()


def with_python(port, made, _):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda i: caught(ask_python, port, made[i].method, i), range(len(made))))


def caught(ask, *arguments):
    try:
        return ask(*arguments)
    except Disagreement as e:
        return e


def ask_curl(port, method, i, directory):
    url, first, second = f"http://127.0.0.1:{port}", directory / f"{i}", directory / f"{i}-marker"
    head = ["-I"] if method == "HEAD" else []
    done = subprocess.run(["curl", "-s", "-m", "3", *head, "-o", first, "-w", "%{exitcode} ", f"{url}/{i}",
                           "--next", "-s", "-m", "3", "-o", second, "-w", "%{num_connects}", f"{url}/marker"],
                          capture_output=True, text=True, check=False, timeout=20)
    failed, *connects = done.stdout.split()
    if failed == "28":
        raise Disagreement("it waits for more")
    if failed != "0":
        return None, None
    body = first.read_bytes() if first.exists() and method != "HEAD" else b""
    return body, second.read_bytes() if connects == ["0"] else None


def with_curl(port, made, directory):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda i: caught(ask_curl, port, made[i].method, i, directory),
                             range(len(made))))


def with_node(port, made, _):
    script = APPS.parent / "clients/answers.js"
    done = subprocess.run(["node", script, str(port), *(a.method for a in made)],
                          capture_output=True, text=True, check=True, timeout=60)
    results = []
    for first, second in json.loads(done.stdout):
        if first.get("error") == "hangs":
            results.append(Disagreement("it waits for more"))
        elif "error" in first:
            results.append((None, None))
        else:
            marker = second.get("body", "").encode("latin1") if second.get("reused") else None
            results.append((first["body"].encode("latin1"), marker))
    return results


CLIENTS = {"python3": with_python, "curl": with_curl, "node": with_node}


def judge(name, answer, claim, result, client):
    """What is wrong; None if nothing is."""
    if claim.whole is None or result == (None, None):
        return None
    if client == "python3" and name[:3] in ("102", "103"):
        return None  # http.client takes any interim answer but 100 for the answer
    if isinstance(result, Disagreement):
        return str(result)
    body, marker = result
    if body != answer_body(claim.whole, answer.method):
        return f"a body of {body!r}, but {claim.whole!r} was followed"
    if claim.verdict == "between" and marker not in (None, b"marker"):
        return f"the marker was {marker!r}"
    return None


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_ends_where_the_client_ends_it(tmp_path, client):
    if not shutil.which(client):
        pytest.skip(f"{client} is not installed")
    names, made = zip(*odd.answers().items())
    claims = follow_answers(made)
    keeps_open = {i for i, claim in enumerate(claims) if claim.verdict == "between"}
    with odd_server(made, keeps_open) as server:
        results = CLIENTS[client](server.socket.getsockname()[1], made, tmp_path)
    troubles = {name: wrong for name, *rest in zip(names, made, claims, results)
                if (wrong := judge(name, *rest, client))}
    pinned = sum(claim.verdict == "pinned" for claim in claims)
    reused = sum(not isinstance(r, Disagreement) and r[1] == b"marker" for r in results)
    print(f"{client}: {len(made)} odd answers, {pinned} pinned, {len(made) - pinned} followed, "
          f"{reused} connections used again")
    assert not troubles
    assert len(made) > 60 and pinned > 30 and reused > 15


# ---- through the relay


class Slots:
    def __init__(self):
        self.a, self.b = Worker(keep), Worker(keep)
        self.relays = Relays(CONNECT=LATE)
        self.relays.worker(1, A, self.a.address)
        self.relays.worker(2, B, self.b.address)
        self.relays.table()

    def open(self, data):
        """A client that said this, and the connection on which it reached slot a."""
        seen = len(self.a.connections)
        client = connect(self.relays.address, data)
        wait_for(lambda: len(self.a.connections) > seen, "it is connected to slot a")
        assert read_exactly(self.a.connections[seen], len(data)) == data
        return client, self.a.connections[seen]

    def flip(self):
        self.relays.flip(B)
        self.relays.drain(A)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.relays.__exit__(*exc)
        self.a.close()
        self.b.close()


def read_exactly(sock, length):
    got = b""
    while len(got) < length:
        data = sock.recv(length - len(got))
        assert data, f"ended after {got!r}"
        got += data
    return got


def halves(data):
    return data[:len(data) // 2], data[len(data) // 2:]


def test_no_request_moves_within_itself_and_none_is_changed():
    messages = [m for m in odd.requests().values() if len(m) < 10000]
    with Slots() as s:
        pairs = [s.open(halves(m)[0]) for m in messages]
        s.flip()
        for message, (client, worker) in zip(messages, pairs):
            rest = halves(message)[1]
            client.sendall(rest)
            assert read_exactly(worker, len(rest)) == rest
        assert s.b.seen == 0
        for client, _ in pairs:
            client.close()


def test_no_answer_moves_within_itself_and_none_is_changed():
    made = list(odd.answers().values())
    with Slots() as s:
        pairs = [s.open(request_for(a, "/")) for a in made]
        for answer, (client, worker) in zip(made, pairs):
            half = halves(answer.data)[0]
            worker.sendall(half)
            assert read_exactly(client, len(half)) == half
        s.flip()
        for answer, (client, worker) in zip(made, pairs):
            rest = halves(answer.data)[1]
            worker.sendall(rest)
            assert read_exactly(client, len(rest)) == rest
        assert s.b.seen == 0
        for client, _ in pairs:
            client.close()
