#!/usr/bin/python3
"""A worker that answers every request with "SLOT ADDRESS PID".

    web.py ADDRESS SLOT [--listen-after S] [--status N] [--die-on-term] [--hang-up] [--posts FILE]
           [--unless FILE]

ADDRESS is 127.0.0.1:8001, [::1]:8001 or unix:/path. Paths: /slow?MS answers after MS milliseconds;
/bytes?N with N bytes; /healthz as /. SIGTERM: finishes what it has, then ends. With --hang-up it ends each
other connection without an answer. --posts: the path of each POST becomes a line of FILE before it is
answered. --unless: if FILE-SLOT is there at the start, it holds the status of all answers; with 0 it exits.
"""

import argparse
import os
import signal
import socket
import sys
import threading
import time


def listen(address: str) -> socket.socket:
    if address.startswith("unix:"):
        listener = socket.socket(socket.AF_UNIX)
        path = address[5:]
        if os.path.exists(path):
            os.unlink(path)
        listener.bind(path)
        os.chmod(path, 0o666)
    else:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
    listener.listen(512)
    return listener


class Server:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.stopping = threading.Event()
        self.open = set()
        self.listener = listen(options.address)
        self.posts = options.posts and os.open(options.posts, os.O_WRONLY | os.O_APPEND)

    def serve(self, connection: socket.socket) -> None:
        with connection:
            self.open.add(connection)
            connection.settimeout(None)
            buffer = b""
            try:
                while not self.stopping.is_set():
                    while b"\r\n\r\n" not in buffer:
                        data = connection.recv(65536)
                        if not data:
                            return
                        buffer += data
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    body = int((head.lower().partition(b"content-length:")[2].split() or [b"0"])[0])
                    while len(buffer) < body:
                        data = connection.recv(65536)
                        if not data:
                            return
                        buffer += data
                    buffer = buffer[body:]
                    if self.options.hang_up and b"/healthz" not in head:
                        return
                    close = b"connection: close" in head.lower() or self.stopping.is_set()
                    connection.sendall(self.answer(head, close))
                    if close:
                        return
            except OSError:
                return
            finally:
                self.open.discard(connection)

    def answer(self, head: bytes, close: bool) -> bytes:
        path, _, argument = head.split(b" ")[1].decode().partition("?")
        body = f"{self.options.slot} {self.options.address} {os.getpid()}\n".encode()
        if path == "/slow":
            time.sleep(int(argument) / 1000)
        elif path == "/bytes":
            body = b"x" * int(argument)
        elif self.posts and head.startswith(b"POST "):
            os.write(self.posts, path.encode() + b"\n")
        lines = [f"HTTP/1.1 {self.options.status} X", f"Content-Length: {len(body)}"]
        if close:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def accept_all(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self.listener.close()
        deadline = time.monotonic() + 5
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RD)
            except OSError:
                pass
        while self.open and time.monotonic() < deadline:
            time.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("slot")
    parser.add_argument("--listen-after", type=float, default=0)
    parser.add_argument("--status", type=int, default=200)
    parser.add_argument("--die-on-term", action="store_true")
    parser.add_argument("--hang-up", action="store_true")
    parser.add_argument("--posts")
    parser.add_argument("--unless")
    options = parser.parse_args()
    told = f"{options.unless}-{options.slot}"
    if options.unless and os.path.exists(told):
        with open(told, encoding="ascii") as file:
            options.status = int(file.read())
        if not options.status:
            sys.exit(1)
    if not options.die_on_term:
        # Before any thread exists, so that all inherit it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    time.sleep(options.listen_after)
    server = Server(options)
    threading.Thread(target=server.accept_all, daemon=True).start()
    print(f"listening on {options.address}", flush=True)
    if options.die_on_term:
        signal.pause()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop()
    sys.exit(0)


main()
