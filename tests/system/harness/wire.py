"""slotd's own messages (include/slotd/message.h), to talk to a helper without slotd.

Numbers are read from the header, so the tests speak whatever the header says.
"""

import array
import os
import re
import socket
import struct
import subprocess
from dataclasses import dataclass, field
from typing import Any, Dict, List, Sequence

from .paths import ROOT, helper_path

_HEADER = struct.Struct("=HHIII")
_FIELD = struct.Struct("=HHI")
_CHANNEL_FD = 3
_PACKET_MAX = 64 * 1024


def _enum(name: str) -> Dict[str, int]:
    text = (ROOT / "include/slotd/message.h").read_text()
    body = re.search(r"enum %s \{(.*?)\};" % name, text, re.S).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    names = re.findall(r"\b([A-Z][A-Z0-9_]*)\b", body)
    return {n: i for i, n in enumerate(names)}


def _numeric_tags() -> set:
    text = (ROOT / "src/common/message_table.c").read_text()
    return set(re.findall(r"\[(TAG_\w+)\] = \{\"\w+\", TAG_U64\}", text))


MSG = _enum("message_type")
TAG = _enum("message_tag")
_MSG_NAMES = {number: name[4:] for name, number in MSG.items()}
_TAG_NAMES = {number: name[4:] for name, number in TAG.items()}
_NUMERIC = {TAG[name] for name in _numeric_tags()}


@dataclass
class Message:
    """Message("PROBE", 7, KIND=1, ADDRESS="127.0.0.1:80"); names without their prefixes."""

    type: str
    id: int = 0
    tags: Dict[str, Any] = field(default_factory=dict)
    fds: List[int] = field(default_factory=list)

    def __getitem__(self, tag: str) -> Any:
        return self.tags[tag]


def encode(message: Message) -> bytes:
    body = b""
    for name, value in message.tags.items():
        if isinstance(value, str):
            raw = value.encode() + b"\0"
        elif isinstance(value, int):
            raw = struct.pack("=Q", value & (1 << 64) - 1)
        else:
            raw = value
        body += _FIELD.pack(TAG["TAG_" + name], 0, len(raw)) + raw + b"\0" * (-len(raw) % 8)
    return _HEADER.pack(MSG["MSG_" + message.type], 0, message.id, len(body), 0) + body


def decode(packet: bytes, fds: List[int]) -> Message:
    kind, _, ident, _, _ = _HEADER.unpack_from(packet)
    message = Message(_MSG_NAMES[kind], ident, {}, fds)
    at = _HEADER.size
    while at < len(packet):
        tag, _, length = _FIELD.unpack_from(packet, at)
        at += _FIELD.size
        raw = packet[at : at + length]
        if tag in _NUMERIC:
            value = struct.unpack("=q", raw)[0]
        else:
            value = raw.rstrip(b"\0").decode(errors="replace")
        message.tags[_TAG_NAMES.get(tag, str(tag))] = value
        at += length + -length % 8
    return message


class Helper:
    """One helper process, with this test in slotd's place; wrap: a command that runs it."""

    def __init__(self, name: str, wrap: Sequence[str] = (), arguments: Sequence[str] = ()) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fd = theirs.fileno()

        def give_channel() -> None:
            os.dup2(fd, _CHANNEL_FD)
            os.set_inheritable(_CHANNEL_FD, True)

        self.process = subprocess.Popen(
            [*wrap, str(helper_path(name)), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            close_fds=True,
            pass_fds=(_CHANNEL_FD, fd),
            preexec_fn=give_channel,
        )
        theirs.close()
        self.channel.settimeout(30)
        try:
            assert self.receive().type == "READY"
        except BaseException:
            self.process.kill()
            self.process.wait()
            self.channel.close()
            raise

    def send(self, kind: str, ident: int = 0, **tags: Any) -> None:
        self.send_raw(encode(Message(kind, ident, tags)))

    def send_raw(self, packet: bytes, fds: List[int] = ()) -> None:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.channel.sendmsg([packet], ancillary)

    def receive(self) -> Message:
        packet, ancillary, _, _ = self.channel.recvmsg(_PACKET_MAX, socket.CMSG_SPACE(64))
        assert packet, "the helper closed its channel"
        fds = array.array("i")
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        return decode(packet, list(fds))

    def quit(self) -> int:
        if self.process.poll() is None:
            self.send("QUIT")
        return self.process.wait(30)

    def __enter__(self) -> "Helper":
        return self

    def __exit__(self, *exc: Any) -> None:
        if self.process.poll() is None and exc[0]:
            self.process.kill()
        status = self.quit()
        self.channel.close()
        if not exc[0]:
            assert status == 0, f"the helper ended with {status}"
