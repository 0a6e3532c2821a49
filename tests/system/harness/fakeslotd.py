"""slotd as slotd-control sees it: one end of its channel, driven by a test.

Message and tag numbers are read from include/slotd/message.h, so that there is no second list.
"""

import array
import os
import re
import resource
import socket
import struct
import subprocess
import threading
import time

from .paths import ROOT, helper_path


def read_enum(name, header="message.h"):
    with open(ROOT / "include/slotd" / header) as f:
        text = re.sub(r"/\*.*?\*/|//[^\n]*", "", f.read(), flags=re.S)
    body = re.search(r"enum %s \{(.*?)\}" % name, text, re.S).group(1)
    return {n: i for i, n in enumerate(re.findall(r"^\s*(\w+)\s*,", body, re.M))}


MSG = read_enum("message_type")
TAG = read_enum("message_tag")
COMMAND = read_enum("command", "command.h")
MSG_NAMES = {v: k for k, v in MSG.items()}
TAG_NAMES = {v: k for k, v in TAG.items()}


def encode(message, ident=0, **fields):
    body = b""
    for name, value in fields.items():
        if isinstance(value, str):
            value = value.encode() + b"\0"
        elif isinstance(value, int):
            value = struct.pack("<q", value)
        body += struct.pack("<HHI", TAG["TAG_" + name.upper()], 0, len(value))
        body += value + b"\0" * (-len(value) % 8)
    return struct.pack("<HHIII", MSG["MSG_" + message.upper()], 0, ident, len(body), 0) + body


NUMBERS = {"COMMAND", "UID", "GID", "PID", "WAIT", "INDEX", "CHANNEL", "LEVEL", "JOB",
           "BACKUPS"}


def decode(packet):
    kind, _, ident, _, _ = struct.unpack_from("<HHIII", packet)
    fields, pos = {}, 16
    while pos < len(packet):
        tag, _, length = struct.unpack_from("<HHI", packet, pos)
        name, value = TAG_NAMES[tag][4:], packet[pos + 8:pos + 8 + length]
        if name in NUMBERS:
            value = struct.unpack("<q", value)[0]
        elif name != "BYTES":
            value = value[:-1].decode()
        fields[name.lower()] = value
        pos += 8 + length + -length % 8
    return MSG_NAMES[kind][4:].lower(), ident, fields


class FakeSlotd:
    """Runs slotd-control. Answers commands by `answers`: command name -> function(fake, id, fields)."""

    def __init__(self, run_dir, descriptors=None):
        self.run_dir = str(run_dir)
        self.path = os.path.join(self.run_dir, "slotd.sock")
        self.commands = []  # (command or message name, fields), as they came
        self.gone = []
        self.workers = {}
        self.logs = {}  # (name, channel) -> path
        self.answers = {}
        self.lock = threading.Condition()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = ours
        theirs.setblocking(False)
        self.stderr = open(os.path.join(self.run_dir, "control.err"), "wb")

        def third():
            os.dup2(theirs.fileno(), 3, inheritable=True)
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [helper_path("control")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.stderr,
            close_fds=False, preexec_fn=third)
        theirs.close()
        assert decode(self.channel.recv(65536))[0] == "ready"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def send(self, message, ident=0, fds=(), **fields):
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.channel.sendmsg([encode(message, ident, **fields)], control)

    def serve(self):
        while True:
            try:
                packet = self.channel.recv(65536)
            except OSError:
                return
            if not packet:
                return
            kind, ident, fields = decode(packet)
            with self.lock:
                if kind == "command_gone":
                    self.gone.append(ident)
                else:
                    name = kind
                    if kind == "command":
                        name = next(k for k, v in COMMAND.items() if v == fields["command"])[8:].lower()
                    self.commands.append((name, fields))
                    answer = self.answers.get(name, getattr(self, "on_" + name, None))
                    if answer is None:
                        self.send("answer", ident, code=80)
                    elif answer != "never":
                        answer(self, ident, fields) if name in self.answers else answer(ident, fields)
                self.lock.notify_all()

    def wait_for(self, condition, timeout=30):
        with self.lock:
            assert self.lock.wait_for(condition, timeout), (self.commands, self.gone)

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # ---- what a small slotd would do

    def worker(self, name, group=None, state=0, **fields):
        group = group or name
        known = self.workers.setdefault((group, name), {"worker": len(self.workers), "name": name,
                                                         "group": group, "generation": 1})
        known.update(state=state, generation=known["generation"] + 1, **fields)
        self.send("state_worker", **known)

    def log(self, group, name, channel, path):
        self.logs[(group, name, channel)] = path

    def find(self, namespec):
        group, _, name = namespec.partition(":")
        return group, name or group

    def on_start(self, ident, fields, state=20, pid=4242):
        if fields["name"].endswith(":*") or fields["name"] == "all":
            for group, name in sorted(self.workers):
                if fields["name"] == "all" or group == fields["name"][:-2]:
                    self.worker(name, group, state, pid=pid, started=int(time.time() * 1e6))
                    self.send("answer_item", ident, code=80, group=group, name=name)
            self.send("answer", ident, code=80)
            return
        group, name = self.find(fields["name"])
        if self.workers[(group, name)]["state"] == state:
            self.send("answer", ident, code=60 if state == 20 else 70)
            return
        self.worker(name, group, state, pid=pid,
                    **{"started" if state == 20 else "stopped": int(time.time() * 1e6)})
        self.send("answer", ident, code=80)

    def on_stop(self, ident, fields):
        self.on_start(ident, fields, state=0, pid=0)

    def on_tail(self, ident, fields):
        key = ("", "", 0)
        if fields.get("name"):
            key = self.find(fields["name"]) + (fields["channel"],)
        path = self.logs.get(key)
        if not path or not os.path.exists(path):
            self.send("answer", ident, code=20, path=path or "")
            return
        with open(path, "rb") as f:
            self.send("answer", ident, fds=[f.fileno()], code=80, path=path)

    on_maintail = on_tail

    def listen_unix(self, path=None, index=0, **auth):
        path = path or self.path
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            s.listen(128)
            s.setblocking(False)
            self.send("control_listen", fds=[s.fileno()], index=index, address="unix:" + path,
                      section="slotd", **auth)
        return path

    def listen_inet(self, index=1, **auth):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", 0))
            s.listen(128)
            s.setblocking(False)
            port = s.getsockname()[1]
            self.send("control_listen", fds=[s.fileno()], index=index,
                      address="127.0.0.1:%d" % port, section="inet_http_server", **auth)
        return port

    def daemon(self, state=1, pid=777):
        self.send("state_daemon", state=state, pid=pid, identifier="supervisor", version="0.1.0",
                  since=int(time.time() * 1e6))

    def synced(self):
        self.send("state_synced")

    def close(self):
        self.send("quit")
        return self.process.wait(60)
