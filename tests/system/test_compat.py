"""pidproxy and echo_supervisord_conf: what Supervisor has beside its daemon and client."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.paths import BUILD, SLOTD
from harness.procs import wait_for
from harness.reference import SUPERVISORD

PIDPROXY = BUILD / "src/compat/pidproxy"
SAMPLE = BUILD / "src/compat/echo_supervisord_conf"
READER = Path(__file__).with_name("supervisor_config.py")

# The daemon behind a pid file: writes what it is sent; the command in front waits for it.
DAEMON = """
import os, signal, sys
pidfile, log = sys.argv[1:]
def on_signal(number, frame):
    with open(log, "a") as f:
        f.write(signal.Signals(number).name + "\\n")
    if number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        os._exit(0)
pid = os.fork()
if pid:
    os.waitpid(pid, 0)
else:
    os.setpgid(0, 0)
    for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM"):
        signal.signal(getattr(signal, "SIG" + name), on_signal)
    with open(pidfile + "~", "w") as f:
        f.write(f"{os.getpid()}\\n")
    os.rename(pidfile + "~", pidfile)
    while True:
        signal.pause()
"""


class Proxied:
    def __init__(self, tmp_path):
        self.script, self.pidfile, self.log = (tmp_path / n for n in ("daemon.py", "pid", "log"))
        self.script.write_text(DAEMON)
        self.command = [str(PIDPROXY), str(self.pidfile), sys.executable, str(self.script),
                        str(self.pidfile), str(self.log)]

    def heard(self):
        return self.log.read_text().split() if self.log.exists() else []

    def start(self):
        process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        wait_for(self.pidfile.exists, "the daemon has its pid file")
        return process


def in_front_of_cat(pidfile):
    """Ends with its stdin; says when it is up, for then signals are forwarded."""
    process = subprocess.Popen(
        [str(PIDPROXY), str(pidfile), "/bin/sh", "-c", "echo up; exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "up\n"
    return process


@pytest.fixture
def proxied(tmp_path):
    return Proxied(tmp_path)


@pytest.mark.parametrize("last", ["TERM", "INT", "QUIT"])
def test_signals_reach_the_process_of_the_pid_file(proxied, last):
    process = proxied.start()
    sent = []
    for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIG" + last):
        sent.append(name)
        process.send_signal(getattr(signal, name))
        wait_for(lambda: proxied.heard() == sent, f"{name} has arrived")
    assert process.wait(20) == 0
    process.stdout.close()


def test_without_a_pid_file_it_says_so_and_stays(tmp_path):
    pidfile = tmp_path / "pid"
    process = in_front_of_cat(pidfile)
    for text in (None, "", "x\n", "-1\n", "0\n", "1\n", "12 x\n", "99999999999999999999\n"):
        if text is not None:
            pidfile.write_text(text)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == f"Can't read child pidfile {pidfile}!\n"
    assert process.poll() is None
    target = subprocess.Popen(["sleep", "1000"])
    pidfile.write_text(f"  {target.pid}")
    process.send_signal(signal.SIGTERM)
    assert target.wait(20) == -signal.SIGTERM
    assert process.wait(20) == 0
    process.stdin.close()
    process.stdout.close()


def test_a_stale_pid_file_does_not_keep_it_from_ending(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    pidfile = tmp_path / "pid"
    pidfile.write_text(f"{gone.pid}\n")
    process = in_front_of_cat(pidfile)
    process.send_signal(signal.SIGHUP)
    assert "No such process" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdin.close()
    process.stdout.close()


def test_it_ends_with_the_command_but_stays_for_five_seconds(tmp_path):
    """As Supervisor's, which looks every five: that a command went into the background is no
    failed start."""
    began = time.monotonic()
    done = subprocess.run([str(PIDPROXY), str(tmp_path / "pid"), "/bin/false"], timeout=30)
    assert done.returncode == 0
    assert 4.9 < time.monotonic() - began < 10


def test_its_usage():
    for arguments in ([], ["pidfile"]):
        done = subprocess.run([str(PIDPROXY), *arguments], capture_output=True, text=True)
        assert done.returncode == 1
        assert "Usage: pidproxy PIDFILE COMMAND" in done.stdout


def test_under_slotd_a_stop_ends_the_daemon_behind_it(slotd, proxied):
    proxied.pidfile.parent.chmod(0o755)
    daemon = slotd("[program:db]\ncommand=" + " ".join(proxied.command) + "\n")
    daemon.wait_state("db", "RUNNING")
    wait_for(proxied.pidfile.exists, "the daemon has its pid file")
    daemon.rpc.supervisor.signalProcess("db", "HUP")
    wait_for(lambda: proxied.heard() == ["SIGHUP"], "it has arrived")
    daemon.rpc.supervisor.stopProcess("db")
    assert daemon.info("db")["statename"] == "STOPPED"
    wait_for(lambda: proxied.heard() == ["SIGHUP", "SIGTERM"], "the daemon was told to end")


def check(path):
    done = subprocess.run([str(SLOTD), "-t", "-c", str(path)], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stderr


def test_the_sample_is_a_file_as_it_is_and_with_every_comment_taken_away(tmp_path):
    done = subprocess.run([str(SAMPLE)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    assert "Sample supervisor config file" in done.stdout.splitlines()[0]
    plain, full = tmp_path / "plain.conf", tmp_path / "full.conf"
    plain.write_text(done.stdout)
    theirs = done.stdout[:done.stdout.index(";[service:")]
    full.write_text(re.sub(r"^;(?=\[|[a-z_.]+=)", "", theirs, flags=re.M))
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/x.conf").write_text("[program:x]\ncommand=cat\n")
    assert full.read_text().count("\n[") == 10
    for path in (plain, full):
        status, said = check(path)
        assert status == 0, said
        assert not re.search(r"\.conf:\d+: ", said), said
    if Path(SUPERVISORD).exists():
        read = subprocess.run(["/usr/bin/python3", str(READER)], text=True, capture_output=True,
                              input=f'["{plain}", "{full}"]', timeout=60)
        assert not re.search("Error", read.stdout), read.stdout
