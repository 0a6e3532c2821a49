#!/usr/bin/python3
"""A worker whose answers and requests take their time. Each answer names the slot that gave it.

    answers.py ADDRESS SLOT         or, for gunicorn, answers:wsgi with PAYINV_SLOT

HOW is chunked, length or close (the answer ends with its connection; not by gunicorn).

    /                               "SLOT PID 000000"
    /slow?ms=                       the same, after a time
    /lines?how=&n=&pause=           n such lines, numbered, with a pause between them
    /events?how=&n=&pause=          n events, from the one behind Last-Event-ID on
    /early?status=&n=&pause=        n interim answers, a pause after each, then as /
    /data?how=&mb=                  what pieces(mb) says; a header Slot
    POST /digest?rate=              reads the body, rate MB a second: "SLOT PID LENGTH SHA256"

Every signal ends it at once: what slotd stops too early is cut, and seen.
"""

import hashlib
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

PIECE = 1 << 16
SLOT = os.environ.get("PAYINV_SLOT", "?")
_BLOCK = hashlib.shake_128(b"slotd").digest(PIECE - 8)


def pieces(mb):
    """Megabytes of which no two pieces are the same."""
    for i in range(mb << 20 >> 16):
        yield i.to_bytes(8, "big") + _BLOCK


def line(i=0):
    return f"{SLOT} {os.getpid()} {i:06}\n".encode()


def event(i):
    return f"id: {i:06}\ndata: {SLOT} {os.getpid()}\n\n".encode()


def paused(one, first, n, pause):
    """What one(i) says, n times, a pause between them; and its length."""

    def parts():
        for i in range(first, first + n):
            if i > first:
                time.sleep(pause)
            yield one(i)

    return n * len(one(0)), parts()


def page(path, arguments, last_event):
    """(content type, length, what the body consists of); None: no such page."""
    n, pause = int(arguments.get("n", 1)), float(arguments.get("pause", 0))
    if path == "/events":
        return "text/event-stream", *paused(event, last_event + 1, n, pause)
    if path == "/data":
        mb = int(arguments["mb"])
        return "application/octet-stream", mb << 20, pieces(mb)
    if path == "/slow":
        time.sleep(int(arguments["ms"]) / 1000)
    if path in ("/", "/healthz", "/slow", "/early", "/lines"):
        return "text/plain", *paused(line, 0, n if path == "/lines" else 1, pause)
    return None


def asked(target):
    path, _, query = target.partition("?")
    return path, dict(parse_qsl(query))


# ---- gunicorn

def wsgi(environ, start_response):
    arguments = dict(parse_qsl(environ["QUERY_STRING"]))
    last_event = int(environ.get("HTTP_LAST_EVENT_ID", -1))
    kind, length, body = page(environ["PATH_INFO"], arguments, last_event)
    headers = [("Content-Type", kind)]
    if arguments.get("how") != "chunked":
        headers.append(("Content-Length", str(length)))
    start_response("200 OK", headers)
    return body


# ---- by itself

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, arguments = asked(self.path)
        if path == "/early":
            self.interim(arguments)
        found = page(path, arguments, int(self.headers.get("Last-Event-ID", -1)))
        if not found:
            self.send_error(404)
            return
        kind, length, body = found
        how = arguments.get("how", "length")
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Slot", SLOT)
        if how == "length":
            self.send_header("Content-Length", str(length))
        elif how == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")  # sets close_connection
        self.end_headers()
        for part in body:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if how == "chunked" else part)
        if how == "chunked":
            self.wfile.write(b"0\r\n\r\n")

    def interim(self, arguments):
        for _ in range(int(arguments["n"])):
            self.send_response_only(int(arguments["status"]))
            self.send_header("Link", "</style.css>; rel=preload")
            self.end_headers()
            time.sleep(float(arguments["pause"]))

    def do_POST(self):
        rate = float(asked(self.path)[1].get("rate", "inf")) * (1 << 20)
        length, digest = 0, hashlib.sha256()
        for part in self.body():
            length += len(part)
            digest.update(part)
            time.sleep(len(part) / rate)
        text = f"{SLOT} {os.getpid()} {length} {digest.hexdigest()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            yield from self.exactly(int(self.headers["Content-Length"]))
            return
        while True:
            length = int(self.rfile.readline(), 16)
            yield from self.exactly(length)
            self.rfile.readline()
            if not length:
                return

    def exactly(self, length):
        while length:
            part = self.rfile.read(min(length, PIECE))
            if not part:
                raise ConnectionResetError("the request is cut")
            length -= len(part)
            yield part


class Server(ThreadingHTTPServer):
    request_queue_size = 512

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ValueError)):  # it was cut
            super().handle_error(request, client_address)


def main():
    global SLOT
    host, _, port = sys.argv[1].rpartition(":")
    SLOT = sys.argv[2]
    Server((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
