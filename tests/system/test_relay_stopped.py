"""A worker that is stopped, or reads and accepts nothing: its clients go to the other workers."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness.paths import BUILD
from harness.procs import SLOW, wait_for
from harness.relay import A, LATE, NO, Relays, listener
from harness.servers import TIMEOUT, Worker, connect

from test_relay_http import GET, POST, answer, ask, http, is_listening, read_answer

PROMPT = 0.3 * SLOW  # s; a request may lie unread for 0.1 before it goes to another worker


class Trio:
    """Three workers in processes of their own behind some relays; the first is stopped."""

    def __init__(self, ports, relays):
        self.ports = list(ports.run(3))
        self.workers = [subprocess.Popen([BUILD / "tests/bench/backend", str(port)])
                        for port in self.ports]
        self.relays = Relays(relays, CONNECT=LATE)

    def __enter__(self):
        for key, port in enumerate(self.ports):
            wait_for(lambda port=port: is_listening(port), "it listens")
            self.relays.worker(key, A, f"127.0.0.1:{port}")
        self.relays.table()
        return self

    def stop_first(self):
        os.kill(self.workers[0].pid, signal.SIGSTOP)

    def __exit__(self, *exc):
        for process in self.workers:
            os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.wait()
        self.relays.__exit__(*exc)


def p99(waits):
    return sorted(waits)[len(waits) * 99 // 100]


def timed(client, waits):
    began = time.monotonic()
    ask(client)
    waits.append(time.monotonic() - began)


@pytest.mark.parametrize("relays", [1, 4])
def test_new_clients_do_not_hang_at_a_stopped_worker(ports, relays):
    n, at_once, waits = 400, 8, []

    def clients():
        for _ in range(n // at_once):
            with connect(trio.relays.address) as client:
                timed(client, waits)

    with Trio(ports, relays) as trio:
        trio.stop_first()
        threads = [threading.Thread(target=clients) for _ in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert trio.relays.sum(0, "retried") > 0, "the stopped worker had some first"
    assert len(waits) == n
    assert p99(waits) < PROMPT, sorted(waits)[-10:]


def test_kept_clients_leave_a_stopped_worker(ports):
    waits = []
    with Trio(ports, 1) as trio, contextlib.ExitStack() as opened:
        clients = [opened.enter_context(connect(trio.relays.address)) for _ in range(30)]
        for client in clients:
            ask(client)
        trio.stop_first()
        for _ in range(5):
            for client in clients:
                timed(client, waits)
        assert trio.relays.counts(0)["between"] == 0
    assert p99(waits) < PROMPT and len(waits) == 150


@contextlib.contextmanager
def beside(worker, serve=http(b"good"), **options):
    """A worker at that address, which is asked first, and a good one."""
    with Worker(serve) as good, Relays(CONNECT=LATE, **options) as relays:
        relays.worker(0, A, worker)
        relays.worker(1, A, good.address)
        relays.table()
        yield relays


def test_a_stopped_worker_at_a_unix_socket_is_left_too(tmp_path):
    stopped = listener(str(tmp_path / "worker.sock"))
    waits = []
    with beside(f"unix:{tmp_path}/worker.sock") as relays:
        for _ in range(20):
            with connect(relays.address) as client:
                timed(client, waits)
    stopped.close()
    assert max(waits) < PROMPT


def test_a_connection_without_room_at_its_worker_goes_to_another():
    full, fill = listener(backlog=0), []
    for _ in range(8):
        fill.append(socket.socket())
        fill[-1].setblocking(False)
        fill[-1].connect_ex(full.getsockname())
    port = full.getsockname()[1]
    waits = []
    with beside(f"127.0.0.1:{port}") as relays:
        for request in (GET, POST) * 5:
            with connect(relays.address) as client:
                began = time.monotonic()
                assert ask(client, request) == b"good"
                waits.append(time.monotonic() - began)
        assert relays.sum(0, "retried") == 0, "nothing was sent to it"
    for sock in fill + [full]:
        sock.close()
    assert max(waits) < PROMPT


@pytest.mark.parametrize("request_, options", [(POST, {}), (GET, {"RETRY": NO})])
def test_what_must_not_run_twice_stays(request_, options):
    """A worker that goes on finds it in its queue, even if the connection was reset."""
    stopped = listener()
    with beside(f"127.0.0.1:{stopped.getsockname()[1]}", **options) as relays, \
            connect(relays.address, request_) as client:
        wait_for(lambda: relays.sum(0, "total") == 1, "it waits")
        time.sleep(0.4)
        connection = stopped.accept()[0]
        assert connection.recv(1 << 16) == request_
        connection.sendall(answer(b"late"))
        assert read_answer(client) == b"late"
        assert relays.sum(0, "retried") == 0
        connection.close()
    stopped.close()


def slow(connection):
    while connection.recv(1 << 16):
        time.sleep(0.5)
        connection.sendall(answer(b"slow"))


def test_a_worker_that_is_slow_with_one_request_keeps_it():
    with Worker(slow) as worker, beside(worker.address) as relays, \
            connect(relays.address) as client:
        assert ask(client) == b"slow"
        assert ask(client) == b"slow"
        assert relays.sum(0, "retried") == 0


def answer_all(sock):
    """Until the socket is shut down."""
    sock.setblocking(True)
    while True:
        try:
            connection, _ = sock.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.settimeout(TIMEOUT)
            connection.recv(1 << 16)
            connection.sendall(answer(b"late"))


def test_where_no_worker_keeps_up_nothing_moves():
    sockets = [listener() for _ in range(2)]
    with Relays(CONNECT=LATE) as relays, contextlib.ExitStack() as opened:
        for key, sock in enumerate(sockets):
            relays.worker(key, A, f"127.0.0.1:{sock.getsockname()[1]}")
        relays.table()
        clients = [opened.enter_context(connect(relays.address, GET)) for _ in range(10)]
        wait_for(lambda: relays.sum(0, "total") + relays.sum(1, "total") == 10, "they wait")
        time.sleep(0.4)
        assert relays.sum(0, "retried") + relays.sum(1, "retried") == 0
        threads = [threading.Thread(target=answer_all, args=(sock,), daemon=True)
                   for sock in sockets]
        for thread in threads:
            thread.start()
        # The first of them to keep up may be given what the other has not read yet.
        assert [read_answer(client) for client in clients] == [b"late"] * 10
        for sock, thread in zip(sockets, threads):
            sock.shutdown(socket.SHUT_RDWR)
            thread.join()
            sock.close()
