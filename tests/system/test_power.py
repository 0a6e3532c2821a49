"""The power goes, and what was not synchronized is lost: any of it, as file systems may choose.

What slotd and the children that write its records do to state_dir and live_file is recorded while
jobs go on. At each call of it the power could have gone: names that were not synchronized may be
there or not, in their order; contents may be as synchronized, half new, or new. Each state that
differs is given to a slotd of its own.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from harness.apps import two_slots
from harness.procs import wait_for

CALLS = "openat,write,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
LINE = re.compile(r"^(?:\d+ +)?(\d+\.\d+) (\w+)\((.*)\) += (-?\d+)(?:<(.*)>)?(?: .*)?$")
RESUMED = re.compile(r"^\d+ +\d+\.\d+ <\.\.\. \w+ resumed>(.*)$")
FD = re.compile(r"^(\d+)<([^>]*)>")
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\.\.\.)?')

pytestmark = [pytest.mark.skipif(not shutil.which("strace"), reason="needs strace"),
              pytest.mark.plain_only]  # sanitizers look at each process's end by ptrace, too


def text_of(quoted):
    return ast.literal_eval(f'b"{quoted}"')


class Disk:
    """Files by inode, names by path: what is there, and what would be after the power has gone."""

    def __init__(self, files):
        self.now = {path: i for i, path in enumerate(files)}
        self.content = dict(enumerate(files.values()))
        self.kept, self.names, self.pending = dict(self.content), dict(self.now), []

    def change(self, op):
        self.pending.append(op)
        op(self.now)

    def create(self, path):
        inode = len(self.content)
        self.content[inode] = b""
        self.change(lambda names: names.__setitem__(path, inode))

    def rename(self, old, new):
        self.change(lambda names: names.__setitem__(new, names.pop(old)) if old in names else None)

    def sync(self, path):
        if path in self.now:
            self.kept[self.now[path]] = self.content[self.now[path]]
        else:  # a directory
            self.names, self.pending = dict(self.now), []

    def after_power_cut(self):
        for n in range(len(self.pending) + 1):
            names = dict(self.names)
            for op in self.pending[:n]:
                op(names)
            for choice in (self.of_disk, self.half, self.content.get):
                yield {path: choice(inode) for path, inode in names.items()}

    def of_disk(self, inode):
        return self.kept.get(inode, b"")

    def half(self, inode):
        old, new = self.of_disk(inode), self.content[inode]
        return old + new[len(old):][:(len(new) - len(old)) // 2] if new.startswith(old) else old


def whole_lines(calls):
    """strace cuts a call in two where another process's comes between."""
    begun = {}
    for line in calls.splitlines():
        pid = line.split(" ", 1)[0]
        if line.endswith(" <unfinished ...>"):
            begun[pid] = line[:-len(" <unfinished ...>")]
        elif found := RESUMED.match(line):
            yield begun.pop(pid, "") + found.group(1)
        else:
            yield line


def replay(disk, calls, is_ours):
    """Yields the time after each call that changes something."""
    opened = {}
    for line in whole_lines(calls):
        found = LINE.match(line)
        if not found or int(found.group(4)) < 0:
            continue
        at, call, arguments, result, path = found.groups()
        fd = FD.match(arguments)
        if call == "openat" and path and is_ours(path):
            opened[path] = [0, "O_APPEND" in arguments]
            if path not in disk.now and "O_CREAT" in arguments:
                disk.create(path)
            if "O_TRUNC" in arguments:
                disk.content[disk.now[path]] = b""
        elif call.startswith("rename"):
            old, new = (text_of(t).decode() for t in TEXT.findall(arguments)[:2])
            if is_ours(old):
                disk.rename(old, new)
        elif fd and is_ours(fd.group(2)):
            path = fd.group(2)
            if call == "write":
                data = text_of(TEXT.search(arguments).group(1))[:int(result)]
                old, where = disk.content[disk.now[path]], opened[path]
                start = len(old) if where[1] else where[0]
                disk.content[disk.now[path]] = old[:start] + data + old[start + len(data):]
                where[0] = start + len(data)
            elif call == "ftruncate":
                length = int(arguments.rsplit(",", 1)[1])
                inode = disk.now[path]
                disk.content[inode] = disk.content[inode][:length].ljust(length, b"\0")
            elif call in ("fsync", "fdatasync"):
                disk.sync(path)
        else:
            continue
        yield float(at)


def files_of(d):
    paths = [d.dir / "live", *(p for p in (d.dir / "state").iterdir() if p.name != "lock")]
    return {str(p): p.read_bytes() for p in paths if p.is_file()}


def record(d, log):
    """Does three jobs; from when on who may be live: while one goes on, both."""
    tracer = subprocess.Popen(["strace", "-f", "-ttt", "-y", "-x", "-qq", "-s", "100000", "-o", d.dir / log,
                               "-e", f"trace={CALLS}", "-p", str(d.pid)])
    wait_for(lambda: "TracerPid:\t0\n" not in Path(f"/proc/{d.pid}/status").read_text(), "it traces")
    may = [(0, {"a"})]
    for n, command in enumerate(("swap", "deploy", "rollback"), 1):
        may.append((time.time(), {"a", "b"}))
        d.ctl(command, "s", check=True)
        may.append((time.time(), {d.service("s")["live"]}))
        wait_for(lambda: d.read("state/history").count("\n") == n, "it is in the history")
    tracer.terminate()
    tracer.wait(30)
    return may


def states(d, log, times, before):
    """What may be found after a power cut: the files, and who may be live then."""
    disk, seen = Disk(before), {}
    root = str(d.dir / "state")
    for at in replay(disk, (d.dir / log).read_text(),
                     lambda path: path in (root, f"{d.dir}/live", f"{d.dir}/live.slotd-new", str(d.dir))
                     or path.startswith(root + "/") and not path.endswith("/lock")):
        may = [live for when, live in times if when <= at][-1]
        for files in disk.after_power_cut():
            key = tuple(sorted(files.items()))
            seen[key] = seen.get(key, may) & may
    return seen


def test_whatever_was_lost_one_slot_is_live_and_the_history_can_be_read(slotd, ports):
    a, b = ports.run(1), ports.run(1)
    d = slotd(two_slots("s", f"127.0.0.1:{ports.one()}", a, b,
                        options="live_file=%D%/live\nprepare=true\nidle_keep=0\n"))
    d.wait_state(f"s-a:s-a_{a[0]}", "RUNNING")
    wait_for(lambda: (d.dir / "state/state.json").exists() and (d.dir / "live").exists(), "a record")
    before = files_of(d)
    times = record(d, "calls")
    assert [may for _, may in times if len(may) == 1] == [{"a"}, {"b"}, {"a"}, {"b"}]
    assert d.end() == 0
    found = states(d, "calls", times, before)
    assert len(found) > 20 and {"b"} in found.values()
    for n, (files, may) in enumerate(found.items()):
        for path in files_of(d):
            os.unlink(path)
        for path, content in files:
            with open(path, "wb") as f:
                f.write(content)
        (d.dir / "slotd.log").unlink()
        d.start()
        live = d.service("s")["live"]
        assert live in may, (live, may, files)
        wait_for(lambda: d.read("live") == f"{live}\n", "live_file follows the record")
        torn = d.read("state/history")[-1:] not in ("", "\n")
        if n % 8 and not torn:
            assert d.end() == 0
            continue
        number = json.loads(d.read("state/state.json"))["next_job"]
        d.ctl("swap", "s", check=True)
        wait_for(lambda: f'{{"job":{number},' in d.read("state/history"), "it has a line")
        job = json.loads(d.read("state/history").splitlines()[-1])
        assert job["job"] == number and job["to"] != live and job["code"] == 0
        assert d.end() == 0
