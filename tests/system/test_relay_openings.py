"""The beginning of TLS or HTTP/2 that its worker left unread goes to another worker, once."""

import contextlib
import select
import ssl

import pytest

from harness.procs import wait_for
from harness.relay import A, LATE, NO, Relays
from harness.servers import TIMEOUT, Worker, connect, echo, keep, listener, reset

from test_relay_http import refuse_after_reading, refuse_unread

PREFACE = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" b"\0\0\0\x04\0\0\0\0\0"  # and settings
           b"\0\0\x04\x08\0\0\0\0\0" b"\0\x01\0\0")  # and the size of a window
REQUEST = b"\0\0\x01\x01\x05\0\0\0\x01" b"\x82"


def hello():
    """What a client of TLS says first."""
    context, out = ssl.create_default_context(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="payinv.example").do_handshake()
    return out.read()


OPENINGS = pytest.mark.parametrize("opening", [PREFACE, hello()], ids=["HTTP/2", "TLS"])


@contextlib.contextmanager
def relay(*workers, **options):
    """In front of these, all of them of the live slot; the first has the first connection."""
    with contextlib.ExitStack() as opened, Relays(**{"CONNECT": LATE, **options}) as relays:
        for key, worker in enumerate(workers):
            relays.worker(key, A, opened.enter_context(worker).address)
        relays.table()
        yield relays


def answer_of(relays, opening):
    """What comes; None: a reset or an end."""
    with connect(relays.address, opening) as client:
        with contextlib.suppress(ConnectionResetError):
            return client.recv(1 << 16) or None
    return None


@OPENINGS
@pytest.mark.parametrize("how", [{}, {"PROXY_PROTOCOL": 1}], ids=["plain", "PROXY"])
def test_an_opening_that_lay_unread_goes_to_another_worker(opening, how):
    with relay(Worker(refuse_unread), Worker(echo), **how) as relays:
        assert answer_of(relays, opening).endswith(opening)
        assert relays.sum(0, "retried") == 1


@OPENINGS
def test_one_that_its_worker_never_accepted_does_too(opening):
    """As when a worker stops: what waits at its socket is reset."""
    with contextlib.ExitStack() as opened, Worker(echo) as good, Relays(CONNECT=LATE) as relays:
        stops = listener()
        relays.worker(0, A, "127.0.0.1:%d" % stops.getsockname()[1])
        relays.table()
        client = opened.enter_context(connect(relays.address, opening))
        wait_for(lambda: relays.counts(0)["pinned"], "it waits there")
        relays.worker(1, A, good.address)
        stops.close()
        assert client.recv(1 << 16) == opening


@OPENINGS
def test_one_that_was_read_does_not(opening):
    with relay(Worker(refuse_after_reading), Worker(echo)) as relays:
        assert answer_of(relays, opening) is None
        assert relays.sum(0, "retried") == 0


@OPENINGS
def test_one_that_kills_two_workers_does_not_get_a_third(opening):
    workers = [Worker(refuse_unread) for _ in range(3)]
    with relay(*workers) as relays:
        assert answer_of(relays, opening) is None
        assert sum(worker.seen for worker in workers) == 2


def test_a_hello_that_its_client_has_gone_on_from_does_not():
    bad = Worker(keep)
    with relay(bad, Worker(echo)) as relays, connect(relays.address, hello()) as client:
        wait_for(lambda: relays.counts(0)["pinned"], "it was passed on")
        client.sendall(b"more")
        wait_for(lambda: relays.relay.worker_counts(0)["bytes_in"] == len(hello()) + 4, "that, too")
        reset(wait_for(lambda: bad.connections, "it is accepted").pop())
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        assert relays.sum(0, "retried") == 0


def in_parts(relays, bad, parts):
    """The bad worker reads all parts but the last, and resets; what the client has then."""
    with connect(relays.address, parts[0]) as client:
        worker = wait_for(lambda: bad.connections, "it is accepted")[0]
        for part, following in zip(parts, parts[1:]):
            assert worker.recv(1 << 16) == part
            client.sendall(following)
            assert select.select([worker], [], [], TIMEOUT)[0]
        reset(worker)
        with contextlib.suppress(ConnectionResetError):
            return client.recv(1 << 16)
    return None


def test_a_request_that_lay_unread_after_the_settings_goes_with_them():
    """Many clients of HTTP/2 send their settings first, by themselves."""
    bad = Worker(keep)
    with relay(bad, Worker(echo)) as relays:
        assert in_parts(relays, bad, [PREFACE, REQUEST]) == PREFACE + REQUEST


@pytest.mark.parametrize("parts", [[PREFACE, REQUEST, REQUEST], [PREFACE + REQUEST, REQUEST],
                                   [PREFACE, REQUEST[:5], REQUEST[5:]]])
def test_one_after_another_request_does_not(parts):
    bad = Worker(keep)
    with relay(bad, Worker(echo)) as relays:
        assert in_parts(relays, bad, parts) is None
        assert relays.sum(0, "retried") == 0


@pytest.mark.parametrize("opening", [b"hello\n", b"\x16\x03\x01\0\x05\x02rest", PREFACE[:20]])
def test_what_another_protocol_begins_with_does_not(opening):
    with relay(Worker(refuse_unread), Worker(echo)) as relays:
        assert answer_of(relays, opening) is None


def test_nothing_does_with_retry_no():
    with relay(Worker(refuse_unread), Worker(echo), RETRY=NO) as relays:
        assert answer_of(relays, PREFACE) is None
