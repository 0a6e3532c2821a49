"""Workers' output: every line once, whatever is rotated, reopened, full or killed meanwhile."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness.apps import APPS
from harness.procs import wait_for

PRINTER = f"/usr/bin/python3 -I -S {APPS}/printer.py"


def printer(rate, options="", width=""):
    return f"""
[program:printer]
command={PRINTER} %D%/count {rate} {width}
startsecs=0
stdout_logfile=%D%/log/out
{options}
"""


def numbers(daemon, path="log/out"):
    """Line numbers in the log and its backups, oldest first."""
    base = daemon.dir / path
    files = sorted(base.parent.glob(base.name + ".[0-9]*"),
                   key=lambda p: -int(p.suffix[1:])) + [base]
    text = "".join(daemon.read(p) for p in files)
    lines = text.split("\n")[:-1]  # the last one may not be whole yet
    assert all(re.match(r"line \d+ x*$", line) for line in lines), "a line is torn"
    return [int(line.split()[1]) for line in lines]


def stop_and_count(daemon):
    """Stops the printer; how many lines it printed."""
    daemon.rpc.supervisor.stopProcess("printer")
    return int(wait_for(lambda: daemon.read("count"), "the printer says how many"))


def stop_and_wait(daemon):
    """Stops the printer; its last line, which is written."""
    last = stop_and_count(daemon)
    wait_for(lambda: numbers(daemon)[-1:] == [last], "the last line is written")
    return last


def assert_every_line_once(daemon):
    last = stop_and_wait(daemon)
    assert numbers(daemon) == list(range(1, last + 1))


def test_output_is_written_whole_and_in_order(slotd):
    daemon = slotd(printer(2000))
    wait_for(lambda: len(numbers(daemon)) > 1000, "lines come")
    assert_every_line_once(daemon)


@pytest.mark.plain_only
def test_rotation_splits_no_line_and_loses_none(slotd):
    daemon = slotd(printer(3000, "stdout_logfile_maxbytes=8KB\nstdout_logfile_backups=400\n"))
    wait_for(lambda: (daemon.dir / "log/out.20").exists(), "it is rotated")
    assert_every_line_once(daemon)


def test_backups_are_numbered_and_bounded(slotd):
    daemon = slotd(printer(3000, "stdout_logfile_maxbytes=4KB\nstdout_logfile_backups=3\n"))
    wait_for(lambda: (daemon.dir / "log/out.3").exists(), "it is rotated")
    stop_and_wait(daemon)
    names = sorted(p.name for p in (daemon.dir / "log").glob("out*"))
    assert names == ["out", "out.1", "out.2", "out.3"]
    seen = numbers(daemon)
    assert seen == list(range(seen[0], seen[-1] + 1))


def test_a_reopen_on_usr2_follows_a_renamed_file(slotd):
    daemon = slotd(printer(1000))
    out, moved = daemon.dir / "log/out", daemon.dir / "log/out.1"
    wait_for(lambda: out.exists() and out.stat().st_size > 5000, "lines come")
    out.rename(moved)
    os.kill(daemon.pid, signal.SIGUSR2)
    wait_for(out.exists, "a new file is opened")
    assert_every_line_once(daemon)


@pytest.mark.plain_only
def test_a_killed_slotd_log_loses_and_doubles_nothing(slotd):
    daemon = slotd(printer(3000, "stdout_logfile_maxbytes=64KB\nstdout_logfile_backups=200\n"))
    for _ in range(8):
        before = daemon.helpers("log")
        size = len(numbers(daemon))
        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: daemon.helpers("log") not in ([], before), "slotd-log is back")
        wait_for(lambda: len(numbers(daemon)) > size + 200, "lines go on")
    assert_every_line_once(daemon)


def test_stderr_has_its_own_log_or_is_joined(slotd):
    daemon = slotd("""
[program:apart]
command=sh -c 'echo out; echo err >&2; exec sleep 1000'
stdout_logfile=%D%/log/apart.out
stderr_logfile=%D%/log/apart.err
[program:joined]
command=sh -c 'echo out; echo err >&2; exec sleep 1000'
redirect_stderr=true
stdout_logfile=%D%/log/joined
[program:none]
command=sh -c 'echo out; exec sleep 1000'
stdout_logfile=NONE
stderr_logfile=NONE
""")
    wait_for(lambda: daemon.read("log/joined") == "out\nerr\n", "joined output comes")
    wait_for(lambda: daemon.read("log/apart.err") == "err\n", "stderr comes")
    wait_for(lambda: daemon.read("log/apart.out") == "out\n", "stdout comes")


def test_tail_and_clear(slotd):
    daemon = slotd(printer(500))
    wait_for(lambda: len(numbers(daemon)) > 100, "lines come")
    stop_and_wait(daemon)
    assert daemon.rpc.supervisor.readProcessStdoutLog("printer", 0, 7) == "line 1 "
    assert daemon.rpc.supervisor.clearProcessLogs("printer") is True
    assert daemon.read("log/out") == ""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 200 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_costs_what_it_cannot_hold_and_is_told_once(slotd, small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 150_000)
    daemon = slotd(printer(2000, f"stdout_logfile={small_disk}/out\n"
                                 "stdout_logfile_maxbytes=0\n", width="80"))
    wait_for(lambda: daemon.worker("printer")["lost_lines"] > 0, "lost lines are counted")
    daemon.wait_log("No space left")
    told = daemon.log().count("No space left")
    assert told <= 2, told
    assert daemon.info("printer")["statename"] == "RUNNING"
    ballast.unlink()
    out = small_disk / "out"
    size = out.stat().st_size
    wait_for(lambda: out.stat().st_size > size + 2000, "it recovers")
    last = stop_and_count(daemon)
    daemon.wait_state("printer", "STOPPED")
    lines = out.read_text().splitlines()
    wait_for(lambda: f"line {last} " in out.read_text(), "the last line is written")
    lines = out.read_text().splitlines()
    lost = daemon.worker("printer")["lost_lines"]
    assert all(re.match(r"line \d+ x*$", line) for line in lines), "a line is torn"
    seen = [int(line.split()[1]) for line in lines]
    assert seen == sorted(set(seen)) and len(seen) + lost == last, (len(seen), lost, last)


@pytest.mark.parametrize("moved", [True, False])
def test_a_log_that_goes_away_without_a_signal_is_made_again(slotd, moved):
    daemon = slotd(printer(200))
    out = daemon.dir / "log" / "out"
    wait_for(lambda: len(numbers(daemon)) > 50, "lines come")
    out.rename(daemon.dir / "log" / "out.1")
    if not moved:
        (daemon.dir / "log" / "out.1").unlink()
    wait_for(lambda: out.exists() and out.stat().st_size > 0, "it is made again")
    daemon.wait_log("log/out was deleted or moved; it is made again")
    last = stop_and_wait(daemon)
    seen = numbers(daemon)
    if moved:
        assert seen == list(range(1, last + 1))
    else:
        assert seen == list(range(seen[0], last + 1))


def test_the_tail_of_a_deleted_auto_log_is_followed_by_what_comes(slotd):
    daemon = slotd("[program:cat]\ncommand=cat\nstartsecs=0\n")
    daemon.rpc.supervisor.sendProcessStdin("cat", "one\n")
    read = daemon.rpc.supervisor.readProcessStdoutLog
    wait_for(lambda: read("cat", 0, 0) == "one\n", "it is logged")
    Path(daemon.info("cat")["stdout_logfile"]).unlink()
    assert read("cat", 0, 0) == ""
    daemon.rpc.supervisor.sendProcessStdin("cat", "two\n")
    wait_for(lambda: read("cat", 0, 0) == "two\n", "what comes is seen")


def test_slotds_own_log_that_goes_away_is_made_again(slotd):
    daemon = slotd("[program:x]\ncommand=sleep 1000\nstartsecs=0\n")
    daemon.wait_state("x", "RUNNING")
    own = daemon.dir / "slotd.log"
    wait_for(own.exists, "slotd-log has begun it")
    own.unlink()
    daemon.rpc.supervisor.stopProcess("x")
    wait_for(lambda: own.exists() and "stopped: x" in own.read_text(), "it is made again")


def test_a_reload_changes_level_and_file_of_slotds_own_log(slotd):
    daemon = slotd("[program:x]\ncommand=sleep 1000\nstartsecs=0\n")
    daemon.wait_state("x", "RUNNING")
    other = daemon.dir / "other.log"
    text = daemon.config.read_text().replace(f"logfile={daemon.dir}/slotd.log", f"logfile={other}")
    daemon.config.write_text(text.replace("loglevel=debug", "loglevel=warn"))
    daemon.ctl("reload", check=True)
    daemon.rpc.supervisor.stopProcess("x")
    wait_for(lambda: other.exists() and "WARN stopped: x" in other.read_text(), "the other has it")
    assert "DEBG" not in other.read_text() and "INFO" not in other.read_text()
    assert "stopped: x" not in (daemon.dir / "slotd.log").read_text()


def test_slotds_own_log_is_rotated_too(slotd):
    daemon = slotd("[program:x]\ncommand=sleep 1000\nstartsecs=0\n", start=False)
    text = daemon.config.read_text().replace("loglevel=debug",
                                             "loglevel=debug\nlogfile_maxbytes=2KB\nlogfile_backups=2")
    daemon.config.write_text(text)
    daemon.start()
    for _ in range(20):
        daemon.rpc.supervisor.stopProcess("x")
        daemon.rpc.supervisor.startProcess("x")
    wait_for((daemon.dir / "slotd.log.1").exists, "slotd.log.1 is there")


@pytest.mark.plain_only
def test_a_log_on_a_file_system_that_hangs_stalls_no_supervision(slotd):
    """slotd-log stopped: workers start and stop all the same."""
    daemon = slotd(printer(100) + "[program:other]\ncommand=sleep 1000\nstartsecs=0\n")
    daemon.wait_state("other", "RUNNING")
    log = daemon.helpers("log")[0]
    os.kill(log, signal.SIGSTOP)
    try:
        began = time.monotonic()
        daemon.rpc.supervisor.stopProcess("other")
        daemon.rpc.supervisor.startProcess("other")
        assert time.monotonic() - began < 5
    finally:
        if Path(f"/proc/{log}").exists():
            os.kill(log, signal.SIGCONT)


@pytest.mark.parametrize("path, silent", [
    ("/dev/stdout", True), ("/dev/stdout", False), ("/dev/stderr", True), ("/dev/fd/2", True)])
def test_slotds_own_log_on_its_own_output_has_each_line_once(slotd, path, silent):
    daemon = slotd(f"[supervisord]\nlogfile={path}\nsilent={silent}\nlogfile_maxbytes=0\n")
    wait_for(lambda: "supervisord started with pid" in daemon.stderr(), "it is said")
    daemon.end()
    assert daemon.stderr().count("supervisord started with pid") == 1


def test_the_debug_log_has_a_workers_whole_output_above_its_end(slotd):
    lines = 20000
    daemon = slotd(f"""
[program:talk]
command=/bin/sh -c 'seq {lines}; echo last words'
startsecs=0
autorestart=false
""")
    daemon.wait_log("exited: talk")
    log = daemon.log()
    said = "".join(re.findall(r"'talk' stdout output:\n(.*?)\n(?=\d{4}-\d\d-)", log, re.DOTALL))
    assert said == "".join(f"{n}\n" for n in range(1, lines + 1)) + "last words\n"
    assert log.index("last words") < log.index("exited: talk")
