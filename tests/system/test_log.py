"""slotd-log alone, with the test in slotd's place: it holds the pipes and the two memfds."""

import fcntl
import itertools
import os
import random
import re
import resource
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from harness.procs import sleeps, wait_for
from harness.wire import Helper, Message, encode

STAGING_SIZE = 256 * 1024
NOTES_SIZE = 256 * 1024  # at least struct log_notes; a test of its own checks that it is enough
F_ADD_SEALS, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW = 1033, 1, 2, 4
NOTES_HEAD = b"eton" + (1).to_bytes(4, "little")
STDOUT, STDERR = 0, 1
LOG_INFO = 6
NOTE_STATES = ["idle", "writing", "shifting", "making"]
NOTE_COPY = 72 + 4096  # sizeof(struct log_note_copy)


def memfd(name, size, head=b""):
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    os.pwrite(fd, head, 0)
    fcntl.fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)
    return fd


class Log:
    """slotd's part: keeps everything that a slotd-log after a kill needs."""

    def __init__(self, start=True):
        self.staging = memfd("staging", STAGING_SIZE)
        self.notes = memfd("notes", NOTES_SIZE, NOTES_HEAD)
        self.streams = {}
        self.reports = []
        self.messages = []
        self.lost = {}
        self.helper = None
        if start:
            self.start()

    def start(self, wrap=()):
        self.helper = Helper("log", wrap)
        self.give("LOG_SETUP", [self.staging, self.notes])
        for stream in self.streams.values():
            self.give_stream(stream)

    def give(self, kind, fds=(), ident=0, **tags):
        self.helper.send_raw(encode(Message(kind, ident, tags)), fds)

    def give_stream(self, stream):
        if not self.helper:
            return  # start() will
        self.give("LOG_STREAM", stream.fds, STREAM=stream.id, NAME=f"worker_{stream.id}",
                  GROUP="g", **stream.tags)

    def kill(self):
        self.helper.process.kill()
        self.helper.process.wait()
        with suppress(ConnectionError, AssertionError, OSError):
            self.helper.channel.setblocking(False)
            while True:
                self.note(self.helper.receive())
        self.helper.channel.close()

    def note_state(self):
        """What the killed one was doing, by the notes: see lognote.h."""
        current = int.from_bytes(os.pread(self.notes, 4, 8), "little")
        state = int.from_bytes(os.pread(self.notes, 4, 16 + current * NOTE_COPY), "little")
        return NOTE_STATES[state if os.lseek(self.staging, 0, os.SEEK_CUR) else 0]

    def note(self, message):
        if message.type == "REPORT":
            self.reports.append(message["TEXT"])
        elif message.type == "LOG_CLOSED":
            stream = self.streams.pop(message["STREAM"])
            os.close(stream.read_end)
            stream.closed = message
        elif message.type == "LOG_LOST":
            self.lost[message["STREAM"]] = message
        else:
            self.messages.append(message)

    def next(self, *kinds):
        """The next message of one of these kinds; the others are noted on the way."""
        while True:
            message = self.helper.receive()
            self.note(message)
            if message.type in kinds:
                return message

    def ask(self, kind, answer="DONE", **tags):
        self.give(kind, ident=77, **tags)
        message = self.next(answer)
        assert message.id == 77
        return message

    def until_closed(self, *streams):
        while any(s.closed is None for s in streams):
            self.next("LOG_CLOSED")

    def end(self):
        for stream in list(self.streams.values()):
            stream.end()
        self.helper.quit()
        self.helper.channel.close()
        for fd in [self.staging, self.notes]:
            os.close(fd)
        for stream in self.streams.values():
            os.close(stream.read_end)


class Stream:
    """A worker's output: write() what it prints."""

    def __init__(self, log, ident, path=None, target=None, **tags):
        self.read_end, self.write_end = os.pipe()
        self.id = ident
        self.fds = [self.read_end] + ([target] if target is not None else [])
        self.closed = None
        self.tags = {"CHANNEL": STDOUT, **tags}
        if path:
            self.tags["PATH"] = str(path)
        self.log = log
        log.streams[ident] = self
        log.give_stream(self)

    def write(self, data):
        data = data.encode() if isinstance(data, str) else data
        while data:
            data = data[os.write(self.write_end, data):]

    def end(self):
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def finish(self):
        self.end()
        self.log.until_closed(self)
        return self.closed


@pytest.fixture
def log():
    log = Log()
    yield log
    log.end()


def backups_of(path):
    """The file and its backups, oldest first."""
    found = list(Path(path).parent.glob(Path(path).name + ".*"))
    found.sort(key=lambda p: -int(p.name.rsplit(".", 1)[1]))
    return found + [Path(path)]


def text_of(path):
    return b"".join(p.read_bytes() for p in backups_of(path)).decode()


def read_lines(reader, count, at_once):
    """Until that many lines have ended, in reads of at most so many bytes."""
    got = b""
    while got.count(b"\n") < count:
        got += os.read(reader, at_once)
    return got


def pipe_empty(fd):
    return int.from_bytes(fcntl.ioctl(fd, 0x541B, b"\0" * 4), "little") == 0  # FIONREAD


# ---- files


def test_output_arrives_in_the_file(log, tmp_path):
    s = Stream(log, 1, tmp_path / "out.log")
    s.write("one\ntwo\nno newline")
    assert s.finish()["LOST_LINES"] == 0
    assert (tmp_path / "out.log").read_text() == "one\ntwo\nno newline"


def test_the_end_of_a_pipe_is_told_after_its_last_byte_is_written(log, tmp_path):
    for i in range(1, 20):
        s = Stream(log, i, tmp_path / f"{i}.log")
        s.write(b"x" * 60000)
        s.finish()
        assert (tmp_path / f"{i}.log").stat().st_size == 60000


def test_a_file_is_made_with_the_mode_and_owner_asked_for(log, tmp_path):
    owner = {"UID": 65534, "GID": 65534} if os.getuid() == 0 else {}
    s = Stream(log, 1, tmp_path / "out.log", MODE=0o600, **owner)
    s.write("x\n")
    s.finish()
    st = (tmp_path / "out.log").stat()
    assert st.st_mode & 0o777 == 0o600
    assert not owner or st.st_uid == 65534


def test_a_file_that_is_made_late_is_not_made_for_nothing(log, tmp_path):
    Stream(log, 1, tmp_path / "out.log", MODE=0o600).finish()
    assert not (tmp_path / "out.log").exists()


def test_rotation_is_at_line_ends_and_keeps_so_many_backups(log, tmp_path):
    path = tmp_path / "out.log"
    s = Stream(log, 1, path, MAXBYTES=1000, BACKUPS=3)
    s.write("".join(f"line {i:04d} {'x' * 30}\n" for i in range(200)))
    s.finish()
    files = backups_of(path)
    assert [p.name for p in files] == ["out.log.3", "out.log.2", "out.log.1", "out.log"]
    assert all(1000 <= p.stat().st_size < 1041 for p in files[:-1])
    assert text_of(path).endswith(f"line 0199 {'x' * 30}\n")
    assert text_of(path).startswith("line")


def test_without_backups_a_full_file_is_emptied(log, tmp_path):
    path = tmp_path / "out.log"
    s = Stream(log, 1, path, MAXBYTES=1000, BACKUPS=0)
    inode = None
    for i in range(100):
        s.write(f"{i} {'x' * 50}\n")
        if not inode:
            wait_for(path.exists, "the file")
            inode = path.stat().st_ino
    s.finish()
    assert backups_of(path) == [path]
    assert path.stat().st_ino == inode and path.stat().st_size < 1060
    assert path.read_text().endswith(f"99 {'x' * 50}\n")


def test_a_line_without_end_is_cut_64_KiB_after_maxbytes(log, tmp_path):
    path = tmp_path / "out.log"
    s = Stream(log, 1, path, MAXBYTES=1000, BACKUPS=20)
    s.write(b"x" * 200_000)
    s.finish()
    assert {p.stat().st_size for p in backups_of(path)[:-1]} == {1000 + 65536}
    assert text_of(path) == "x" * 200_000


def test_two_streams_share_one_file_and_its_rotation(log, tmp_path):
    path = tmp_path / "out.log"
    both = [Stream(log, i, path, MAXBYTES=5000, BACKUPS=50) for i in (1, 2)]
    for i in range(500):
        both[i % 2].write(f"{i % 2} {i:05d} {'x' * 40}\n")
    for s in both:
        s.end()
    log.until_closed(*both)
    lines = text_of(path).splitlines()
    assert sorted(lines) == sorted(f"{i % 2} {i:05d} {'x' * 40}" for i in range(500))
    for which in "01":
        own = [line for line in lines if line[0] == which]
        assert own == sorted(own)


def test_a_file_that_someone_empties_goes_on_at_its_beginning(log, tmp_path):
    path = tmp_path / "out.log"
    s = Stream(log, 1, path)
    s.write("before\n")
    wait_for(lambda: path.exists() and path.stat().st_size, "the first line")
    os.truncate(path, 0)
    s.write("after\n")
    s.finish()
    assert path.read_text() == "after\n"


def test_a_rotation_that_fails_loses_nothing(log, tmp_path):
    path = tmp_path / "out.log"
    (tmp_path / "out.log.1").mkdir()  # a file cannot replace it
    (tmp_path / "out.log.1" / "x").touch()
    (tmp_path / "out.log.2").mkdir()
    (tmp_path / "out.log.2" / "x").touch()
    s = Stream(log, 1, path, MAXBYTES=100, BACKUPS=2)
    s.write("".join(f"line {i}\n" for i in range(1000)))
    s.finish()
    assert path.read_text() == "".join(f"line {i}\n" for i in range(1000))
    assert len([r for r in log.reports if "cannot rotate" in r]) == 1


def test_a_link_of_an_untrusted_user_is_not_followed(log, tmp_path):
    if os.getuid() != 0:
        pytest.skip("needs root: another user's link")
    (tmp_path / "secret").write_text("")
    os.symlink(tmp_path / "secret", tmp_path / "out.log")
    os.lchown(tmp_path / "out.log", 65534, 65534)
    s = Stream(log, 1, tmp_path / "out.log")
    s.write("one\n")
    assert s.finish()["LOST_LINES"] == 1
    assert (tmp_path / "secret").read_text() == ""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a link away")
@pytest.mark.parametrize("when", ["before", "at a rotation"])
def test_behind_a_directory_of_somebody_elses_link_nothing_is_written(log, tmp_path, when):
    """Whoever owns the directory of a log must not choose where root writes, renames, removes."""
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots/out.log.1").write_text("root's")
    (tmp_path / "logs").mkdir()
    path, s = tmp_path / "logs/out.log", None
    if when != "before":
        s = Stream(log, 1, path, MAXBYTES=100, BACKUPS=1)
        s.write("one\n")
        wait_for(lambda: path.exists() and path.read_text() == "one\n", "it is written")
    (tmp_path / "logs").rename(tmp_path / "moved")
    os.symlink(tmp_path / "roots", tmp_path / "logs")
    os.lchown(tmp_path / "logs", 65534, 65534)
    s = s or Stream(log, 1, path, MAXBYTES=100, BACKUPS=1)
    s.write("two\n" * 100)
    s.finish()
    assert os.listdir(tmp_path / "roots") == ["out.log.1"]
    assert (tmp_path / "roots/out.log.1").read_text() == "root's"
    assert any("it is somebody else's link, or behind one" in r for r in log.reports)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a link away")
def test_a_users_link_to_a_directory_of_the_same_user_is_followed(log, tmp_path):
    """As a deploy makes it: current -> releases/7."""
    (tmp_path / "releases/7/log").mkdir(parents=True)
    os.chown(tmp_path / "releases/7", 65534, 65534)
    os.symlink("releases/7", tmp_path / "current")
    os.lchown(tmp_path / "current", 65534, 65534)
    s = Stream(log, 1, tmp_path / "current/log/out.log", MAXBYTES=100, BACKUPS=3)
    s.write("one\n" * 50)
    s.finish()
    text = "".join(p.read_text() for p in backups_of(tmp_path / "releases/7/log/out.log"))
    assert text == "one\n" * 50


# ---- requests


def test_reopen_writes_to_the_new_file_from_a_line_end_on(log, tmp_path):
    path = tmp_path / "out.log"
    s = Stream(log, 1, path)
    s.write("one\ntw")
    wait_for(lambda: path.exists() and path.stat().st_size == 6, "the begun line")
    path.rename(tmp_path / "moved")
    log.give("LOG_REOPEN", ident=5)
    assert log.ask("LOG_CLEAR", PATH=str(tmp_path / "none"))["CODE"] == -2  # it was handled
    s.write("o\nthree\n")
    assert log.next("DONE").id == 5
    s.finish()
    assert (tmp_path / "moved").read_text() == "one\ntwo\n"
    assert path.read_text() == "three\n"


def test_reopen_does_not_wait_for_ever_for_a_line_end(log, tmp_path):
    s = Stream(log, 1, tmp_path / "out.log")
    s.write("prompt> ")
    wait_for(lambda: pipe_empty(s.read_end), "the prompt")
    (tmp_path / "out.log").rename(tmp_path / "moved")
    assert log.ask("LOG_REOPEN")["CODE"] == 0
    s.write("answer\n")
    s.finish()
    assert (tmp_path / "out.log").read_text() == "answer\n"


def test_a_log_is_opened_read_only_with_all_that_was_written_before(log, tmp_path):
    s = Stream(log, 1, tmp_path / "out.log")
    s.write("x" * 30000)
    answer = log.ask("LOG_OPEN", "LOG_OPENED", STREAM=1)
    (fd,) = answer.fds
    assert answer["CODE"] == 0 and answer["PATH"] == str(tmp_path / "out.log")
    assert os.fstat(fd).st_size == 30000
    with pytest.raises(OSError):
        os.write(fd, b"x")
    os.close(fd)
    s.finish()
    answer = log.ask("LOG_OPEN", "LOG_OPENED", PATH=str(tmp_path / "none"))
    assert answer["CODE"] == -2 and not answer.fds
    answer = log.ask("LOG_OPEN", "LOG_OPENED", PATH=str(tmp_path / "out.log"))
    os.close(answer.fds[0])


def test_clear_empties_the_file_of_a_stream_and_one_that_is_not_open(log, tmp_path):
    path = tmp_path / "out.log"
    s = Stream(log, 1, path)
    s.write("old\n")
    assert log.ask("LOG_CLEAR", STREAM=1)["CODE"] == 0
    s.write("new\n")
    s.finish()
    assert path.read_text() == "new\n"
    assert log.ask("LOG_CLEAR", PATH=str(path))["CODE"] == 0
    assert path.read_text() == ""
    assert log.ask("LOG_CLEAR", PATH=str(tmp_path / "none"))["CODE"] == -2


# ---- a killed slotd-log


class Writer(threading.Thread):
    """Prints numbered lines in pieces of any size, until told to stop."""

    def __init__(self, stream, seed):
        super().__init__()
        self.stream = stream
        self.random = random.Random(seed)
        self.lines = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            first, n = self.lines, self.random.choice([1, 3, 50, 700])
            text = "".join(f"{i:08d} {'abcdefghij' * (i % 8)}\n" for i in range(first, first + n))
            self.lines += n
            while text:
                size = self.random.choice([1, 80, 4096, 70000])
                self.stream.write(text[:size])
                text = text[size:]

    def check(self, path):
        self.check_text(text_of(path), path)

    def check_text(self, text, path):
        lines = text.split("\n")
        assert lines.pop() == ""
        for i, line in enumerate(lines):
            assert line == f"{i:08d} {'abcdefghij' * (i % 8)}", f"line {i} of {path}"
        assert len(lines) == self.lines


# Many small files: it is mostly killed while it renames; few large ones: while it writes.
@pytest.mark.parametrize("maxbytes, backups", [
    (20_000, 4000), pytest.param(3_000_000, 200, marks=pytest.mark.plain_only),
    pytest.param(0, 0, marks=pytest.mark.plain_only)])
def test_no_line_is_lost_doubled_or_split_when_slotd_log_is_killed(
    log, tmp_path, maxbytes, backups
):
    paths = [tmp_path / f"{i}.log" for i in (1, 2, 3)]
    limits = {"MAXBYTES": maxbytes, "BACKUPS": backups}
    streams = [
        Stream(log, 1, paths[0], **limits),
        Stream(log, 2, paths[1], STRIP_ANSI=1, **limits),
        Stream(log, 3, paths[2], INDENT=1, **limits),
    ]
    writers = [Writer(s, s.id) for s in streams]
    for w in writers:
        w.start()
    dice = random.Random(4)
    owed = {state: 0 for state in NOTE_STATES}
    for _ in range(120):
        time.sleep(dice.random() * 0.012)  # the moment of the kill is the input here
        log.kill()
        owed[log.note_state()] += 1
        log.start()
    for w in writers:
        w.stopping.set()
    for w in writers:
        w.join()
    for s in streams:
        s.end()
    log.until_closed(*streams)
    for w, path in zip(writers[:2], paths):
        w.check(path)
    writers[2].check_text(text_of(paths[2]).replace("\n" + BAR, "\n").removeprefix(BAR), paths[2])
    print(owed, sum(w.lines for w in writers))


def test_no_line_is_lost_doubled_or_split_by_renames_reopens_and_kills(log, tmp_path):
    path = tmp_path / "out.log"
    s = Stream(log, 1, path)
    writer = Writer(s, 1)
    writer.start()
    dice = random.Random(5)
    moved = []
    for _ in range(150):
        time.sleep(dice.random() * 0.012)
        if path.exists() and dice.random() < 0.5:
            moved.append(tmp_path / f"moved.{len(moved)}")
            path.rename(moved[-1])
        if dice.random() < 0.5:
            log.give("LOG_REOPEN")
        if dice.random() < 0.5:
            log.kill()
            log.start()
    writer.stopping.set()
    writer.join()
    s.finish()
    files = [p for p in [*moved, path] if p.exists()]
    texts = [p.read_text() for p in files]
    assert all(text == "" or text.endswith("\n") for text in texts)
    writer.check_text("".join(texts), tmp_path)
    assert len(files) > 20


def kill_at(call, n):
    """A strace that kills what it runs just before its n-th call."""
    return ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
            f"inject={call}:signal=KILL:when={n}"]


def one_run(path, backups, wrap=()):
    """Writes one chunk over several rotations; (the files' texts, whether it was killed)."""
    log = Log(start=False)
    s = Stream(log, 1, path, MAXBYTES=1000, BACKUPS=backups)
    s.write("".join(f"{i:05d} {'z' * 33}\n" for i in range(125)))
    s.end()
    killed = False
    try:
        log.start(wrap)
        log.until_closed(s)
    except (AssertionError, ConnectionError):  # it was killed, maybe before it was ready
        killed = True
        if log.helper:
            log.kill()
        log.start()
        log.until_closed(s)
    log.end()
    return [p.read_text() for p in backups_of(path)], killed


@pytest.mark.plain_only
@pytest.mark.parametrize("backups", [0, 1, 3])
@pytest.mark.parametrize("call", ["splice", "write", "rename", "unlink", "openat", "fstat",
                                  "ftruncate", "lseek"])
def test_any_call_can_be_the_last(tmp_path, call, backups):
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    calls = {"rename": "rename,renameat,renameat2", "unlink": "unlink,unlinkat",
             "fstat": "fstat,newfstatat"}.get(call, call)
    expected, _ = one_run(tmp_path / "expected.log", backups)
    assert len(expected) == backups + 1
    killed, n = True, 0
    while killed:
        n += 1
        found, killed = one_run(tmp_path / f"{n}.log", backups, kill_at(calls, n))
        assert found == expected, f"killed before {call} {n}"


def test_notes_of_another_version_do_not_stop_logging(tmp_path):
    log = Log(start=False)
    os.pwrite(log.notes, (99).to_bytes(4, "little"), 4)
    log.start()
    s = Stream(log, 1, tmp_path / "out.log")
    s.write("one\n")
    s.finish()
    assert (tmp_path / "out.log").read_text() == "one\n"
    assert len([r for r in log.reports if "staging window" in r]) == 1
    log.end()


# ---- full disks


@pytest.fixture
def small_disk(tmp_path):
    if os.getuid() != 0:
        pytest.skip("needs root to mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", disk]).returncode:
        pytest.skip("cannot mount here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_loses_only_what_it_cannot_hold_and_recovers(log, small_disk, tmp_path):
    s = Stream(log, 1, small_disk / "out.log")
    other = Stream(log, 2, tmp_path / "other.log")
    lines = [f"{i:06d} {'y' * 43}\n" for i in range(6000)]
    s.write("".join(lines[:4000]))
    other.write("fine\n")
    wait_for(lambda: pipe_empty(s.read_end), "the disk is full")
    log.next("LOG_LOST")
    held = (small_disk / "out.log").read_text()
    assert held.endswith("\n") and 120_000 < len(held) <= 131072
    os.truncate(small_disk / "out.log", 0)
    written = 0
    deadline = time.monotonic() + 30
    while not (small_disk / "out.log").stat().st_size:
        assert time.monotonic() < deadline
        s.write(lines[5000])  # new data is what makes it try again
        written += 1
        time.sleep(0.05)
    s.write("end\n")
    closed = s.finish()
    again = (small_disk / "out.log").read_text().splitlines(True)
    in_files = len(held.splitlines()) + len(again)
    assert in_files + closed["LOST_LINES"] == 4000 + written + 1
    assert set(again[:-1]) == {lines[5000]} and again[-1] == "end\n"
    assert held.splitlines(True) == lines[: len(held.splitlines())]
    assert len([r for r in log.reports if "No space left" in r]) == 1
    assert len([r for r in log.reports if "is written again" in r]) == 1
    other.finish()
    assert (tmp_path / "other.log").read_text() == "fine\n"


def test_a_missing_directory_is_said_once_and_the_lines_are_counted(log, tmp_path):
    s = Stream(log, 1, tmp_path / "none" / "out.log")
    for _ in range(100):
        s.write("line\n")
    assert s.finish()["LOST_LINES"] == 100
    assert len([r for r in log.reports if "No such file" in r]) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees what a helper has open")
def test_without_a_free_descriptor_output_waits_in_its_pipe(log, tmp_path):
    pid = log.helper.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    assert log.ask("LOG_CLEAR", PATH=str(tmp_path / "none"))["CODE"] == -2  # it is set up
    used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    free = next(fd for fd in range(len(used) + 1) if fd not in used)
    last = next(fd for fd in range(free + 1, len(used) + 2) if fd not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (last, limits[1]))  # for the pipe, but no file
    s = Stream(log, 1, tmp_path / "out.log")
    s.write("kept\n")
    assert "trying again" in log.next("REPORT")["TEXT"]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert s.finish()["LOST_LINES"] == 0
    assert (tmp_path / "out.log").read_text() == "kept\n"


@pytest.mark.plain_only  # sanitizers reserve more memory than any limit
@pytest.mark.skipif(os.geteuid() != 0, reason="only root limits what a helper may have")
def test_without_memory_known_output_is_written_and_new_output_waits_in_its_pipe(log, tmp_path):
    known = Stream(log, 1, tmp_path / "1.log")
    known.write("one\n")
    wait_for(lambda: pipe_empty(known.read_end), "the first line")
    pid = log.helper.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_AS)
    size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.prlimit(pid, resource.RLIMIT_AS, (size, limits[1]))
    new = [Stream(log, i, tmp_path / f"{i}.log", SYSLOG=1) for i in range(2, 400)]
    for s in new:
        s.write("I am")  # a line that is begun is kept for syslog
    known.write("two\n")
    wait_for(lambda: (tmp_path / "1.log").read_text() == "one\ntwo\n", "the second line")
    log.kill()
    log.start()
    for s in new:
        s.write(f" {s.id}\n")
        s.end()
    log.until_closed(*new)
    for s in new:
        assert (tmp_path / f"{s.id}.log").read_text() == f"I am {s.id}\n"


@pytest.fixture
def read_only_disk(small_disk):
    def remount(how):
        subprocess.run(["mount", "-o", f"remount,{how}", small_disk], check=True)

    remount("ro")
    yield small_disk, remount
    remount("rw")


def test_a_read_only_disk_is_said_once_and_written_again_when_it_can_be(log, read_only_disk):
    disk, remount = read_only_disk
    s = Stream(log, 1, disk / "out.log")
    for _ in range(100):
        s.write("lost\n")
    wait_for(lambda: pipe_empty(s.read_end), "nobody waits for the disk")
    remount("rw")
    written = 0
    deadline = time.monotonic() + 30
    while not (disk / "out.log").exists():
        assert time.monotonic() < deadline
        s.write("line\n")
        written += 1
        time.sleep(0.05)
    s.write("end\n")
    lost = s.finish()["LOST_LINES"]
    kept = (disk / "out.log").read_text().splitlines()
    assert len(kept) + lost == 100 + written + 1 and kept[-1] == "end"
    assert len([r for r in log.reports if "Read-only" in r]) == 1
    assert len([r for r in log.reports if "is written again" in r]) == 1


# ---- other targets


def test_a_reader_that_does_not_read_stops_only_those_who_write_to_it(log, tmp_path):
    reader, target = os.pipe()
    stuck = Stream(log, 1, "/dev/stdout", target=target)
    free = Stream(log, 2, tmp_path / "free.log")
    text = "".join(f"{i:07d}\n" for i in range(20000))
    writer = threading.Thread(target=lambda: (stuck.write(text), stuck.end()))
    writer.start()
    for i in range(50):
        free.write(f"{i}\n")
    free.finish()
    assert (tmp_path / "free.log").read_text() == "".join(f"{i}\n" for i in range(50))
    os.close(target)
    got = b""
    while len(got) < len(text):
        got += os.read(reader, 65536)
    writer.join()
    assert got.decode() == text
    log.until_closed(stuck)
    os.close(reader)


@pytest.mark.first
@pytest.mark.parametrize("pause", [0, 0.002], ids=["fast reader", "slow reader"])
def test_lines_of_several_streams_arrive_whole_on_one_pipe(log, pause):
    reader, target = os.pipe()
    streams = [Stream(log, i + 1, "/dev/stdout", target=target) for i in range(4)]
    os.close(target)
    sent = {}

    def write(s):
        lots = random.Random(s.id)
        lengths = [65535] + [int(65535 ** lots.random()) for _ in range(150)]
        sent[s.id] = [f"{s.id}:{i}:".ljust(n, "abcd"[s.id - 1])[:n] for i, n in enumerate(lengths)]
        s.write("".join(line + "\n" for line in sent[s.id]))
        s.end()

    writers = [threading.Thread(target=write, args=(s,)) for s in streams]
    for writer in writers:
        writer.start()
    got, ends = bytearray(), 0
    while ends < 4 * 151:
        piece = os.read(reader, 4096)
        ends += piece.count(b"\n")
        got += piece
        time.sleep(pause)
    for writer, s in zip(writers, streams):
        writer.join()
        log.until_closed(s)
    os.close(reader)
    all_sent = {line for lines in sent.values() for line in lines}
    torn = [line for line in got.decode().splitlines() if line not in all_sent]
    assert not [f"{line[:12]} ... {line[-12:]}, {len(line)} bytes" for line in torn]


def test_slotds_own_lines_are_not_within_those_of_a_stream(log):
    """One stream and slotd's echo on one pipe, whose reader is slow."""
    reader, target = os.pipe()
    log.give("LOG_OWN", [target], LEVEL=6, ECHO=1)
    stream = Stream(log, 1, "/dev/stdout", target=target)
    os.close(target)
    lines = [str(i).ljust(60000, "x") for i in range(20)]
    writer = threading.Thread(target=lambda: stream.write("".join(f"{n}\n" for n in lines)))
    writer.start()
    got, own = b"", 0
    while got.count(b"x\n") < len(lines):
        own_line(log, f"own {own}")
        own += 1
        got += os.read(reader, 4096)
        time.sleep(0.001)
    writer.join()
    stream.finish()
    ours = re.compile(r"[-\d]+ [:,\d]+ INFO own \d+|\(\d+ lines left out here\)")
    torn = [line for line in got.decode().splitlines() if line not in lines
            and not ours.fullmatch(line)]
    assert not [line[:60] for line in torn]
    assert any("own" in line for line in got.decode().splitlines())
    os.close(reader)


@pytest.fixture
def beyond_the_limit_of_pipes():
    """As many as a user may have before new ones get two pages only."""
    limit = int(Path("/proc/sys/fs/pipe-user-pages-soft").read_text(encoding="ascii"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not 0 < limit // 16 < 4096 or hard < 10000:
        pytest.skip("this machine limits pipes or descriptors otherwise")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 10000), hard))
    pipes = [os.pipe() for _ in range(limit // 16 + 1)]
    yield
    for end in itertools.chain(*pipes):
        os.close(end)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_lines_are_whole_where_a_user_has_many_pipes(beyond_the_limit_of_pipes, log):
    reader, target = os.pipe()
    streams = [Stream(log, i, "/dev/stdout", target=target) for i in (1, 2)]
    os.close(target)
    lines = [letter * 60000 for letter in "ab"]
    writers = [threading.Thread(target=stream.write, args=((line + "\n") * 10,))
               for stream, line in zip(streams, lines)]
    for writer in writers:
        writer.start()
    got = read_lines(reader, 20, 1 << 16)
    for writer, stream in zip(writers, streams):
        writer.join()
        stream.finish()
    assert sorted(got.decode().splitlines()) == sorted(lines * 10)
    os.close(reader)


def test_a_line_longer_than_its_pipe_is_passed_on_in_pieces(log):
    reader, target = os.pipe()
    stream = Stream(log, 1, "/dev/stdout", target=target)
    os.close(target)
    writer = threading.Thread(target=lambda: stream.write("x" * 2_000_000 + "\n"))
    writer.start()
    got = read_lines(reader, 1, 1 << 16)
    assert got == b"x" * 2_000_000 + b"\n"
    writer.join()
    stream.finish()
    os.close(reader)


def test_a_stream_that_joins_does_not_tear_the_line_of_the_first(log):
    reader, target = os.pipe()
    fcntl.fcntl(target, fcntl.F_SETPIPE_SZ, 4096)
    first = Stream(log, 1, "/dev/stdout", target=target)
    first.write("a" * 60000 + "\n")
    got = os.read(reader, 4096)
    second = Stream(log, 2, "/dev/stdout", target=target)
    os.close(target)
    second.write("b\n")
    got += read_lines(reader, 2, 4096)
    assert got == b"a" * 60000 + b"\nb\n"
    first.finish()
    second.finish()
    os.close(reader)


def test_a_prompt_on_a_shared_pipe_is_not_kept_back(log):
    reader, target = os.pipe()
    asks, idle = (Stream(log, i, "/dev/stdout", target=target) for i in (1, 2))
    os.close(target)
    asks.write("name? ")
    assert os.read(reader, 100) == b"name? "
    asks.finish()
    idle.finish()
    os.close(reader)


def test_a_stream_without_a_file_just_flows_away(log):
    s = Stream(log, 1)
    s.write(b"x" * 1_000_000)
    assert s.finish()["LOST_BYTES"] == 0


def test_strip_ansi_and_capture_mode(log, tmp_path):
    s = Stream(log, 1, tmp_path / "out.log", STRIP_ANSI=1, CAPTURE=1000, EVENTS=1, PID=42)
    for c in "a\x1b[31mred\x1b[0m <!--XSUPERVISOR:BEG no<!--XSUPERVISOR:BEGIN-->data<!--X" \
             "<!--XSUPERVISOR:END-->b\n":
        s.write(c)
    s.write("<!--XSUP")
    s.finish()
    logged = "ared <!--XSUPERVISOR:BEG nob\n<!--XSUP"
    assert (tmp_path / "out.log").read_text() == logged
    events = [m for m in log.messages if m.type == "LOG_EVENT"]
    assert [m["BYTES"] for m in events if m["KIND"] == 1] == ["data<!--X"]
    assert "".join(m["BYTES"] for m in events if m["KIND"] == 0) == logged


# ---- what commands of a deploy print


BAR = "             | "


def test_commands_and_steps_share_a_file_and_only_steps_stand_at_its_edge(log, tmp_path):
    path = tmp_path / "job.log"
    steps, commands = Stream(log, 1, path), Stream(log, 2, path, INDENT=1)
    steps.write("#1 payinv: a -> b\n")
    wait_for(lambda: path.exists() and path.read_text(), "the first line is there")
    commands.write("1/2 prepare ok\r\n\n\x1b[1mno newline")
    commands.finish()
    steps.write("1/2 prepare ok\n")
    steps.finish()
    assert path.read_text() == (f"#1 payinv: a -> b\n{BAR}1/2 prepare ok\n{BAR}\n"
                                f"{BAR}?[1mno newline\n1/2 prepare ok\n")


def test_a_stream_that_is_done_does_not_wait_for_whoever_has_its_pipe(log, tmp_path):
    path = tmp_path / "job.log"
    stream = Stream(log, 1, path, INDENT=1)
    stream.write("x" * 60000 + "\nlast")
    stream.tags["DONE"] = 1
    log.give_stream(stream)
    log.until_closed(stream)
    assert path.read_text().endswith(f"\n{BAR}last\n")

    def nobody_reads():
        try:
            stream.write("late")
        except BrokenPipeError:
            return True
        return False

    wait_for(nobody_reads, "the pipe has no reader")


def test_a_stream_that_is_done_when_slotd_log_dies_is_ended_by_the_next(log, tmp_path):
    path = tmp_path / "job.log"
    stream = Stream(log, 1, path, INDENT=1)
    stream.write("first\n")
    wait_for(lambda: path.exists() and path.read_text(), "the first line is there")
    log.kill()
    stream.write("last")
    stream.tags["DONE"] = 1
    log.start()
    log.until_closed(stream)
    assert path.read_text() == f"{BAR}first\n{BAR}last\n"


# ---- slotd's own log


def own_line(log, text, level=LOG_INFO, **tags):
    log.give("LOG_LINE", LEVEL=level, TEXT=text, WHEN=1_700_000_000_123_456, **tags)


def test_slotds_own_log_has_supervisors_format(log, tmp_path):
    path = tmp_path / "slotd.log"
    log.give("LOG_OWN", LEVEL=7, PATH=str(path))
    for level in (2, 3, 4, 5, 6, 7):
        own_line(log, f"text {level}", level)
    answer = log.ask("LOG_OPEN", "LOG_OPENED")
    assert answer["PATH"] == str(path)
    os.close(answer.fds[0])
    lines = path.read_text().splitlines()
    assert [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,", "", line) for line in lines] == [
        "123 CRIT text 2", "123 ERRO text 3", "123 WARN text 4", "123 INFO text 5",
        "123 INFO text 6", "123 DEBG text 7",
    ]


def test_slotds_own_log_is_echoed_rotated_and_its_repeats_are_counted(log, tmp_path):
    path = tmp_path / "slotd.log"
    reader, echo = os.pipe()
    log.give("LOG_OWN", [echo], LEVEL=6, PATH=str(path), MAXBYTES=200, BACKUPS=2, ECHO=1)
    os.close(echo)
    for _ in range(30):
        own_line(log, "again")
    own_line(log, "other", COUNT=3)
    own_line(log, "left out", 7)
    assert log.ask("LOG_CLEAR", PATH=str(tmp_path / "none"))["CODE"] == -2  # all was handled
    text = os.read(reader, 65536).decode()
    os.close(reader)
    assert text.count("again\n") == 10
    assert "last message repeated 20 times\n" in text
    assert "3 lines of this log were left out\n" in text and text.endswith("INFO other\n")
    assert [p.name for p in backups_of(path)] == ["slotd.log.2", "slotd.log.1", "slotd.log"]
    assert text.endswith(text_of(path))


@pytest.fixture
def receiver(request):
    """A socket that stands for /dev/log or the journal, on machines that have none."""
    path = Path(request.param)
    if path.exists() or os.getuid() != 0:
        pytest.skip(f"needs root and a machine without {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(path))
        s.settimeout(10)
        yield s
    path.unlink()


@pytest.mark.parametrize("receiver", ["/dev/log"], indirect=True)
def test_a_workers_lines_go_to_syslog_one_a_message(log, receiver):
    s = Stream(log, 1, SYSLOG=1, IDENTIFIER="me")
    for piece in ("one\ntw", "o\n\nlast"):
        s.write(piece)
        wait_for(lambda: pipe_empty(s.read_end), "it was taken")
    s.finish()
    got = [receiver.recv(9999).decode() for _ in range(4)]
    for text, expected in zip(got, ["one", "two", "", "last"]):
        assert re.fullmatch(r"<14>\w{3} [ \d]\d [\d:]{8} me: worker_1 " + expected, text)
    receiver.close()
    s = Stream(log, 2, SYSLOG=1)
    s.write("x\n" * 100)
    s.finish()
    assert len([r for r in log.reports if "/dev/log does not take lines" in r]) == 1


@pytest.mark.parametrize("receiver", ["/run/systemd/journal/socket"], indirect=True)
def test_the_journal_gets_slotds_lines_with_their_fields(log, receiver):
    log.give("LOG_OWN", LEVEL=6, JOURNAL=1, IDENTIFIER="me")
    own_line(log, "two\nlines", 4, FIELDS="SLOTD_SERVICE=payinv\nSLOTD_SLOT=a\n")
    text = b"two\nlines"
    assert receiver.recv(9999) == (
        b"PRIORITY=4\nSYSLOG_IDENTIFIER=slotd\nMESSAGE\n" + len(text).to_bytes(8, "little") + text
        + b"\nSLOTD_SERVICE=payinv\nSLOTD_SLOT=a\n"
    )


# ---- many


def pss(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+)", text, re.M).group(1))


@pytest.mark.plain_only
def test_two_thousand_streams_cost_little_memory_and_no_wakeups(log, tmp_path):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 9000:
        pytest.skip(f"needs 9000 descriptors, the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (9000, hard))
    log.kill()
    log.start()  # with the higher limit
    streams = [Stream(log, i, tmp_path / f"{i}.log", MAXBYTES=50 << 20, BACKUPS=10)
               for i in range(1, 2001)]
    for s in streams:
        s.write(f"I am {s.id}\n")
    for s in streams:
        wait_for(lambda s=s: pipe_empty(s.read_end), "the first lines")
    pid = log.helper.process.pid
    wait_for(lambda: sleeps(pid, 0.5), "half a second without a wake-up")
    if os.getuid() == 0:
        print("PSS KiB", pss(pid))
        assert pss(pid) < 3 * 1024
    for s in streams:
        s.end()
    log.until_closed(*streams)
    for i in (1, 2000):
        assert (tmp_path / f"{i}.log").read_text() == f"I am {i}\n"
