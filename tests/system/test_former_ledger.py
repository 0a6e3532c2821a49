"""A slotd that was killed had the layout of an earlier release in its ledger: the next one adopts.

tests/unit/golden/ledger.layout-2 is what such a one has left. Its header says where it had what; the
ledger of a slotd of now is written anew in that way, without what was appended since.
"""

import ctypes
import os
import socket
import struct
from pathlib import Path

import pytest

from harness.apps import two_slots
from harness.paths import ROOT
from harness.procs import wait_for
from harness.wire import Message, decode, encode

IMAGE = ROOT / "tests/unit/golden/ledger.layout-2"
HEAD = struct.Struct("<IIII")
TABLE = struct.Struct("<QIIIIII16I")
PUNCH_HOLE_KEEP_SIZE = 3
HEADER_ROOM = 4096


def layout(head):
    """Its tables: offset, stride, where the content begins, its size, rows used, parts."""
    _, version, n, _ = HEAD.unpack_from(head)
    tables = []
    for i in range(n):
        offset, _, stride, content, size, used, n_parts, *parts = TABLE.unpack_from(
            head, HEAD.size + i * TABLE.size)
        tables.append((offset, stride, content, size, used,
                       list(zip(parts[0::2], parts[1::2]))[:n_parts]))
    return version, tables


def image_head():
    """Its first bytes, of what is kept: "sparse 1", size, and pieces that are not zero."""
    data, head, at = IMAGE.read_bytes(), bytearray(HEADER_ROOM), 16
    assert data[:8] == b"sparse 1"
    while at < len(data):
        offset, length = struct.unpack_from("<QQ", data, at)
        piece = data[at + 16:at + 16 + length][:max(0, HEADER_ROOM - offset)]
        head[offset:offset + len(piece)] = piece
        at += 16 + length
    return head


def row_of_former(row, now, former):
    """One row in the former layout: its content twice, so either place is valid."""
    _, _, content, size, _, parts = now
    _, stride, old_content, old_size, _, old_parts = former
    if not size:
        return row
    place = content + size * (row[0] & 1)
    out = bytearray(stride)
    out[:old_content] = row[:old_content]  # head and name
    for (at, _), (old_at, length) in zip(parts, old_parts):
        for start in (old_content, old_content + old_size):
            out[start + old_at:start + old_at + length] = row[place + at:place + at + length]
    return bytes(out)


def make_former(fd):
    """Rewrites the ledger as slotd 0.1.0 would have left it."""
    head = image_head()
    (version, former), (_, now) = layout(head), layout(os.pread(fd, HEADER_ROOM, 0))
    rows = {}
    for i, (old, new) in enumerate(zip(former, now)):
        for row in range(new[4]):
            data = os.pread(fd, new[1], new[0] + row * new[1])
            rows[old[0] + row * old[1]] = row_of_former(data, new, old)
        struct.pack_into("<I", head, HEAD.size + i * TABLE.size + 24, new[4])
    libc = ctypes.CDLL(None, use_errno=True)
    size = ctypes.c_long(os.fstat(fd).st_size)
    assert libc.fallocate(fd, PUNCH_HOLE_KEEP_SIZE, ctypes.c_long(0), size) == 0
    for offset, data in rows.items():
        os.pwrite(fd, data, offset)
    os.pwrite(fd, head[:HEAD.size + len(former) * TABLE.size], 0)
    assert version == 2


def ledger_of(daemon):
    """A descriptor of what slotd-keep has of it."""
    found = None
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as keep:
        keep.connect(str(daemon.dir / "run/keep.sock"))
        keep.send(encode(Message("KEEP_LIST", 1)))
        answer = None
        while not answer or answer.type != "KEEP_END":
            packet, fds, _, _ = socket.recv_fds(keep, 65536, 16)
            answer = decode(packet, fds)
            if answer.type != "KEEP_END" and answer["NAME"] == "ledger":
                found = os.dup(fds[0])
            for fd in fds:
                os.close(fd)
    assert found is not None
    return found


def pids(daemon):
    return {i["name"]: i["pid"] for i in daemon.rpc.supervisor.getAllProcessInfo()}


@pytest.mark.parametrize("way", ["swap", "deploy"])
@pytest.mark.plain_only
def test_what_it_left_is_taken_over_bake_and_all(slotd, ports, way):
    public, a, b = ports.one(), ports.run(2), ports.run(2)
    daemon = slotd(two_slots("s", f"127.0.0.1:{public}", a, b, options="bake=1000\nprepare=true\n")
                   + "[program:one]\ncommand=sleep 1000\n"
                   + "[program:off]\ncommand=sleep 1000\nautostart=false\n")
    for name in (f"s-a:s-a_{a[0]}", f"s-a:s-a_{a[1]}", "one"):
        daemon.wait_state(name, "RUNNING")
    if way == "swap":
        daemon.rpc.slotd.swap("s")
    else:
        daemon.rpc.slotd.deploy("s", "r7")
    wait_for(lambda: daemon.service("s")["step"] == "bake", "it bakes")
    before = pids(daemon)
    daemon.kill()
    ledger = ledger_of(daemon)
    make_former(ledger)
    os.close(ledger)
    daemon.start(wait=False)
    daemon.wait_log(f"supervisord started with pid {daemon.pid}")
    daemon.wait_ready()
    assert pids(daemon) == before and before["off"] == 0 and before["one"]
    s = daemon.service("s")
    assert (s["live"], s["step"], s["job"]) == ("b", "bake", 1)
    assert daemon.slot("s", "b")["release"] == ("r7" if way == "deploy" else "")
    daemon.ctl("rollback", "s")
    wait_for(lambda: daemon.service("s")["live"] == "a", "the way back")
    assert Path(daemon.dir / "state/history").read_text().count("\n") >= 1
