"""What people ask for beside deploys: pause and resume, freeze, no rollback by mistake."""

import os
import pty
import re
import select
import socket
import subprocess
import threading
import time

import pytest

from harness.load import once
from harness.paths import SLOTCTL, SLOTD
from harness.procs import stays, wait_for
from test_services import Payinv, payinv  # noqa: F401


def note(payinv):
    return payinv.daemon.service("payinv")["note"]


def begin_requests(payinv, n, answers):
    threads = [threading.Thread(target=lambda: answers.append(once(payinv.address)))
               for _ in range(n)]
    for thread in threads:
        thread.start()
    return threads


def end_requests(threads):
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a connection that waited is lost"


def pause(payinv):
    done = payinv.daemon.ctl("pause", "payinv", check=True)
    assert done.stdout == "payinv: paused: connections wait until: slotctl resume payinv\n"
    wait_for(lambda: payinv.daemon.slot("payinv", payinv.live())["share"] == 0, "it holds")


# ---- pause

def test_connections_wait_over_a_swap_and_a_killed_slotd_until_resume(payinv):
    answers = []
    pause(payinv)
    assert "paused by root: connections wait" in note(payinv)
    waiting = begin_requests(payinv, 20, answers)
    payinv.swap()
    payinv.daemon.kill()
    payinv.daemon.start()
    assert stays(lambda: not answers, 0.5) and "paused by root" in note(payinv)
    payinv.daemon.ctl("resume", "payinv", check=True)
    end_requests(waiting)
    assert len(answers) == 20 and all(a.startswith("b ") for a in answers)
    wait_for(lambda: not note(payinv), "all is well again")
    refused = payinv.daemon.ctl("resume", "payinv")
    assert refused.returncode == 10 and "payinv is not paused" in refused.stderr


def answers_of(client):
    with client:
        got = b""
        while data := client.recv(65536):
            got += data
    return [part.partition(b"\r\n\r\n")[2] for part in got.split(b"HTTP/1.1 200 ")[1:]]


@pytest.mark.plain_only
def test_a_thousand_connections_wait_five_seconds_and_each_is_answered_in_order(payinv):
    pause(payinv)
    clients = [socket.create_connection(payinv.address, 60) for _ in range(1000)]
    any_answer = select.poll()
    for client in clients:
        any_answer.register(client, select.POLLIN)
        client.sendall(b"GET /bytes?5 HTTP/1.1\r\nHost: x\r\n\r\n"
                       b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert stays(lambda: not any_answer.poll(0), 5), "none is answered or ended"
    payinv.daemon.ctl("resume", "payinv", check=True)
    for client in clients:
        first, second = answers_of(client)
        assert len(first) == 5 and second.startswith(b"a "), (first, second)


def test_a_pause_that_nobody_ends_ends_by_itself(slotd, ports):
    payinv = Payinv(slotd, ports, options="pause_timeout=1\n")
    answers = []
    payinv.daemon.ctl("pause", "payinv", check=True)
    end_requests(begin_requests(payinv, 3, answers))
    payinv.daemon.wait_log("the pause by root took longer than pause_timeout, 1.0 s: resumed")
    assert len(answers) == 3 and not note(payinv)
    told = payinv.daemon.ctl("history", "payinv", check=True).stdout
    assert re.search(r" pause +root\b.*\n.* resume +pause_timeout\b", told), told


# ---- freeze

def test_a_frozen_service_is_not_deployed_also_after_a_reboot(payinv):
    daemon = payinv.daemon
    done = daemon.ctl("freeze", "payinv")
    assert done.returncode == 2 and "which service?" not in done.stderr
    daemon.ctl("freeze", "payinv", "the", "stocktaking", check=True)
    assert "deploys are frozen by root: the stocktaking" in note(payinv)
    for restart in (None, daemon.kill, daemon.end):
        if restart:
            restart()
            daemon.start()
            payinv.wait_serving()
        for command in ("deploy", "swap"):
            done = daemon.ctl(command, "payinv")
            assert done.returncode == 12, done.stdout + done.stderr
            assert re.search(r"frozen since \S+ \S+ by root: the stocktaking\. To go on: slotctl "
                             "unfreeze payinv", done.stderr), done.stderr
            assert "Queue" not in done.stderr
    assert payinv.live() == "a"
    daemon.ctl("unfreeze", "payinv", check=True)
    payinv.swap()
    daemon.ctl("freeze", "payinv", "again", check=True)
    daemon.ctl("rollback", "payinv", check=True)
    assert payinv.live() == "a", "a rollback is not refused"
    told = daemon.ctl("history", "payinv", check=True).stdout
    assert re.search(r" freeze +root +the stocktaking\n.* unfreeze +root\b", told), told
    done = daemon.ctl("freeze", "payinv", "ü" * 100)
    assert "at most 127 bytes, and no control characters" in done.stderr


def test_a_line_that_found_no_room_is_written_at_the_end(payinv):
    daemon = payinv.daemon
    history = daemon.dir / "state/history"
    history.unlink(missing_ok=True)
    history.mkdir()
    daemon.ctl("freeze", "payinv", "no room", check=True)
    daemon.wait_log("lines of the history wait until they can be written")
    history.rmdir()
    daemon.end()
    assert "no room" in history.read_text()


# ---- rollback

def test_an_older_rollback_does_not_keep_one_from_ending_a_bake(slotd, ports):
    payinv = Payinv(slotd, ports, options="bake=10m\n")
    begun = []

    def deploy():
        deploy = subprocess.Popen([SLOTCTL, "-c", payinv.daemon.config, "deploy", "payinv", "r1"],
                                  env=payinv.daemon.env, stdout=subprocess.DEVNULL)
        begun.append(deploy)
        wait_for(lambda: payinv.daemon.service("payinv")["step"] == "bake", "it bakes")

    try:
        for _ in range(2):
            deploy()
            payinv.daemon.ctl("rollback", "payinv", check=True)
            assert payinv.live() == "a"
    finally:
        for process in begun:
            process.wait(60)


def test_a_rollback_after_a_rollback_is_refused_unless_forced(payinv):
    payinv.swap()
    payinv.daemon.ctl("rollback", "payinv", check=True)
    for restart in (None, payinv.daemon.kill, payinv.daemon.end):
        if restart:
            restart()
            payinv.daemon.start()
            payinv.wait_serving()
        done = payinv.daemon.ctl("rollback", "payinv")
        assert done.returncode == 10 and payinv.live() == "a"
        assert re.search(r"payinv was rolled back at \S+ \S+: another rollback would go forward "
                         r"again, to b\. .*slotctl rollback --force payinv", done.stderr)
    payinv.daemon.ctl("rollback", "--force", "payinv", check=True)
    assert payinv.live() == "b"
    payinv.swap()
    payinv.daemon.ctl("rollback", "payinv", check=True)
    assert payinv.live() == "b", "after a swap it is the way back again"


# ---- slotctl

def typed(payinv, answer, *command):
    """slotctl on a terminal of its own: what it printed, and its exit status."""
    ours, theirs = pty.openpty()
    slotctl = subprocess.Popen(
        [str(SLOTCTL), "-c", str(payinv.daemon.config), *command],
        stdin=theirs, stdout=theirs, stderr=theirs, env=payinv.daemon.env)
    os.close(theirs)
    said, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        said += piece
        if answer and b"y/N?" in said:
            os.write(ours, answer)
            answer = b""
    status = slotctl.wait(30)
    os.close(ours)
    return said.decode(), status


def test_on_a_terminal_swap_and_rollback_ask_first(payinv):
    payinv.daemon.ctl("deploy", "payinv", "r1", check=True)
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["state"] == 0, "a has stopped")
    said, status = typed(payinv, b"n\n", "swap", "payinv")
    assert re.search(r"payinv: b \(r1, LIVE [^)]*\) -> a \(idle, [^)]*\)\. Really swap\? y/N\?",
                     said), said
    assert status == 0 and payinv.live() == "b"
    assert typed(payinv, b"y\n", "swap", "payinv")[1] == 0 and payinv.live() == "a"
    said, status = typed(payinv, b"", "rollback", "--yes", "payinv")
    assert status == 0 and "y/N" not in said and payinv.live() == "b"


def test_a_job_that_is_not_followed_goes_on(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=sleep 1\n")
    done = payinv.daemon.ctl("deploy", "--detach", "payinv", "r1", check=True)
    assert done.stdout == "#1 has begun. To follow it: slotctl attach payinv\n"
    assert payinv.daemon.service("payinv")["step"] in ("record", "prepare")
    followed = payinv.daemon.ctl("attach", "payinv", check=True)
    assert followed.stdout.endswith("b (r1) is live.\n") and payinv.live() == "b"


@pytest.mark.plain_only
def test_a_quiet_job_gives_a_sign_of_life_without_a_terminal(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=while ! test -e %D%/go; do sleep 0.2; done\n")
    with subprocess.Popen(
            [str(SLOTCTL), "-c", str(payinv.daemon.config), "deploy", "payinv"],
            stdout=subprocess.PIPE, text=True, env=payinv.daemon.env) as slotctl:
        line = next((line for line in slotctl.stdout if "so far" in line), "")
        (payinv.daemon.dir / "go").touch()
        assert re.match(r"    prepare  (1[5-9]|[2-9]\d)(\.\d)? s so far$", line), line
        assert "is live." in slotctl.stdout.read() and slotctl.wait(30) == 0


# ---- releases

def test_a_deploy_until_the_gate_is_made_live_by_a_swap_at_once(payinv):
    done = payinv.daemon.ctl("deploy", "--until=gate", "payinv", "r1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^2/2 gate +ok .*\nb \(r1\) has passed the gate and stays up; a is live\. To go on: "
                     "slotctl swap payinv$", done.stdout, re.M), done.stdout
    assert payinv.live() == "a" and once(payinv.address).startswith("a ")
    pid = payinv.daemon.wait_state(payinv.worker("b", 0), "RUNNING")["pid"]
    assert payinv.daemon.ctl("rollback", "payinv").returncode == 10, "it was never live"
    lines = payinv.swap()
    assert "gate" not in lines and payinv.live() == "b"
    assert payinv.daemon.info(payinv.worker("b", 0))["pid"] == pid
    assert payinv.daemon.ctl("deploy", "--until=flip", "payinv").returncode == 2


def test_a_rollback_to_a_former_release_deploys_it_again(slotd, ports):
    payinv = Payinv(slotd, ports, options="idle_keep=60\nprepare=test ! -e %D%/refuse && "
                    "echo $SLOTD_KIND $SLOTD_RELEASE >> %D%/prepared\n")
    for release in ("r1", "2026-11-29-1032", "r3"):
        payinv.daemon.ctl("deploy", "payinv", release, check=True)
    assert re.search(r"2026-11-29-1032 +\d", payinv.daemon.ctl("history", check=True).stdout)
    listed = payinv.daemon.ctl("releases", "payinv", check=True).stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["#1", "#2", "#3"], listed
    assert [re.split("  +", line)[-1] for line in listed] == ["done", "held by a", "live in b"], listed
    done = payinv.daemon.ctl("rollback", "payinv", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert payinv.daemon.slot("payinv", payinv.live())["release"] == "r1"
    assert payinv.daemon.read("prepared").splitlines()[-1] == "rollback r1"
    done = payinv.daemon.ctl("rollback", "payinv", "#3")
    assert done.returncode == 0 and "prepare" not in done.stdout, done.stdout
    assert payinv.daemon.slot("payinv", payinv.live())["release"] == "r3"
    done = payinv.daemon.ctl("rollback", "payinv", "3")
    assert done.returncode == 10 and "payinv: r3 is live" in done.stderr
    (payinv.daemon.dir / "refuse").touch()
    payinv.daemon.ctl("deploy", "payinv", "r4")
    wait_for(lambda: '"r4"' in payinv.daemon.read("state/history"), "its line is written")
    last = payinv.daemon.ctl("releases", "payinv", check=True).stdout.splitlines()[-1]
    assert re.search(r" r4 +deploy +. +root +FAILED in prepare: .*exit status 1", last), last
    done = payinv.daemon.ctl("rollback", "payinv", last.split()[0])
    assert done.returncode == 2 and "no release of payinv was deployed by job" in done.stderr
    done = payinv.daemon.ctl("rollback", "payinv", "77")
    assert done.returncode == 2 and "no release of payinv was deployed by job 77" in done.stderr


def test_slotd_t_warns_of_commands_that_do_what_slotd_does(slotd, ports):
    payinv = Payinv(slotd, ports, start=False, options="live_file=%D%/live\nprepare=\n  git pull\n"
                    "  echo b > %D%/live\nafter_swap=systemctl reload nginx\n")
    done = subprocess.run([str(SLOTD), "-t", "-c", str(payinv.daemon.config)], text=True,
                          capture_output=True, timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "has live_file: slotd writes it, when the swap is done" in said
    assert "has reload nginx: the proxy in front need not be reloaded" in said
    assert "git pull" not in said
