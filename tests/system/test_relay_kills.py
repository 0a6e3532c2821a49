"""Workers are killed under a load of POSTs: none is carried out twice (retry=safe)."""

import collections
import random
import socket
import subprocess
import sys
import threading
import time

import pytest

from harness.apps import APPS
from harness.procs import wait_for
from harness.relay import A, LATE, Relays
from harness.servers import connect

CLIENTS, WORKERS, KILLS = 8, 3, 25


class Charges:
    """Workers in processes of their own, started again when they are killed, and what they have done."""

    def __init__(self, ports, directory):
        self.log = directory / "charges"
        self.log.touch()
        self.running = {port: self.start(port) for port in ports.run(WORKERS)}
        wait_for(lambda: all(map(listens, self.running)), "they listen")

    def start(self, port):
        return subprocess.Popen([sys.executable, "-I", "-S", APPS / "charge.py", str(port), self.log])

    def kill(self, port):
        self.running[port].kill()
        self.running[port].wait()
        self.running[port] = self.start(port)
        wait_for(lambda: listens(port), "it listens again")

    def counts(self):
        return collections.Counter(self.log.read_text().split())

    def close(self):
        for process in self.running.values():
            process.kill()
            process.wait()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def post(client, target, body, writes):
    """Did it get its answer?"""
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    try:
        if writes == 1:
            client.sendall(head + body)
        else:
            client.sendall(head)
            time.sleep(0.002)
            client.sendall(body)
        got = b""
        while not got.endswith(b"done"):
            data = client.recv(1000)
            if not data:
                return False
            got += data
        return True
    except OSError:
        return False


def load(address, name, size, writes, stop, results):
    client, i = None, 0
    while not stop.is_set():
        i += 1
        client = client or connect(address)
        ok = post(client, f"/{name}-{i}", b"x" * size, writes)
        results.append((f"/{name}-{i}", ok))
        if not ok or i % 10 == 0:
            client.close()
            client = None
    if client:
        client.close()


@pytest.mark.parametrize("writes", [1, 2])
@pytest.mark.parametrize("size", [10, 12000])
@pytest.mark.plain_only
def test_no_post_is_carried_out_twice_when_workers_are_killed(ports, tmp_path, size, writes):
    charges, stop, results = Charges(ports, tmp_path), threading.Event(), []
    try:
        with Relays(CONNECT=LATE) as relays:
            for key, port in enumerate(charges.running):
                relays.worker(key, A, f"127.0.0.1:{port}")
            relays.table()
            threads = [threading.Thread(target=load, args=(relays.address, f"c{i}", size, writes, stop,
                                                           results)) for i in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for _ in range(KILLS):
                seen = len(results)
                wait_for(lambda: len(results) > seen + 3 * CLIENTS, "requests are answered")
                charges.kill(random.choice(list(charges.running)))
            stop.set()
            for thread in threads:
                thread.join()
        done = charges.counts()
        assert [target for target, n in done.items() if n > 1] == []
        assert [target for target, ok in results if ok and done[target] != 1] == []
        assert sum(ok for _, ok in results) > KILLS * CLIENTS
    finally:
        stop.set()
        charges.close()
