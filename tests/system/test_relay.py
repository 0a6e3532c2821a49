"""slotd-relay's data path and placing, with the test in slotd's place."""

import ctypes
import hashlib
import os
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.procs import SLOW, sleeps, stays, wait_for
from harness.relay import (A, EARLY, LATE, LEAST_CONN, ROUND_ROBIN, SECOND, SOURCE, Relays,
                           listener)
from harness.servers import (Worker, ask, connect, digest_after_end, echo, keep, named,
                             one_worker, read_all, reset)

LIBC = ctypes.CDLL(None, use_errno=True)
PIDFD_GETFD = 438


def nothing_counted(relays, key=3):
    return not any(relays.counts(key).values())


# ---- bytes


@pytest.mark.parametrize("connect_mode", [LATE, EARLY])
@pytest.mark.parametrize("size", [1, 1000, 1 << 17, 40 << 20])
def test_what_the_client_sends_before_its_end_arrives_and_the_answer_comes_back(connect_mode, size):
    with one_worker(digest_after_end, CONNECT=connect_mode) as (relays, _):
        data = os.urandom(size)
        with connect(relays.address) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            answer = read_all(client).decode()
        assert answer == f"{size} {hashlib.sha256(data).hexdigest()}"
        wait_for(lambda: nothing_counted(relays), "the connection is counted out")
        assert relays.sum(3, "bytes_in") == size
        assert relays.sum(3, "bytes_out") == len(answer)
        assert relays.sum(3, "failed") == 0


def test_a_long_answer_arrives_whole():
    data = os.urandom(1 << 20) * 64

    def serve(connection):
        connection.recv(100)
        connection.sendall(data)

    with one_worker(serve) as (relays, _):
        with connect(relays.address, b"go") as client:
            assert hashlib.sha256(read_all(client)).digest() == hashlib.sha256(data).digest()


def test_bytes_pass_both_ways_at_once():
    data = os.urandom(8 << 20)
    with one_worker(echo) as (relays, _):
        with connect(relays.address) as client:
            sender = threading.Thread(
                target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
            sender.start()
            assert read_all(client) == data
            sender.join()


def test_the_workers_end_passes_and_the_client_may_go_on():
    with one_worker(keep) as (relays, worker):
        with connect(relays.address, b"one") as client:
            wait_for(lambda: worker.connections, "a connection")
            there = worker.connections[0]
            assert there.recv(10) == b"one"
            there.sendall(b"bye")
            there.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"bye"
            client.sendall(b"two")
            assert there.recv(10) == b"two"
            client.shutdown(socket.SHUT_WR)
            assert there.recv(10) == b""
        wait_for(lambda: nothing_counted(relays), "the connection ends")


@pytest.mark.parametrize("to_worker", [True, False])
def test_single_bytes_pass_one_by_one(to_worker):
    with one_worker(echo) as (relays, _):
        with connect(relays.address) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(300):
                client.sendall(bytes([i % 256]))
                if to_worker and i % 50:
                    continue  # let some pile up
                client.recv(1 << 10)


def test_many_single_byte_segments_pass_as_bulk_too():
    """A splice takes a pipe slot for each; the pipe fills long before its bytes."""
    with one_worker(digest_after_end) as (relays, _):
        with connect(relays.address) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sha = hashlib.sha256()
            for part in [os.urandom(1 << 20)] + [os.urandom(1) for _ in range(5000)]:
                client.sendall(part)
                sha.update(part)
            client.shutdown(socket.SHUT_WR)
            assert read_all(client).decode().split()[1] == sha.hexdigest()


def socket_to(relay, address):
    """A duplicate of the relay's socket that is connected to it."""
    pid = relay.process.pid
    pidfd = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            fd = LIBC.syscall(PIDFD_GETFD, pidfd, int(name), 0)
            if fd < 0:
                continue
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                os.close(fd)
                continue
            sock = socket.socket(fileno=fd)
            if sock.family == socket.AF_INET and peer_of(sock) == address:
                return sock
            sock.close()
    finally:
        os.close(pidfd)
    raise AssertionError("no such socket")


def peer_of(sock):
    try:
        return sock.getpeername()
    except OSError:
        return None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look at another process's sockets")
@pytest.mark.parametrize("size", [3, 8 << 20])
def test_a_worker_gets_at_once_what_its_client_sends_later(size):
    """TCP_NODELAY: otherwise it may wait until what came before is acknowledged."""
    with one_worker(echo) as (relays, worker), connect(relays.address) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        threading.Thread(target=client.sendall, args=(b"x" * size,), daemon=True).start()
        left = size
        while left:
            left -= len(client.recv(1 << 20))
        with socket_to(relays.relay, worker.socket.getsockname()) as sock:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def rss(relay):
    with open(f"/proc/{relay.process.pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def sanitized(relay):
    """AddressSanitizer's shadow counts as memory. clang links it statically, gcc does not."""
    with open(f"/proc/{relay.process.pid}/exe", "rb") as f:
        return b"__asan_init" in f.read()


def test_readers_that_stand_still_stop_nobody_and_cost_little():
    data = os.urandom(1 << 20) * 16

    def serve(connection):
        while connection.recv(100):
            connection.sendall(data)

    with one_worker(serve) as (relays, quick):
        with Worker(echo) as other:
            before = rss(relays.relay)
            slow = [connect(relays.address, b"go") for _ in range(60)]
            wait_for(lambda: quick.seen == 60, "all are placed")
            relays.worker(4, A, other.address)
            relays.worker_up(3, A, 0)
            relays.table()
            began = time.monotonic()
            for _ in range(300):
                assert ask(relays.address) == b"hello"
            assert time.monotonic() - began < 30 * SLOW  # one that waited for them: for ever
            assert rss(relays.relay) - before < 60 * 160 * 1024
        for client in slow:
            got = 0
            while got < len(data):
                got += len(client.recv(1 << 20))
            client.close()


def test_a_reset_by_the_worker_reaches_the_client_as_a_reset():
    with one_worker(keep) as (relays, worker):
        with connect(relays.address, b"x") as client:
            wait_for(lambda: worker.connections, "a connection")
            worker.connections[0].recv(1)
            reset(worker.connections[0])
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        wait_for(lambda: relays.sum(3, "failed") == 1, "the failure is counted")


def test_a_reset_by_the_client_reaches_the_worker_as_a_reset():
    with one_worker(keep) as (relays, worker):
        client = connect(relays.address, b"x")
        wait_for(lambda: worker.connections, "a connection")
        there = worker.connections[0]
        assert there.recv(1) == b"x"
        reset(client)
        with pytest.raises(ConnectionResetError):
            there.recv(1)
        wait_for(lambda: nothing_counted(relays), "the connection is gone")


def test_an_early_answer_with_the_request_unread_still_arrives():
    """As 413 Payload Too Large: answered, then closed with the rest of the body unread."""

    def serve(connection):
        connection.recv(1000)
        connection.sendall(b"413")

    with one_worker(serve) as (relays, _):
        for _ in range(20):
            with connect(relays.address) as client:
                try:
                    client.sendall(b"x" * (4 << 20))
                except OSError:
                    pass
                assert client.recv(3) == b"413"


# ---- families


@pytest.mark.parametrize("front", ["inet", "inet6", "unix"])
@pytest.mark.parametrize("back", ["inet", "inet6", "unix"])
def test_every_family_on_both_sides(front, back, tmp_path):
    addresses = {"inet": ("127.0.0.1", 0), "inet6": ("::1", 0)}
    public = listener(addresses.get(front, str(tmp_path / "front.sock")))
    with Worker(digest_after_end, addresses.get(back, str(tmp_path / "back.sock"))) as worker:
        with Relays(listen=[public]) as relays:
            relays.worker(3, A, worker.address)
            relays.table()
            data = os.urandom(3 << 20)
            with connect(relays.address) as client:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                assert read_all(client).decode().split()[1] == hashlib.sha256(data).hexdigest()


def test_all_listeners_of_a_service_are_accepted_from():
    with Worker(named(b"a")) as worker, Relays(listen=[listener(), listener()]) as relays:
        relays.worker(3, A, worker.address)
        relays.table()
        for sock in relays.listeners:
            assert ask(sock.getsockname()) == b"a"


# ---- PROXY protocol


@pytest.mark.parametrize("mode", [LATE, EARLY])
def test_proxy_protocol_1_goes_before_the_first_byte(mode):
    with one_worker(keep, PROXY_PROTOCOL=1, CONNECT=mode) as (relays, worker):
        with connect(relays.address, b"GET /") as client:
            wait_for(lambda: worker.connections, "a connection")
            port = client.getsockname()[1]
            wanted = f"PROXY TCP4 127.0.0.1 127.0.0.1 {port} {relays.address[1]}\r\nGET /".encode()
            got = b""
            while len(got) < len(wanted):
                got += worker.connections[0].recv(200)
            assert got == wanted


def test_proxy_protocol_2_over_ipv6():
    with Worker(keep) as worker, \
            Relays(listen=[listener(("::1", 0))], PROXY_PROTOCOL=2) as relays:
        relays.worker(3, A, worker.address)
        relays.table()
        with connect(relays.address, b"x") as client:
            wait_for(lambda: worker.connections, "a connection")
            got = worker.connections[0].recv(200)
            loopback = socket.inet_pton(socket.AF_INET6, "::1")
            ports = struct.pack("!HH", client.getsockname()[1], relays.address[1])
            assert got == b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24" + 2 * loopback + ports + b"x"


# ---- placing


def three(relays):
    workers = [Worker(named(name)) for name in (b"0", b"1", b"2")]
    for i, worker in enumerate(workers):
        relays.worker(i, A, worker.address)
    relays.table()
    return workers


def test_round_robin_takes_turns():
    with Relays(BALANCE=ROUND_ROBIN) as relays:
        workers = three(relays)
        assert sorted(ask(relays.address) for _ in range(9)) == sorted([b"0", b"1", b"2"] * 3)
        for worker in workers:
            worker.close()


def test_least_conn_fills_the_emptiest():
    with Relays(BALANCE=LEAST_CONN) as relays:
        workers = three(relays)
        held = [connect(relays.address, b"x") for _ in range(6)]
        got = [client.recv(1) for client in held]
        assert sorted(got) == sorted([b"0", b"1", b"2"] * 2)
        for client, name in list(zip(held, got)):
            if name == b"1":
                client.close()
        wait_for(lambda: nothing_counted(relays, 1), "worker 1 is empty")
        assert [ask(relays.address) for _ in range(1)] == [b"1"]
        for thing in held + workers:
            thing.close()


def test_a_source_address_keeps_its_worker():
    with Relays(2, BALANCE=SOURCE) as relays:
        workers = three(relays)
        seen = {}
        for i in range(2, 40):
            for _ in range(3):
                client = socket.socket()
                client.bind((f"127.0.0.{i}", 0))
                client.connect(relays.address)
                client.sendall(b"x")
                seen.setdefault(i, set()).add(client.recv(1))
                client.close()
        assert all(len(names) == 1 for names in seen.values())
        assert len(set.union(*seen.values())) == 3
        for worker in workers:
            worker.close()


def test_a_refused_connect_goes_to_the_next_worker():
    with socket.socket() as dead, Worker(echo) as alive, Relays() as relays:
        dead.bind(("127.0.0.1", 0))  # held, so that nobody else comes to listen there
        relays.worker(1, A, f"127.0.0.1:{dead.getsockname()[1]}")
        relays.worker(2, A, alive.address)
        relays.table()
        for _ in range(50):
            assert ask(relays.address) == b"hello"
        assert relays.sum(2, "total") == 50
        assert relays.sum(1, "total") == 0


def test_a_unix_worker_that_is_not_there_is_passed_over(tmp_path):
    with Worker(echo, str(tmp_path / "w.sock")) as alive, Relays() as relays:
        relays.worker(1, A, f"unix:{tmp_path}/nobody.sock")
        relays.worker(2, A, alive.address)
        relays.table()
        for _ in range(20):
            assert ask(relays.address) == b"hello"


def test_a_connect_that_is_not_answered_goes_to_the_next_worker():
    full = listener(backlog=0)
    fillers = []
    for _ in range(8):  # what goes beyond the backlog is dropped, not refused
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
        fillers.append(filler)
    with Worker(echo) as alive, Relays(CONNECT_TIMEOUT=SECOND // 2) as relays:
        relays.worker(1, A, f"127.0.0.1:{full.getsockname()[1]}")
        relays.worker(2, A, alive.address)
        relays.table()
        for _ in range(4):
            assert ask(relays.address) == b"hello"
    for sock in fillers + [full]:
        sock.close()


def test_late_leaves_the_workers_alone_until_the_first_byte():
    with one_worker(echo, CONNECT=LATE) as (relays, worker):
        with connect(relays.address) as client:
            wait_for(lambda: relays.service("waiting") == 1, "it is accepted")
            assert worker.seen == 0
            client.sendall(b"x")
            assert client.recv(1) == b"x"
        wait_for(lambda: relays.service("waiting") == 0 and nothing_counted(relays), "it ends")


def test_a_client_that_leaves_without_a_word_disturbs_no_worker():
    with one_worker(echo, CONNECT=LATE) as (relays, worker):
        connect(relays.address).close()
        wait_for(lambda: relays.service("accepted") == 1, "it is accepted")
        wait_for(lambda: relays.service("waiting") == 0, "it is gone")
        assert worker.seen == 0


def test_early_lets_the_server_speak_first():
    with one_worker(lambda c: (c.sendall(b"220 hello"), echo(c)), CONNECT=EARLY) as (relays, _):
        with connect(relays.address) as client:
            assert client.recv(100) == b"220 hello"
            wait_for(lambda: relays.counts(3)["pinned"] == 1, "it is no HTTP/1")


def test_classes_are_counted():
    def only(name):
        counts = dict.fromkeys(("queued", "silent", "in_request", "between", "pinned"), 0)
        return {**counts, name: 1}

    with one_worker(keep, CONNECT=EARLY) as (relays, worker):
        with connect(relays.address) as client:
            wait_for(lambda: relays.counts(3) == only("silent"), "no byte has passed")
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            wait_for(lambda: relays.counts(3) == only("in_request"), "asked")
            wait_for(lambda: worker.connections, "it is accepted")[0].sendall(
                b"HTTP/1.1 204 No Content\r\n\r\n")
            assert client.recv(100)
            wait_for(lambda: relays.counts(3) == only("between"), "answered")
            client.sendall(b"no HTTP\r\n")
            wait_for(lambda: relays.counts(3) == only("pinned"), "not to be followed")
        wait_for(lambda: worker.connections[0].recv(100) == b"", "the end arrives")
        worker.connections[0].close()
        wait_for(lambda: nothing_counted(relays), "gone")


# ---- the pool


def test_relays_share_the_connections():
    with one_worker(echo, relays=2) as (relays, _):
        clients = [connect(relays.address, b"x") for _ in range(200)]
        for client in clients:
            assert client.recv(1) == b"x"
        accepted = [relay.service_counts()["accepted"] for relay in relays.relays]
        assert sum(accepted) == 200
        assert min(accepted) >= 40, accepted
        for client in clients:
            client.close()


def test_a_relay_that_stands_still_keeps_the_others_from_nothing():
    with one_worker(echo, relays=2) as (relays, _):
        os.kill(relays.relays[1].process.pid, signal.SIGSTOP)
        try:
            clients = [connect(relays.address, b"x") for _ in range(100)]
            for client in clients:
                assert client.recv(1) == b"x"
        finally:
            os.kill(relays.relays[1].process.pid, signal.SIGCONT)
        for client in clients:
            client.close()


# ---- worker_max


def test_worker_max_bounds_what_a_worker_has_and_the_rest_wait_in_order():
    order = []

    def serve(connection):
        order.append(connection.recv(10))
        release.acquire()  # pylint: disable=consider-using-with
        connection.sendall(b"done")

    release = threading.Semaphore(0)
    with one_worker(serve, WORKER_MAX=2) as (relays, worker):
        clients = []
        for i in range(7):
            clients.append(connect(relays.address, b"%d" % i))
            wait_for(lambda n=i: len(order) == min(n + 1, 2), "those that may are placed")
            # The first that waits stops the accepting: from there on the kernel keeps the order.
            wait_for(lambda n=i: n < 2 or relays.service("held") >= 1, "others wait")
        assert worker.seen == 2
        for i, client in enumerate(clients):
            release.release()
            wait_for(lambda n=i: len(order) >= min(n + 3, 7), "the next has its turn")
            assert relays.counts(3)["pinned"] <= 2
        for client in clients:
            assert client.recv(10) == b"done"
            client.close()
        assert order[2:] == [b"2", b"3", b"4", b"5", b"6"]


def test_relays_share_out_worker_max():
    with Worker(named(b"x")) as worker, Relays(2, WORKER_MAX=3) as relays:
        relays.worker(3, A, worker.address)
        relays.table()
        clients = [connect(relays.address, b"%d" % i) for i in range(10)]
        wait_for(lambda: worker.seen >= 1 and relays.service("held") >= 1, "they settle")
        assert stays(lambda: worker.seen <= 3, 0.2)
        for client in clients:
            client.close()


# ---- resources


@pytest.fixture
def many_descriptors():
    """A login's soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 16384:
        pytest.skip("too few descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 16384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees what memory a relay has")
@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.plain_only
def test_idle_connections_hold_no_buffer_and_wake_nobody():
    n = 2000
    with one_worker(echo) as (relays, worker):
        worker.socket.listen(512)
        first = [connect(relays.address, b"x") for _ in range(100)]
        for client in first:
            client.recv(1)
        before = rss(relays.relay)
        clients = []
        for _ in range(n):  # idle, one after the other: what is under way may take more
            clients.append(connect(relays.address, b"x"))
            assert clients[-1].recv(1) == b"x"
        assert sanitized(relays.relay) or (rss(relays.relay) - before) / n < 512
        wait_for(lambda: sleeps(relays.relay.process.pid, 1), "a second without a wake-up")
        for client in clients + first:
            client.close()


def test_out_of_descriptors_clients_wait_in_the_queue_and_none_is_lost():
    with one_worker(echo, wrap=["prlimit", "--nofile=240"]) as (relays, _):
        clients = [connect(relays.address, b"%3d" % i) for i in range(150)]
        wait_for(lambda: relays.relay.reports or relays.relay.poll_report(), "a line is logged")
        assert 0 < relays.service("accepted") < 120  # two descriptors each
        for i, client in enumerate(clients):  # each end makes room for another
            assert client.recv(10) == b"%3d" % i
            client.close()
        assert ask(relays.address) == b"hello"
        assert "cannot have more" in relays.relay.reports[0]["TEXT"]
        assert len(relays.relay.reports) == 1


@pytest.mark.parametrize("when", [LATE, EARLY])
def test_who_has_spoken_gives_way_to_nobody_even_if_that_was_not_read_yet(when):
    with one_worker(echo, wrap=["prlimit", "--nofile=240"], CONNECT=when) as (relays, _):
        pid = relays.relay.process.pid
        clients = [connect(relays.address)]
        for i in range(150):
            os.kill(pid, signal.SIGSTOP)
            clients[i].sendall(b"%3d" % i)
            clients.append(connect(relays.address))
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: relays.relay.reports or relays.relay.poll_report(), "it has no room")
        for i, client in enumerate(clients[:-1]):
            assert client.recv(10) == b"%3d" % i
            client.close()
        clients[-1].close()


def test_a_port_that_joins_itself_is_no_worker():
    """connect() to a free local port can pick that very port as its own, and answer itself."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        low, high = map(int, f.read().split())
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    assert low <= port <= high
    with Relays(CONNECT_TIMEOUT=SECOND) as relays:
        relays.worker(3, A, f"127.0.0.1:{port}")
        relays.table()
        with connect(relays.address, b"anybody?") as client:
            wait_for(lambda: relays.service("held") == 1, "it is held")
            client.settimeout(1)
            with pytest.raises(socket.timeout):
                client.recv(1)


OUT_OF_PORTS = """
import socket, sys
from harness.relay import A, Relays
from harness.servers import Worker, keep

with Worker(keep, backlog=200) as worker, Relays() as relays:
    relays.worker(3, A, worker.address)
    relays.table()
    clients = []
    for i in range(60):  # three times the ports that there are; each client from its own address
        client = socket.socket()
        client.settimeout(20)
        client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        client.bind((f"127.1.0.{i + 1}", 0))
        client.connect(relays.address)
        client.sendall(b"x")
        clients.append(client)
    while len(worker.connections) < len(clients):
        pass
    sources = {c.getpeername()[0] for c in worker.connections}
    relays.relay.poll_report()
    assert len(sources) >= 3, sources
    assert "no local port" in relays.relay.reports[0]["TEXT"], relays.relay.reports
    for client in clients:
        client.close()
"""


PORTS_OF_SLOT_B = """
import os, socket, sys
from harness.relay import A, B, Relays
from harness.servers import Worker, keep

KEEPS_OFF = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 3)

def fill(relays, clients, n):
    for _ in range(n):
        client = socket.socket()
        client.settimeout(20)
        client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        client.bind((f"127.1.0.{len(clients) + 1}", 0))
        client.connect(relays.address)
        client.sendall(b"x")
        clients.append(client)
    while len(worker.connections) < len(clients):
        pass

def worker_can_bind(port, as_servers_do=True):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, as_servers_do)
        s.bind(("127.0.0.1", port))
        s.listen()

with Worker(keep, backlog=200) as worker, Relays() as relays:
    clients = []
    relays.worker(3, A, worker.address)
    listening = {int(worker.address.rsplit(":", 1)[1]), relays.address[1]}
    known = next(port for port in range(50005, 50010) if port not in listening)
    relays.worker(4, B, f"127.0.0.1:{known}", up=0)
    relays.table()
    fill(relays, clients, 40)
    taken = {c.getpeername()[1] for c in worker.connections}
    assert len(taken) > 5
    worker_can_bind(known)
    if KEEPS_OFF:
        assert known not in taken, taken
        worker_can_bind(known, as_servers_do=False)
    late = (taken - {known}).pop()  # one that nobody knew to be a worker's
    relays.worker(5, B, f"127.0.0.1:{late}", up=0)
    worker_can_bind(late)
    before = len(worker.connections)
    fill(relays, clients, 20)
    if KEEPS_OFF:
        assert not {c.getpeername()[1] for c in worker.connections[before:]} & {known, late}
    for client in clients:
        client.close()
"""


def in_a_network_with_twenty_local_ports(tmp_path, text):
    script = tmp_path / "inner.py"
    script.write_text(text)
    shell = ("ip link set lo up && echo 50000 50019 > /proc/sys/net/ipv4/ip_local_port_range && "
             f"exec timeout 60 {sys.executable} {script}")
    environment = dict(os.environ, PYTHONPATH=str(Path(__file__).parent))
    probe = subprocess.run(["unshare", "-n", "ip", "link", "set", "lo", "up"],
                           capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("no network namespace to be had")
    done = subprocess.run(["unshare", "-n", "sh", "-c", shell], env=environment,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_out_of_local_ports_other_loopback_addresses_are_taken(tmp_path):
    in_a_network_with_twenty_local_ports(tmp_path, OUT_OF_PORTS)


def test_the_ports_of_workers_that_are_not_up_are_left_to_them(tmp_path):
    in_a_network_with_twenty_local_ports(tmp_path, PORTS_OF_SLOT_B)
