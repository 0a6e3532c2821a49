"""Small servers in the test's own process, and clients for them."""

import hashlib
import socket
import struct
import threading

from .relay import A, Relays, listener

TIMEOUT = 20


class Worker:
    """A server in this process: serve(connection) for each connection, in a thread of its own."""

    def __init__(self, serve, address=("127.0.0.1", 0), backlog=128):
        self.socket = listener(address, backlog)
        self.socket.setblocking(True)
        self.serve, self.connections, self.seen = serve, [], 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        name = self.socket.getsockname()
        if isinstance(name, str):
            return f"unix:{name}"
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT)
            self.seen += 1
            self.connections.append(connection)
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        try:
            self.serve(connection)
        except OSError:
            pass
        finally:
            if self.serve is not keep:
                connection.close()

    def close(self):
        # A thread in accept() holds the socket: shutdown wakes it.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        for connection in self.connections:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def keep(_):
    """The test itself talks on worker.connections."""


def echo(connection):
    while True:
        data = connection.recv(1 << 16)
        if not data:
            return
        connection.sendall(data)


def named(name):
    """Answers every message with its name."""

    def serve(connection):
        while connection.recv(1 << 16):
            connection.sendall(name)

    return serve


def digest_after_end(connection):
    """Reads to the end of the client's half, then answers with what it was."""
    total, sha = 0, hashlib.sha256()
    while True:
        data = connection.recv(1 << 16)
        if not data:
            break
        total += len(data)
        sha.update(data)
    connection.sendall(f"{total} {sha.hexdigest()}".encode())


def connect(address, data=b""):
    client = socket.socket(socket.AF_UNIX if isinstance(address, str) else
                           socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    client.settimeout(TIMEOUT)
    client.connect(address)
    if data:
        client.sendall(data)
    return client


def read_all(client):
    got = bytearray()
    while True:
        data = client.recv(1 << 20)
        if not data:
            return bytes(got)
        got += data


def ask(address, data=b"hello"):
    with connect(address, data) as client:
        return client.recv(1 << 16)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def one_worker(serve, relays=1, **options):
    """A worker and the relays in front of it, as one context."""

    class Both:
        def __enter__(self):
            self.worker = Worker(serve)
            self.relays = Relays(relays, **options)
            self.relays.worker(3, A, self.worker.address)
            self.relays.table()
            return self.relays, self.worker

        def __exit__(self, *exc):
            self.worker.close()
            self.relays.__exit__(*exc)

    return Both()
