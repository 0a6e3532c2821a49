"""slotd-keep alone, with the test in slotd's place."""

import os
import signal
import socket

import pytest

from harness.procs import wait_for
from harness.wire import Helper, Message, decode, encode


@pytest.fixture
def keep_socket(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(tmp_path / "keep.sock"))
        listener.listen()
        yield listener


# The kernel counts descriptors on their way by user: those of other tests are not to matter.
A_USER_OF_ITS_OWN = ["--user", "54321:54321"] if os.geteuid() == 0 else []


def put(keep, name, fd):
    keep.send_raw(encode(Message("KEEP_PUT", 0, {"NAME": name})), [fd])


def test_the_next_slotd_is_served_when_no_descriptor_is_left(keep_socket):
    with Helper("keep", ["prlimit", "--nofile=30"], A_USER_OF_ITS_OWN) as keep:
        put(keep, "keep.sock", keep_socket.fileno())
        for i in range(40):
            put(keep, f"worker {i}", keep_socket.fileno())
        keep.send("KEEP_DROP", 1, NAME="none of them")
        while keep.receive().id != 1:
            pass
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as successor:
            successor.settimeout(30)
            successor.connect(keep_socket.getsockname())
            successor.send(encode(Message("KEEP_LIST", 2)))
            kept = set()
            while True:
                answer = decode(successor.recv(65536), [])
                if answer.type == "KEEP_END":
                    break
                kept.add(answer["NAME"])
        assert "worker 0" in kept and len(kept) < 40


def kept_by(daemon):
    """What slotd-keep holds: name -> tags of its descriptors."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as successor:
        successor.settimeout(30)
        successor.connect(str(daemon.dir / "run" / "keep.sock"))
        successor.send(encode(Message("KEEP_LIST", 1)))
        kept = {}
        while True:
            packet, fds, _, _ = socket.recv_fds(successor, 65536, 16)
            answer = decode(packet, fds)
            for fd in fds:
                os.close(fd)
            if answer.type == "KEEP_END":
                return kept
            kept[answer["NAME"]] = answer["DESCRIPTORS"].split("\n")[:-1]
            assert len(kept[answer["NAME"]]) == len(fds)


def test_each_descriptor_is_kept_with_what_it_is(slotd):
    daemon = slotd(
        "[program:both]\ncommand=sleep 1000\nstartsecs=0\n"
        "[program:one]\ncommand=sleep 1000\nstartsecs=0\nredirect_stderr=true\n"
    )
    for name in ("both", "one"):
        daemon.wait_state(name, "RUNNING")
    kept = kept_by(daemon)
    assert kept["ledger"] == ["self"] and kept["helper slotd-log"] == ["channel", "pidfd"]
    assert kept["log staging"] == ["staging", "notes"]
    both, one = kept["worker both"], kept["worker one"]
    assert both[:2] == one[:2] == ["pidfd", "stdin"] and (len(both), len(one)) == (4, 3)
    streams = both[2:] + one[2:]
    assert len(set(streams)) == 3 and all(s.startswith("stream ") for s in streams)


def test_what_a_worker_has_written_is_kept_when_it_has_ended(slotd):
    """Its child has the pipe, so the stream goes on without it."""
    daemon = slotd(
        "[program:web]\ncommand=sh -c 'sleep 1000 & echo $! >> children'\ndirectory=%(here)s\n"
        "startsecs=0\nautorestart=false\nredirect_stderr=true\n"
    )

    def streams(n):
        """What is kept of it, once that is n streams and nothing else."""
        tags = kept_by(daemon).get("worker web", [])
        return tags if len(tags) == n and all(t.startswith("stream ") for t in tags) else None

    try:
        daemon.wait_state("web", "EXITED")
        (former,) = wait_for(lambda: streams(1), "the pidfd is kept no more")
        daemon.ctl("start", "web", check=True)
        assert wait_for(lambda: streams(2), "the second run has ended")[1] == former
    finally:
        for child in daemon.read("children").split():
            os.kill(int(child), signal.SIGKILL)
    wait_for(lambda: "worker web" not in kept_by(daemon), "all is written")
