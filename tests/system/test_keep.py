"""slotd-keep alone, with the test in slotd's place."""

import os
import socket

import pytest

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
