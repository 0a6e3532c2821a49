#!/usr/bin/python3
"""A worker that says itself how it is (sd_notify(3)), and answers as web.c: "SLOT ADDRESS PID".

    notifier.py 127.0.0.1:PORT SLOT DIRECTORY

It is ready at once, unless DIRECTORY has a file mute-SLOT, and sends WATCHDOG=1 twice in
WATCHDOG_USEC. While DIRECTORY has a file bad-SLOT it answers 500, but for /healthz; with bad-PORT
also there. Paths that are told to one worker alone: /say?TEXT sends TEXT, quoted as in a URL;
/tool?ARGUMENT runs systemd-notify and says how long it took; /hang ends its WATCHDOG=1.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS, SLOT, DIRECTORY = sys.argv[1:]
PORT = int(ADDRESS.rpartition(":")[2])
hung = threading.Event()


def exists(name):
    return os.path.exists(f"{DIRECTORY}/{name}")


def say(text):
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            try:
                s.sendto(text.encode(), path)
            except OSError:
                pass  # as sd_notify(3), which tells its caller


def beat():
    span = int(os.environ["WATCHDOG_USEC"]) / 2e6
    while not hung.wait(span):
        say("WATCHDOG=1")


def tool(argument):
    began = time.monotonic()
    done = subprocess.run(["systemd-notify", argument], capture_output=True, text=True)
    return f"{done.returncode} {time.monotonic() - began:.3f} {done.stderr}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one write: its end may be the end of the process

    def do_GET(self):
        path, _, query = self.path.partition("?")
        query = urllib.parse.unquote(query)
        bad = exists(f"bad-{PORT}") or (exists(f"bad-{SLOT}") and path != "/healthz")
        text = f"{SLOT} {ADDRESS} {os.getpid()}\n"
        if path == "/say":
            say(query)
        elif path == "/tool":
            text = tool(query)
        elif path == "/hang":
            hung.set()
        self.send_response(500 if bad and path in ("/", "/healthz") else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
server = Server(("127.0.0.1", PORT), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
if not exists(f"mute-{SLOT}"):
    say(f"READY=1\nSTATUS=serving on {PORT}")
if os.environ.get("WATCHDOG_USEC"):
    threading.Thread(target=beat, daemon=True).start()
signal.sigwait({signal.SIGTERM})
say("STOPPING=1")
while exists(f"slow-{SLOT}"):
    time.sleep(0.02)
