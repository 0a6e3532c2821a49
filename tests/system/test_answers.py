"""Answers and requests that take their time, over real swaps: none is cut, none is lost.

Clients are beside slotd and, at once, a round trip away. Whoever began before a flip is finished by
the old slot, for which its drain waits; the next request on the same connection is for the new one.
"""

import concurrent.futures
import contextlib
import hashlib
import re
import threading
import time

import pytest

from apps.answers import PIECE, pieces
from harness.apps import APPS, gunicorn_slot, service, two_slots
from harness.daemon import COLD
from harness.measured import flipped_at
from harness.network import SERVER, Network
from harness.peers import Peers, must
from harness.procs import SLOW, wait_for

OPTIONS = "drain=requests\ndrain_timeout=120\n"  # nothing here is to be ended early


class Service:
    """The daemon, the ways to it, and when it flipped."""

    def __init__(self, daemon, ways):
        self.daemon, self.ways = daemon, ways
        self.flips = []  # (when, who is live from then on)
        self.slotctl = concurrent.futures.ThreadPoolExecutor()
        self.swaps = []
        self.drains = []  # (flip, old slot, when it was seen to be cold)

    def live(self):
        return self.daemon.service("s")["live"]

    def swap(self):
        """Returns when new requests are for the other slot, and who was live. slotctl goes on: it
        follows the drain for some seconds."""
        old = self.live()
        swapping = self.slotctl.submit(self.daemon.ctl, "swap", "s", check=True, timeout=180)
        wait_for(lambda: swapping.done() or self.live() != old, "the flip", 60)
        self.swaps.append(swapping)
        assert self.live() != old, swapping.result()
        self.flips.append((flipped_at(self.daemon.pid) / 1e6, self.live()))
        return old

    def wait_drained(self, old):
        wait_for(lambda: self.daemon.slot("s", old)["state"] == COLD, f"{old} is drained", 120)
        self.drains.append((self.flips[-1][0], old, time.monotonic()))

    def was_live(self, slot, since, until):
        begins = [(0, "a"), *self.flips]
        ends = [when for when, _ in self.flips] + [float("inf")]
        return any(live == slot and begin <= until and end >= since
                   for (begin, live), end in zip(begins, ends))

    def over_a_flip(self, done):
        """Was it under way in the old slot when the other one went live?"""
        return any(done.placed < when < done.ended and done.slot != live
                   for when, live in self.flips)

    def judge(self, peers, *kinds):
        """Everything was answered wholly, and by the slot that was live when it was placed."""
        assert not peers.wrong, "\n".join(peers.wrong)
        assert all("is live" in swap.result().stdout for swap in self.swaps)
        lost = [d for d in peers.done if not self.was_live(d.slot, d.asked, d.placed)]
        assert not lost, lost
        over = [d for d in peers.done if self.over_a_flip(d)]
        assert set(kinds) <= {d.kind for d in over}, "not of every kind under way at a flip"
        assert {d.way for d in over} == {d.way for d in peers.done}, "not on every way"
        for flip, old, cold in self.drains:  # half a second for what is under way to clients
            late = [d for d in peers.done
                    if d.slot == old and d.placed < flip and d.ended > cold + 0.5 * SLOW]
            assert not late, f"{old} was cold at {cold}, before the end of {late}"

    def figures(self, peers, record_property, what):
        over = sum(self.over_a_flip(d) for d in peers.done)
        text = (f"{what}: {len(self.flips)} swaps, {len(peers.done)} answers, {over} of them over "
                f"a flip, {len(peers.wrong)} cut or lost")
        record_property("figures", text)
        print(text)


@pytest.fixture(params=[pytest.param(5, marks=pytest.mark.long), 80], ids=["5 ms", "80 ms"])
def start(request, slotd, ports):
    """start(config): slotd with a service s on %LISTEN%; clients are beside it and a round trip
    away, where the kernel lets us make a network."""
    with contextlib.ExitStack() as stack:
        try:
            network = stack.enter_context(Network(request.param))
        except pytest.skip.Exception:
            network = None
        host, wrap = (SERVER, network.server) if network else ("127.0.0.1", [])
        public = ports.one()

        def run(config):
            daemon = slotd(config.replace("%LISTEN%", f"{host}:{public}"), wrap=wrap)
            wait_for(lambda: daemon.slot("s", "a")["ready"] == 2, "slot a is healthy")
            beside = network.enter_server if network else lambda: None
            ways = {"loopback": (beside, (host, public))}
            if network:
                ways[f"{request.param} ms"] = network.enter_client, (host, public)
            return Service(daemon, ways)

        yield run


@pytest.fixture
def there(start, ports):
    """A Service whose workers are apps/answers.py."""
    return start(two_slots("s", "%LISTEN%", ports.run(2), ports.run(2), options=OPTIONS,
                           app="answers.py"))


def whole(text, n, first=0, pattern=r"(\S+ \d+) (\d{6})\n"):
    """All n numbered parts are there, in order, of one worker: its slot."""
    found = re.findall(pattern, text)
    must(not re.sub(pattern, "", text), f"other text in {text!r}")
    must([int(i) for _, i in found] == list(range(first, first + n)), f"parts of {n}: {text!r}")
    must(len({who for who, _ in found}) == 1, f"two workers in {text!r}")
    return found[0][0].split()[0]


# ---- answers that pause


def lines(how, n, pause):
    def kind(talk):
        talk.ask(f"/lines?how={how}&n={n}&pause={pause}")
        return whole(talk.text(), n)

    return kind


class EventSource:
    """As a browser: when its stream has ended, it goes on from the last event that it has."""

    def __init__(self, how, n, pause):
        self.how, self.n, self.pause = how, n, pause
        self.last = threading.local()

    def __call__(self, talk):
        first = getattr(self.last, "id", -1) + 1
        again = [f"Last-Event-ID: {first - 1}"] if first else []
        talk.ask(f"/events?how={self.how}&n={self.n}&pause={self.pause}",
                 "Accept: text/event-stream", *again)
        text = talk.text()
        slot = whole(re.sub(r"id: (\d+)\ndata: (.*)\n\n", r"\2 \1\n", text), self.n, first)
        self.last.id = first + self.n - 1
        return slot


# ---- interim answers


def early(status, n, pause):
    def kind(talk):
        talk.ask(f"/early?status={status}&n={n}&pause={pause}")
        for _ in range(n):
            must(talk.head()[0] == status, f"no {status}")
        return whole(talk.text(), 1)

    return kind


BODY = b"".join(pieces(1))[:100_000]


def digest_of(talk, data):
    """Who answered what data is; must be right."""
    slot, _, length, digest = talk.text().split()
    must(int(length) == len(data) and digest == hashlib.sha256(data).hexdigest(),
         f"{length} bytes of {len(data)}")
    return slot


def post(talk):
    talk.ask("/digest", f"Content-Length: {len(BODY)}", "Expect: 100-continue", method="POST")


def late_body(talk):
    """Waits 300 ms for the 100, as curl would a second, then sends all the same."""
    post(talk)
    talk.rest(0.3)
    talk.send(BODY)
    must(talk.head()[0] == 100, "no 100")
    return digest_of(talk, BODY)


def body_after_100(flipped, waiting):
    """Keeps the body back until the swap is over, when it was told to go on before that."""

    def kind(talk):
        post(talk)
        must(talk.head()[0] == 100, "no 100")
        waiting.release()
        must(flipped.wait(60), "no swap")
        talk.send(BODY)
        return digest_of(talk, BODY)

    return kind


# ---- all of these at once


def served_by_new(peers, there, kinds):
    """Each of these kinds has been answered by who is live now."""
    when, live = there.flips[-1]
    for kind in kinds:
        for way in there.ways:
            wait_for(lambda k=kind, w=way: peers.wrong or any(
                d.asked > when and d.slot == live for d in peers.of(k) if d.way == w),
                f"{kind} by {live}, {way}", 60)


HOWS = ("chunked", "length", "close")
QUICK = {"103": early(103, 1, 0.5), "102": early(102, 3, 0.3), "late body": late_body,
         **{f"events, {how}": EventSource(how, 10, 0.1) for how in ("chunked", "close")},
         **{f"{how}, {pause} s": lines(how, n, pause)
            for how in HOWS for pause, n in ((0.05, 20), (0.5, 3))}}
SLOW_ONES = {f"{how}, 5 s": lines(how, 3, 5) for how in HOWS}


def test_answers_that_take_their_time_are_whole(there, record_property):
    """The slowest go on over three swaps: slot a is live again meanwhile, and drained again."""
    flipped, waiting = threading.Event(), threading.Semaphore(0)
    with Peers(there.ways) as peers:
        for name, kind in QUICK.items():
            peers.add(name, kind, number=4, period=1)
        for name, kind in SLOW_ONES.items():
            peers.add(name, kind, once=True)
        peers.add("body after 100", body_after_100(flipped, waiting), number=2, once=True)
        for _ in range(2 * len(there.ways)):
            assert waiting.acquire(timeout=30 * SLOW), peers.wrong
        wait_for(lambda: peers.wrong or all(peers.of(name) for name in QUICK), "all are answered")
        there.swap()
        assert there.daemon.slot("s", "a")["state"] != COLD
        flipped.set()
        for _ in range(2):
            served_by_new(peers, there, QUICK)
            there.swap()
        served_by_new(peers, there, QUICK)
        there.wait_drained("a")
    there.figures(peers, record_property, "answers that take their time")
    there.judge(peers, *QUICK, *SLOW_ONES, "body after 100")
    for kind in (*SLOW_ONES, "body after 100"):
        assert {d.slot for d in peers.of(kind)} == {"a"}
        assert len(peers.of(f"after {kind}")) == sum(d.kept for d in peers.of(kind))


# ---- large bodies


class Transfer:
    """Megabytes down or up; the last eighth comes only after the swap."""

    def __init__(self, mb, begun, flipped):
        self.mb, self.begun, self.flipped = mb, begun, flipped
        sha = hashlib.sha256()
        for part in pieces(mb):
            sha.update(part)
        self.digest = sha.hexdigest()

    def pace(self, talk, at):
        """A slow peer until the swap is over, then as fast as it can."""
        if at == self.mb << 17:
            talk.is_placed()
            self.begun.release()
        if at < self.mb * 7 << 17:
            self.flipped.wait(0.002)
        else:
            must(self.flipped.wait(60), "no swap")

    def down(self, how):
        def kind(talk):
            talk.ask(f"/data?how={how}&mb={self.mb}")
            code, headers = talk.head()
            must(code == 200, f"status {code}")
            sha, got, paced = hashlib.sha256(), 0, 0
            for part in talk.body(headers):
                sha.update(part)
                got += len(part)
                while paced + PIECE <= got:
                    paced += PIECE
                    self.pace(talk, paced)
            must(got == self.mb << 20 and sha.hexdigest() == self.digest, f"{got} other bytes")
            return headers["slot"]

        return kind

    def up(self, how):
        """The worker, too, reads slowly: the buffers on both sides are full at the flip."""

        def kind(talk):
            length = f"Content-Length: {self.mb << 20}"
            talk.ask(f"/digest?rate={self.mb / 3}",
                     length if how == "length" else "Transfer-Encoding: chunked", method="POST")
            sent = 0
            for part in pieces(self.mb):
                talk.send(part if how == "length" else b"%x\r\n%b\r\n" % (len(part), part))
                sent += PIECE
                self.pace(talk, sent)
            if how == "chunked":
                talk.send(b"0\r\n\r\n")
            slot, _, got, digest = talk.text().split()
            must(int(got) == self.mb << 20 and digest == self.digest, f"{got} other bytes")
            return slot

        return kind


def transfer(there, sizes, record_property):
    """Down and up, of known length and chunked, so many MB on each way, at once, over a swap."""
    begun, flipped = threading.Semaphore(0), threading.Event()
    kinds = []
    with Peers(there.ways) as peers:
        for way, mb in sizes.items():
            one = Transfer(mb, begun, flipped)
            for direction in ("down", "up"):
                for how in ("length", "chunked"):
                    kinds.append(f"{direction}, {how}, {way}")
                    peers.add(kinds[-1], getattr(one, direction)(how), once=True, way=way)
        for _ in kinds:
            assert begun.acquire(timeout=60 * SLOW), peers.wrong
        old = there.swap()
        assert not peers.done, "the swap came too late"
        assert there.daemon.slot("s", old)["state"] != COLD
        flipped.set()
        there.wait_drained(old)
    there.figures(peers, record_property, f"bodies of {sizes} MB")
    there.judge(peers, *kinds)
    assert all(d.slot == "a" for kind in kinds for d in peers.of(kind))
    assert all(peers.of(kind) and peers.of(f"after {kind}") for kind in kinds)


@pytest.mark.plain_only  # 800 MB
def test_large_bodies_are_whole(there, record_property):
    transfer(there, {way: 100 for way in there.ways}, record_property)


# ---- pipelines


def pipeline(talk):
    """Five requests at once; the answers come in order."""
    talk.ask("/slow?ms=200", times=5)
    slots = [whole(talk.text(), 1) for _ in range(5)]
    must(len(set(slots)) == 1, f"a pipeline of {slots}")
    return slots[0]


@pytest.mark.parametrize("swaps", [2, pytest.param(20, marks=pytest.mark.long)])
@pytest.mark.plain_only
def test_pipelines_are_answered_in_order(there, swaps, record_property):
    with Peers(there.ways) as peers:
        peers.add("pipeline", pipeline, number=20, period=1)
        wait_for(lambda: peers.of("pipeline"), "pipelines are answered")
        for _ in range(swaps):
            old = there.swap()
            served_by_new(peers, there, ["pipeline"])
            there.wait_drained(old)
    there.figures(peers, record_property, "pipelines of five")
    there.judge(peers, "pipeline")


# ---- a real server


@pytest.mark.plain_only  # real peers
def test_gunicorn_streams_are_whole(start, ports, record_property):
    """Threads of real gunicorn, which keeps connections; a generator that pauses."""
    threads = "-k gthread --threads 32 --keep-alive 30"
    slots = [gunicorn_slot(f"s-{slot}", ports.run(2), slot, threads, app="answers:wsgi",
                           directory=APPS) for slot in "ab"]
    there = start("".join(slots) + service("s", "%LISTEN%", OPTIONS))
    kinds = {f"{how}, {pause} s": lines(how, n, pause)
             for how in ("chunked", "length") for pause, n in ((0.05, 20), (0.5, 4))}
    kinds["events"] = EventSource("chunked", 10, 0.15)
    with Peers(there.ways) as peers:
        for name, kind in kinds.items():
            peers.add(name, kind, number=4, period=1)
        wait_for(lambda: all(peers.of(name) for name in kinds), "all are answered")
        old = there.swap()
        served_by_new(peers, there, kinds)
        there.wait_drained(old)
    there.figures(peers, record_property, "gunicorn's streams")
    there.judge(peers, *kinds)
