"""HTTP/1 messages as they should not be, or as they seldom are: {name: bytes}."""

from typing import Dict, NamedTuple

HOST = b"Host: x\r\n"
BODY = b"hello"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
LENGTH = b"Content-Length: 5\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

_LENGTHS = [
    b"5", b"  5", b"", b" ", b"\t5", b"5 ", b"5\t", b"+5", b"-5", b"05", b"0x5", b"5,5", b"5, 5",
    b"5;", b"5.0", b"5e0", b"5 5", b"5_", b"'5'", b"\"5\"", b"\xb2", b"five", b"5\x0b", b"5\x00",
    b"\x0c5", b"18446744073709551621", b"4294967301", b"00", b"0 5", b"5\xa0",
    b"00000000000000000000000005",
]
_LENGTH_NAMES = [
    b"content-length", b"CONTENT-LENGTH", b"Content_Length", b"Content-Length ",
    b"Content-Length\t", b" Content-Length", b"\tContent-Length", b"Content-Length\x00",
    b"Content Length", b"Content.Length", b"Content\xadLength", b"ContentLength",
    b"Content-Length:", b"X-Content-Length", b"Content-Length\x0b", b"\"Content-Length\"",
]
_CODINGS = [
    b"chunked", b"Chunked", b"CHUNKED", b"  chunked", b"chunked ", b"\tchunked", b"chunked\t",
    b"chunked,", b",chunked", b", chunked", b"chunked, chunked", b"identity",
    b"identity, chunked", b"chunked, identity", b"gzip, chunked", b"gzip", b"x", b"\"chunked\"",
    b"chunked;q=1", b"chunked\x0b", b"\x0bchunked", b"chunke", b"chunkedd", b"", b"chunked\x00",
    b"xchunked", b"\xffchunked", b"deflate;chunked",
]
_CODING_NAMES = [
    b"transfer-encoding", b"TRANSFER-ENCODING", b"Transfer_Encoding", b"Transfer-Encoding ",
    b" Transfer-Encoding", b"Transfer-Encoding\t", b"Transfer-Encoding\x00", b"Transfer Encoding",
    b"Transfer.Encoding", b"X-Transfer-Encoding",
]
_FIELDS = [
    b"X: a\r\n folded\r\n", b"X: a\r\n\tfolded\r\n", b" X: a\r\n", b"X: a\n", b"X: a\r",
    b"X: a\r\r\n", b"X : a\r\n", b"X\r\n", b": a\r\n", b":\r\n", b"X: a\x00b\r\n",
    b"X: a\x01b\r\n", b"X: a\x7fb\r\n", b"X: \xc3\xa4\r\n", b"X\xc3\xa4: a\r\n", b"X: a\x85b\r\n",
    b"X(): a\r\n", b"X:a\r\n", b"X:\r\n", b"X: \t a \t \r\n", b"X: " + b"a" * 7000 + b"\r\n",
    b"X: a\r\nX: b\r\n", b"Expect: 100-continue\r\n", b"Connection: keep-alive\r\n",
    b"Connection: keep-alive, close\r\n", b"Connection: close\r\n", b"Connection: x, y\r\n",
    b"Connection: Content-Length\r\n", b"Proxy-Connection: close\r\n", b"TE: trailers\r\n",
    b"Trailer: X\r\n", b"Upgrade: h2c\r\nConnection: upgrade\r\n", b"Upgrade: websocket\r\n",
    b"Keep-Alive: timeout=5\r\n", b"X: a\x0bb\r\n", b"X: a\x0cb\r\n", b"X:: a\r\n", b"@: a\r\n",
    b"X-HTTP-Method-Override: HEAD\r\n",
]
_CHUNKED_BODIES = [
    b"5;x\r\nhello\r\n0\r\n\r\n", b"5;x=y\r\nhello\r\n0\r\n\r\n",
    b"5;x=\"a;b\"\r\nhello\r\n0\r\n\r\n", b"5 ;x\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5\t\r\nhello\r\n0\r\n\r\n",
    b"+5\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"05\r\nhello\r\n0\r\n\r\n",
    b"0000000005\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n00\r\n\r\n",
    b"5\r\nhello\r\n000000\r\n\r\n", b"A\r\n0123456789\r\n0\r\n\r\n",
    b"a\r\n0123456789\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"5\r\nhello\n0\r\n\r\n",
    b"5\nhello\r\n0\r\n\r\n", b"5\rhello\r\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n",
    b"5\r\nhello\r\r\n0\r\n\r\n", b"4\r\nhello\r\n0\r\n\r\n", b"6\r\nhello\r\n0\r\n\r\n",
    b"5_0\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"\r\n5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n\r\n0\r\n\r\n", b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    b"5,5\r\nhello\r\n0\r\n\r\n", b"5\x00\r\nhello\r\n0\r\n\r\n", b"g\r\nhello\r\n0\r\n\r\n",
    b";\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nX: a\r\n\r\n",
    b"5\r\nhello\r\n0\r\nX: a\r\nY: b\r\n\r\n", b"5\r\nhello\r\n0\r\nX: a\n\r\n",
    b"5\r\nhello\r\n0\r\nX : a\r\n\r\n", b"5\r\nhello\r\n0\r\n X: a\r\n\r\n",
    b"5\r\nhello\r\n0\r\n: a\r\n\r\n", b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"5\r\nhello\r\n0\r\nnonsense\r\n\r\n", b"5\r\nhello\r\n0\r\n\n", b"5\r\nhello\r\n0\n\r\n",
    b"5\r\nhello\r\n0;x\r\n\r\n", b"5;\nx\r\nhello\r\n0\r\n\r\n",
    b"5;" + b"x" * 300 + b"\r\nhello\r\n0\r\n\r\n", b"1\r\nh\r\n1\r\ne\r\n3\r\nllo\r\n0\r\n\r\n",
    b"0\r\n\r\n",
]
_START_LINES = [
    b"get /odd HTTP/1.1", b"Get /odd HTTP/1.1", b"FOO /odd HTTP/1.1", b"GET  /odd HTTP/1.1",
    b"GET /odd  HTTP/1.1", b"GET /odd HTTP/1.1 ", b"GET\t/odd\tHTTP/1.1", b"GET /o dd HTTP/1.1",
    b"GET /odd", b"GET /odd HTTP/1.2", b"GET /odd HTTP/2.0", b"GET /odd HTTP/0.9",
    b"GET /odd HTTP/1.10", b"GET /odd HTTP/01.1", b"GET /odd http/1.1", b"GET /odd HTTP/1",
    b"GET /odd HTTP/1.1\x0b", b"GET /odd\x00 HTTP/1.1", b"GET /odd\xc3\xa4 HTTP/1.1",
    b"GET odd HTTP/1.1", b"GET http://x/odd HTTP/1.1", b"GET /odd?a=b#c HTTP/1.1",
    b"GET /odd%00 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT x:80 HTTP/1.1", b"PRI * HTTP/2.0",
    b"OPTIONS /odd RTSP/1.0", b" GET /odd HTTP/1.1", b"\r\nGET /odd HTTP/1.1",
    b"\nGET /odd HTTP/1.1", b"\r\n\r\nGET /odd HTTP/1.1", b"GET /odd HTTP/1.1\x00",
    b"G\x00ET /odd HTTP/1.1", b"GET /" + b"o" * 3000 + b" HTTP/1.1", b"GET /odd\rHTTP/1.1", b"",
    b"GET", b"M-SEARCH /odd HTTP/1.1", b"QUERY /odd HTTP/1.1", b"GET /odd/../odd HTTP/1.1",
    b"GET //odd HTTP/1.1",
]


def _request(fields: bytes = b"", body: bytes = b"", start: bytes = b"POST /odd HTTP/1.1",
             host: bytes = HOST) -> bytes:
    return start + b"\r\n" + host + fields + b"\r\n" + body


def _lengths() -> Dict[str, bytes]:
    made = {}
    for value in _LENGTHS:
        made[f"length {value!r}"] = _request(b"Content-Length: " + value + b"\r\n", BODY)
    for name in _LENGTH_NAMES:
        made[f"length named {name!r}"] = _request(name + b": 5\r\n", BODY)
    for name, fields in (("same", LENGTH * 2), ("two", LENGTH + b"Content-Length: 6\r\n"),
                         ("and chunks", LENGTH + CHUNKED), ("chunks and", CHUNKED + LENGTH),
                         ("folded", b"Content-Length:\r\n 5\r\n"),
                         ("and identity", LENGTH + b"Transfer-Encoding: identity\r\n"),
                         ("zero twice", b"Content-Length: 0\r\n" * 2)):
        made[f"length: {name}"] = _request(fields, CHUNKS if b"chunked" in fields else BODY)
    return made


def _codings() -> Dict[str, bytes]:
    made = {}
    for value in _CODINGS:
        made[f"coding {value!r}"] = _request(b"Transfer-Encoding: " + value + b"\r\n", CHUNKS)
    for name in _CODING_NAMES:
        made[f"coding named {name!r}"] = _request(name + b": chunked\r\n", CHUNKS)
    made["coding twice"] = _request(CHUNKED * 2, CHUNKS)
    made["coding folded"] = _request(b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS)
    made["coding in 1.0"] = _request(CHUNKED, CHUNKS, b"POST /odd HTTP/1.0")
    for body in _CHUNKED_BODIES:
        made[f"chunks {body[:40]!r}"] = _request(CHUNKED, body)
    return made


def _heads() -> Dict[str, bytes]:
    made = {}
    for field in _FIELDS:
        made[f"field {field[:30]!r}"] = _request(field + LENGTH, BODY)
    for start in _START_LINES:
        made[f"start {start[:30]!r}"] = _request(start=start)
    for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"PUT", b"PATCH", b"TRACE"):
        start = method + b" /odd HTTP/1.1"
        made[f"{method.decode()}"] = _request(start=start)
        made[f"{method.decode()} with a length"] = _request(LENGTH, BODY, start)
        made[f"{method.decode()} with chunks"] = _request(CHUNKED, CHUNKS, start)
        made[f"{method.decode()} in 1.0"] = _request(start=method + b" /odd HTTP/1.0")
    made["POST without a length"] = _request()
    made["1.0, kept alive"] = _request(b"Connection: keep-alive\r\n" + LENGTH, BODY,
                                        b"POST /odd HTTP/1.0")
    made["no host"] = _request(host=b"")
    made["two hosts"] = _request(HOST)
    made["bare LF everywhere"] = _request(LENGTH, BODY).replace(b"\r\n", b"\n")
    made["bare LF at the end"] = b"GET /odd HTTP/1.1\r\nHost: x\r\n\n"
    made["bare CR at the end"] = b"GET /odd HTTP/1.1\r\nHost: x\r\n\r\r\n"
    made["two requests"] = _request(LENGTH, BODY) * 2
    made["an empty line after it"] = _request(LENGTH, BODY) + b"\r\n"
    made["a byte more than its length"] = _request(LENGTH, BODY + b"!")
    made["half a head"] = _request()[:-2]
    made["half a body"] = _request(LENGTH, BODY[:3])
    made["a long head"] = _request(b"".join(b"X-%d: %s\r\n" % (i, b"a" * 70) for i in range(80)))
    made["a head that is too long"] = _request(
        b"".join(b"X-%d: %s\r\n" % (i, b"a" * 700) for i in range(95)))
    return made


def requests() -> Dict[str, bytes]:
    """Odd requests; those that are fine have a path that begins with /o."""
    return {**_lengths(), **_codings(), **_heads()}


class Answer(NamedTuple):
    """An odd answer to a request of this method."""

    data: bytes
    method: str


def _answer(fields: bytes, body: bytes = b"", start: bytes = b"HTTP/1.1 200 OK",
            method: str = "GET") -> Answer:
    return Answer(start + b"\r\n" + fields + b"\r\n" + body, method)


_ANSWER_STARTS = [
    b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1  200 OK", b"HTTP/1.1 20 OK",
    b"HTTP/1.1 2000 OK", b"HTTP/1.2 200 OK", b"HTTP/1.0 200 OK", b"HTTP/2 200 OK",
    b"http/1.1 200 OK", b"ICY 200 OK", b"HTTP/1.1 600 X", b"HTTP/1.1 099 X",
    b"HTTP/1.1 200 O\xc3\xa4", b"HTTP/1.1 200 O\x00K", b"\r\nHTTP/1.1 200 OK",
    b"HTTP/1.1\t200\tOK",
]


def answers() -> Dict[str, Answer]:
    """Odd answers to a GET, or to another method."""
    made = {"plain": _answer(LENGTH, BODY), "chunks": _answer(CHUNKED, CHUNKS)}
    for start in _ANSWER_STARTS:
        made[f"start {start!r}"] = _answer(LENGTH, BODY, start)
    for value in _LENGTHS[:12] + [b"4294967301", b"5\x00"]:
        made[f"length {value!r}"] = _answer(b"Content-Length: " + value + b"\r\n", BODY)
    for value in _CODINGS[:10]:
        made[f"coding {value!r}"] = _answer(b"Transfer-Encoding: " + value + b"\r\n", CHUNKS)
    for body in _CHUNKED_BODIES[:12] + _CHUNKED_BODIES[32:36]:
        made[f"chunks {body!r}"] = _answer(CHUNKED, body)
    for field in (b"X: a\n", b"X: a\r\n b\r\n", b"X : a\r\n", b": a\r\n", b"X\r\n", LENGTH, CHUNKED,
                  b"Connection: close\r\n", b"Connection: keep-alive, close\r\n", b"X: a\x01\r\n"):
        made[f"field {field!r}"] = _answer(field + LENGTH, BODY)
    for status in (b"204 No", b"205 Reset", b"304 Not", b"103 Hints", b"100 Go", b"102 Go", b"199 Go"):
        start = b"HTTP/1.1 " + status
        then = b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n" + BODY if status[:1] == b"1" else b""
        made[f"{status.decode()}"] = _answer(b"", then, start)
        made[f"{status.decode()}, length 0"] = _answer(b"Content-Length: 0\r\n", then, start)
        if not then:
            made[f"{status.decode()}, length 5"] = _answer(LENGTH, b"", start)
            made[f"{status.decode()}, chunked"] = _answer(CHUNKED, b"0\r\n\r\n", start)
    for fields in (LENGTH, CHUNKED, b"", b"Content-Length: 0\r\n"):
        made[f"HEAD {fields!r}"] = _answer(fields, b"", method="HEAD")
    made["until the end"] = _answer(b"", BODY)
    made["1.0 until the end"] = _answer(b"", BODY, b"HTTP/1.0 200 OK")
    made["1.0 kept alive"] = _answer(LENGTH + b"Connection: keep-alive\r\n", BODY, b"HTTP/1.0 200 OK")
    made["too much"] = _answer(LENGTH, BODY + b"!")
    return made
