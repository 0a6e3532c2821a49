"""Logs whose name means a descriptor, and links: what is written there, and what is refused."""

import contextlib
import os
import pty
import socket
import subprocess
import tty

import pytest

from harness.paths import SLOTD
from harness.procs import wait_for

KINDS = ("pipe", "socket", "terminal", "file")


class Target:
    """Something to write to: its descriptor, and what has come there."""

    def __init__(self, kind, directory):
        if kind == "pipe":
            self._read_end, self.fd = os.pipe()
        elif kind == "socket":
            ours, theirs = socket.socketpair()
            self._read_end, self.fd = ours.detach(), theirs.detach()
        elif kind == "terminal":
            self._read_end, self.fd = pty.openpty()
            tty.setraw(self.fd)
        else:
            self.fd = os.open(directory / "target", os.O_WRONLY | os.O_CREAT, 0o644)
            self._read_end = os.open(directory / "target", os.O_RDONLY)
        os.set_blocking(self._read_end, False)
        self._got = b""

    def text(self):
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._read_end, 65536):
                self._got += data
        return self._got.decode()

    def close(self):
        os.close(self._read_end)
        os.close(self.fd)


@pytest.fixture(params=KINDS)
def target(request, tmp_path):
    made = Target(request.param, tmp_path)
    yield made
    made.close()


def programs(names):
    """One for each log's name, which says its own number."""
    return "".join(f"""
[program:p{i}]
command=/bin/sh -c 'echo "says p{i}"; exec sleep 1000'
stdout_logfile={name}
stdout_logfile_maxbytes=0
startsecs=0
""" for i, name in enumerate(names))


def start(daemon, target):
    """With target as stdout, and as descriptor target.fd."""
    wrap = ("/usr/bin/python3", "-I", "-S", "-c",
            f"import os, sys; os.dup2({target.fd}, 1); os.execv(sys.argv[1], sys.argv[1:])")
    return daemon.start(wrap=wrap, pass_fds=(target.fd,))


def assert_each_says(text, names):
    def all_there():
        return all(text().count(f"says p{i}\n") == 1 for i in range(len(names)))

    wait_for(all_there, "each program's line is there once")


def test_every_name_of_slotds_own_descriptors(slotd, target):
    daemon = slotd(start=False)
    (daemon.dir / "link").symlink_to("/dev/stdout")
    (daemon.dir / "link-to-link").symlink_to("link")
    names = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1",
             daemon.dir / "link", daemon.dir / "link-to-link", f"/dev/fd/{target.fd}"]
    daemon.write_config("[supervisord]\nsilent=true\n" + programs(names))
    start(daemon, target)
    assert_each_says(target.text, names)
    daemon.restart()  # the same process: what it was given stays
    wait_for(lambda: all(target.text().count(f"says p{i}\n") == 2 for i in range(len(names))),
             "each has said it again")
    assert not [line for line in daemon.log().splitlines() if "cannot" in line]


def test_lines_are_whole_whatever_the_pipe_is_called(slotd, tmp_path):
    """Two programs, two names of one pipe, a reader that is slow."""
    target = Target("pipe", tmp_path)
    daemon = slotd(start=False)
    (daemon.dir / "link").symlink_to("/dev/stdout")
    lines, width = 40, 60000
    daemon.write_config("[supervisord]\nsilent=true\n" + "".join(f"""
[program:p{letter}]
command=/usr/bin/python3 -I -S -c 'import os; [os.write(1, (b"{letter}" * {width} + chr(10).encode())) for i in range({lines})]'
stdout_logfile={name}
stdout_logfile_maxbytes=0
startsecs=0
autorestart=false
""" for letter, name in (("a", "/dev/stdout"), ("b", daemon.dir / "link"))))
    start(daemon, target)
    wait_for(lambda: len(target.text()) >= 2 * lines * (width + 1), "all of it is there")
    got = target.text().splitlines()
    assert not [(len(line), line[:20], line[-20:]) for line in got
                if line not in ("a" * width, "b" * width)]
    assert got.count("a" * width) == lines and got.count("b" * width) == lines
    assert len(got) == 2 * lines
    target.close()


def test_a_descriptor_of_another_process(slotd, target):
    holder = subprocess.Popen(["/bin/sleep", "1000"], stdout=target.fd)
    try:
        daemon = slotd(start=False)
        name = f"/proc/{holder.pid}/fd/1"
        (daemon.dir / "link").symlink_to(name)
        names = [name, daemon.dir / "link"]
        daemon.write_config(programs(names))
        daemon.start()
        assert_each_says(target.text, names)
    finally:
        holder.kill()
        holder.wait()


def test_slotds_own_number_is_its_own(slotd, target):
    """A container's slotd is process 1: /proc/1/fd/1 is its stdout."""
    daemon = slotd("[supervisord]\nsilent=true\n", start=False)
    start(daemon, target)
    names = [f"/proc/{daemon.pid}/fd/1"]
    daemon.write_config("[supervisord]\nsilent=true\n" + programs(names))
    daemon.ctl("update", check=True)
    assert_each_says(target.text, names)


def test_slotds_own_log_behind_a_link_has_each_line_once(slotd, tmp_path):
    target = Target("pipe", tmp_path)
    daemon = slotd(start=False)
    (daemon.dir / "link").symlink_to("/dev/stdout")
    daemon.write_config("[supervisord]\nlogfile=%D%/link\nlogfile_maxbytes=0\n")
    start(daemon, target)
    daemon.end()
    assert target.text().count("supervisord started with pid") == 1
    target.close()


def test_slotds_own_log_on_a_descriptor_it_was_given(slotd, tmp_path):
    target = Target("pipe", tmp_path)
    daemon = slotd(f"[supervisord]\nlogfile=/dev/fd/{target.fd}\nlogfile_maxbytes=0\n", start=False)
    daemon.start(pass_fds=(target.fd,))
    daemon.end()
    assert target.text().count("supervisord started with pid") == 1
    target.close()


def test_descriptors_that_slotd_was_not_given_are_not_written(slotd):
    """Its own work has numbers, too: a log must not get there."""
    names = [f"/dev/fd/{n}" for n in (3, 4, 5, 6, 7, 8, 9, 10, 99)]
    daemon = slotd(programs(names))
    for i, name in enumerate(names):
        daemon.wait_log(f"p{i}: {name} cannot be written: slotd was not started with a "
                        f"descriptor {name[8:]}")
        wait_for(lambda i=i: daemon.worker(f"p{i}")["lost_lines"] == 1, "the loss is counted")
    assert daemon.rpc.supervisor.getState()["statename"] == "RUNNING"


def test_a_descriptor_that_cannot_be_written_is_said(slotd):
    daemon = slotd(programs(["/dev/stdin", "/proc/self/fd/0"]), start=False)
    daemon.start(wrap=("/bin/sh", "-c", 'exec "$@" </dev/zero', "sh"))
    for name in ("p0: /dev/stdin", "p1: /proc/self/fd/0"):
        daemon.wait_log(f"{name} cannot be written: descriptor 0 of slotd is not open for writing")


def test_a_link_whose_target_is_not_there_yet_makes_it(slotd):
    daemon = slotd(start=False)
    (daemon.dir / "link").symlink_to("log/real")
    (daemon.dir / "link-to-link").symlink_to("link")
    daemon.write_config(programs([daemon.dir / "link-to-link"]))
    daemon.start()
    wait_for(lambda: daemon.read("log/real") == "says p0\n", "the target is made")
    assert (daemon.dir / "link").is_symlink()


def check_behind_somebody_elses_link(daemon, target, path):
    """The link, and what a check says of a log at that path of it."""
    link = daemon.dir / "link"
    link.symlink_to(target)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    daemon.write_config(programs([link / path]))
    check = subprocess.run([SLOTD, "-t", "-c", daemon.config], capture_output=True, text=True)
    assert check.returncode == 0
    return link, check.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_somebody_elses_link_is_refused_and_said(slotd):
    daemon = slotd(start=False)
    link, said = check_behind_somebody_elses_link(daemon, "log/real", "")
    assert f"p0: stdout_logfile: {link} is a link of uid 65534, which is not followed: give the " \
           "link to root, or name its target; its output is lost" in said
    daemon.start()
    daemon.wait_log(f"p0: cannot write {link}: it is somebody else's link")
    assert not (daemon.dir / "log/real").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_a_log_behind_a_directory_that_is_somebody_elses_link_is_told_by_a_check(slotd):
    daemon = slotd(start=False)
    link, said = check_behind_somebody_elses_link(daemon, "log", "out")
    assert f"{link}/out: a directory of this path is a link of somebody else" in said
