"""The TCP proxy of somebody who moves over: its target changes for new connections only."""

import itertools
import socket
import threading
from collections import Counter
from typing import List, Tuple

Address = Tuple[str, int]


class Proxy:
    def __init__(self, targets: List[Address]) -> None:
        self.point(targets)
        self._open: Counter = Counter()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def point(self, targets: List[Address]) -> None:
        self._targets = itertools.cycle(targets)

    def open_to(self, targets: List[Address]) -> int:
        """Connections that go there now."""
        with self._lock:
            return sum(self._open[target] for target in targets)

    def close(self) -> None:
        # close() alone would not wake accept()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            target = next(self._targets)
            self._count(target, 1)
            threading.Thread(target=self._serve, args=(client, target), daemon=True).start()

    def _count(self, target: Address, change: int) -> None:
        with self._lock:
            self._open[target] += change

    def _serve(self, client: socket.socket, target: Address) -> None:
        try:
            with client, socket.create_connection(target, 20) as server:
                server.settimeout(None)
                up = threading.Thread(target=_copy, args=(client, server), daemon=True)
                up.start()
                _copy(server, client)
                up.join()
        except OSError:
            pass  # the client sees the end of its connection
        finally:
            self._count(target, -1)


def _copy(source: socket.socket, to: socket.socket) -> None:
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            to.sendall(data)
    except OSError:
        pass
    try:
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass
