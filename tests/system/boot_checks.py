#!/usr/bin/python3
"""Runs in the guest of ./boot (test_boot.py): slotd as a real systemd starts, watches and ends it."""

import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

CONFIG = Path("/etc/slotd/slotd.conf")
PUBLIC = ("127.0.0.1", 8000)
WORKERS = "payinv-{0}:payinv-{0}_{1}"
PRIVATE = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
           "LISTEN_FDNAMES"}


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def show(name, unit="slotd.service"):
    return run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()


def wait_for(condition, what, timeout=30):
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.02)
    return value


def answer():
    """What the public socket says: "a 127.0.0.1:8001 PID"."""
    with socket.create_connection(PUBLIC, 5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = b""
        while data := connection.recv(4096):
            text += data
    return text.decode().rpartition("\r\n\r\n")[2].split()


def answers():
    try:
        return bool(answer())
    except OSError:
        return False


def slotctl(*arguments, check=True):
    return run("slotctl", "-c", str(CONFIG), *arguments, check=check)


def pid_of(worker):
    return int(slotctl("pid", worker, check=False).stdout)  # 0, and status 7, while it is down


def environment(pid):
    return dict(pair.split("=", 1) for pair in
                Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in pair)


# ---- the checks, in order; each leaves slotd serving

def it_started_at_boot_and_listened_before_it_was_ready():
    assert show("ActiveState") == "active" and show("Type") == "notify"
    # ExecStartPost= of the drop-in connected to the public socket right after READY=1.
    assert Path("/run/connected-after-ready").exists()
    assert int(show("ActiveEnterTimestampMonotonic")) < int(
        show("ActiveEnterTimestampMonotonic", "multi-user.target"))


def the_status_text_names_the_live_slot():
    assert "payinv a" in show("StatusText"), show("StatusText")


def the_unit_asks_for_what_it_should():
    wanted = {"Restart": "on-failure", "StartLimitIntervalUSec": "0", "OOMPolicy": "continue",
              "TasksMax": "infinity", "KillMode": "process", "LimitNOFILE": "524288",
              "LimitNOFILESoft": "1024"}
    found = {name: show(name) for name in wanted}
    assert found == wanted, found


def workers_do_not_see_what_systemd_told_slotd():
    names = set(environment(pid_of(WORKERS.format("a", 8001))))
    assert not names & PRIVATE, names & PRIVATE


def helpers_run_as_their_own_user():
    assert "slotd" in Path("/etc/passwd").read_text(), "sysusers.d did not make the user"
    users = {name: user for user, name in (line.split() for line in run(
        "ps", "-eo", "user,comm").stdout.splitlines()[1:] if "slotd-" in line)}
    assert users["slotd-relay"] == users["slotd-control"] == "slotd", users


def each_worker_has_a_control_group():
    unit = Path("/sys/fs/cgroup" + show("ControlGroup"))
    worker, leaves = WORKERS.format("a", 8001), unit / "leaves:leaves/cgroup.procs"
    wait_for(lambda: leaves.exists() and len(leaves.read_text().split()) == 2, "it has two")
    assert show("Delegate") == "yes"
    assert not (unit / "cgroup.procs").read_text(), "none is in an inner node"
    assert (unit / worker / "cgroup.procs").read_text().split() == [str(pid_of(worker))]
    assert show("MainPID") in (unit / "slotd/cgroup.procs").read_text().split()
    status = run("systemctl", "status", "slotd").stdout
    assert worker in status and "payinv a" in status, status
    slotctl("stop", "leaves")
    wait_for(lambda: not (unit / "leaves:leaves").exists(), "killasgroup ends all of it")
    assert not run("pgrep", "-f", "sleep 4242", check=False).stdout


def what_depends_on_it_started_after_it_and_stops_before():
    """Its ExecStart= and ExecStop= connect to the public socket."""
    assert show("ActiveState", "front.service") == "active"
    run("systemctl", "stop", "slotd")
    assert show("ActiveState", "front.service") == "inactive"
    assert show("Result", "front.service") == "success", "slotd had gone before"
    run("systemctl", "start", "front")
    assert show("ActiveState") == "active" and answers()
    assert "network-online.target" in show("After").split()


def a_killed_worker_is_back():
    worker = WORKERS.format("a", 8001)
    before = pid_of(worker)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: pid_of(worker) not in (0, before), "the worker is started again")
    wait_for(answers, "the service answers")


def a_reload_returns_when_it_is_done():
    CONFIG.write_text(CONFIG.read_text() + "\n[program:late]\ncommand=sleep 1000\nstartsecs=0\n")
    run("systemctl", "reload", "slotd")
    assert re.search("RUNNING|STARTING", slotctl("status", "late", check=False).stdout)
    assert show("ActiveState") == "active"


def a_reload_of_a_bad_file_fails_and_changes_nothing():
    good = CONFIG.read_text()
    before = pid_of("late")
    CONFIG.write_text(good + "\n[service:payinv]\nhealthy=yes\n")
    assert run("systemctl", "reload", "slotd", check=False).returncode != 0
    CONFIG.write_text(good)
    wait_for(lambda: show("ActiveState") == "active", "systemd has read that the reload is over")
    assert pid_of("late") == before


def the_journal_has_fields():
    rows = [json.loads(line) for line in
            run("journalctl", "-u", "slotd", "-o", "json", "--no-pager").stdout.splitlines()]
    assert any(row.get("SLOTD_WORKER") for row in rows), "no line has SLOTD_WORKER"
    assert any(row.get("SYSLOG_IDENTIFIER") == "slotd" for row in rows), "no line is of slotd"


def a_swap_is_told_to_systemd_and_to_the_journal():
    slotctl("swap", "payinv")
    assert answer()[0] == "b"
    wait_for(lambda: "payinv b" in show("StatusText"), "STATUS names the new slot")
    assert Path("/var/lib/payinv-live").read_text().strip() == "b"
    rows = run("journalctl", "-u", "slotd", "-o", "json", "SLOTD_SERVICE=payinv").stdout
    assert rows.strip(), "no line has SLOTD_SERVICE=payinv"


def a_deploy_prepares_where_it_likes():
    """Hooks write below /usr/local, share /tmp, and do not see what systemd told slotd."""
    Path("/tmp/shared").write_text("for all")
    slotctl("deploy", "payinv", "v2")
    names = {line.partition("=")[0] for line in
             Path("/usr/local/prepare.env").read_text().splitlines()}
    assert "SLOTD_SERVICE" in names and not names & PRIVATE, names
    assert Path("/usr/local/copied").read_text() == "for all"
    slotctl("rollback", "payinv")
    assert answer()[0] == "b"


def a_restart_keeps_who_is_live():
    before = pid_of(WORKERS.format("b", 8101))
    run("systemctl", "restart", "slotd")
    wait_for(answers, "the service answers")
    assert answer()[0] == "b" and pid_of(WORKERS.format("b", 8101)) != before


def slow_ends_after(seconds):
    """The worker "slow" takes that long to stop; what it is now."""
    Path("/run/slow").write_text(str(seconds))
    return pid_of("slow")


def finished(pid):
    path = Path("/run/finished")
    return path.exists() and str(pid) in path.read_text().split()


def a_restart_of_the_daemon_is_a_reload_to_systemd():
    """It takes longer than TimeoutStopSec, and outlives it; a reload asked for meanwhile follows."""
    slotd, slow = int(show("MainPID")), slow_ends_after(11)
    slotctl("restart-daemon", "--force")
    wait_for(lambda: show("ActiveState") == "reloading", "systemd knows of the restart")
    run("systemctl", "daemon-reexec")  # cuts off a systemctl that waits, so before it
    reload = subprocess.Popen(["systemctl", "reload", "slotd"])
    wait_for(lambda: finished(slow), "the slow one ends by itself")
    Path("/run/slow").unlink()
    assert reload.wait(30) == 0
    wait_for(answers, "the service answers")
    again = wait_for(lambda: pid_of("slow"), "the slow one is started again")
    assert again != slow and show("ActiveState") == "active"
    time.sleep(9)  # TimeoutStopSec=8: nothing may come of it
    assert int(show("MainPID")) == slotd and pid_of("slow") == again and answers()
    assert show("NRestarts") == "0", "systemd has started it again"


def a_stop_in_the_middle_of_a_restart_ends_it():
    slow = slow_ends_after(2)
    slotctl("restart-daemon", "--force")
    wait_for(lambda: show("ActiveState") == "reloading", "systemd knows of the restart")
    run("systemctl", "stop", "slotd")
    assert finished(slow) and show("Result") == "success", show("Result")
    Path("/run/slow").unlink()
    run("systemctl", "start", "slotd")
    wait_for(answers, "the service answers")


def a_stop_waits_for_a_job_that_has_time_left():
    """20 s under TimeoutStopSec=8, with stopwaitsecs=600."""
    slow, began = slow_ends_after(20), time.monotonic()
    run("systemctl", "--no-block", "stop", "slotd")
    wait_for(lambda: show("ActiveState") == "deactivating", "the stop begins")
    run("systemctl", "daemon-reexec")
    wait_for(lambda: show("ActiveState") in ("inactive", "failed"), "the stop ends", 60)
    assert time.monotonic() - began > 19 and finished(slow)
    assert show("Result") == "success", show("Result")
    Path("/run/slow").unlink()
    run("systemctl", "start", "slotd")
    wait_for(answers, "the service answers")


def serve_a_slow_name(seconds):
    """A name server that knows one answer, and takes its time. Returns its socket."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def serve():
        try:
            while True:
                query, client = server.recvfrom(512)
                time.sleep(seconds)
                server.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:]
                              + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1", client)
        except OSError:
            pass  # it was closed

    threading.Thread(target=serve, daemon=True).start()
    return server


def a_reload_may_look_up_names_for_longer_than_a_start_may_take():
    """7 s under TimeoutStartSec=5, which systemd applies to ExecReload= too."""
    resolver, before = Path("/etc/resolv.conf"), CONFIG.read_text()
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:20 attempts:1\n")
    server, began = serve_a_slow_name(7), time.monotonic()
    CONFIG.write_text(before + "\n[inet_http_server]\nport=slow.test:9001\nusername=u\npassword=p\n")
    run("systemctl", "reload", "slotd")
    assert time.monotonic() - began > 6.5 and show("ActiveState") == "active"
    server.close()
    resolver.write_text("")
    CONFIG.write_text(before)
    run("systemctl", "reload", "slotd")


def a_reexec_of_systemd_changes_nothing():
    before = show("MainPID"), pid_of("slow")
    run("systemctl", "daemon-reexec")
    run("systemctl", "reload", "slotd")
    assert (show("MainPID"), pid_of("slow")) == before and answers()


def a_killed_slotd_comes_back_and_takes_its_workers_over():
    slotd, worker = int(show("MainPID")), pid_of(WORKERS.format("b", 8101))
    restarts = int(show("NRestarts"))
    os.kill(slotd, signal.SIGKILL)
    wait_for(lambda: show("ActiveState") == "active" and show("MainPID") not in ("0", str(slotd)),
             "systemd starts it again")
    assert int(show("NRestarts")) == restarts + 1
    assert pid_of(WORKERS.format("b", 8101)) == worker, "a worker was started again"
    assert answer()[0] == "b"
    unit = Path("/sys/fs/cgroup" + show("ControlGroup"))
    assert (unit / WORKERS.format("b", 8101) / "cgroup.procs").read_text().split() == [str(worker)]


def a_reload_after_another_version_was_installed_executes_it():
    slotd = Path(os.readlink(f"/proc/{show('MainPID')}/exe"))
    workers = show("MainPID"), pid_of(WORKERS.format("b", 8101))
    new = slotd.with_suffix(".new")
    shutil.copy2(slotd, new)
    new.rename(slotd)
    run("systemctl", "reload", "slotd")
    wait_for(lambda: show("ActiveState") == "active", "systemd has read that it is done")
    assert os.readlink(f"/proc/{show('MainPID')}/exe") == str(slotd), "not the deleted one"
    assert workers == (show("MainPID"), pid_of(WORKERS.format("b", 8101))) and answer()[0] == "b"
    run("systemctl", "reload", "slotd")


def a_file_with_a_mistake_is_told_and_not_tried_again():
    good = CONFIG.read_text()
    CONFIG.write_text(good.replace("health=", "heath="))
    assert run("systemctl", "restart", "slotd", check=False).returncode != 0
    assert show("ActiveState") == "failed" and show("ExecMainStatus") == "2"
    lines = run("journalctl", "-u", "slotd", "--no-pager", "-o", "cat", "-n", "20").stdout
    assert 'unknown option "heath"; did you mean "health"?' in lines
    CONFIG.write_text(good)
    run("systemctl", "start", "slotd")
    wait_for(answers, "the service answers")


def a_connection_made_during_a_restart_is_answered():
    """systemd holds the public socket (FDSTORE=1); the file asks for nothing."""
    refused = []

    def ask():
        try:
            return answer()
        except OSError as e:
            refused.append(e)
            return None

    run("systemctl", "restart", "--no-block", "slotd")
    before = slotctl("pid", check=False).stdout.strip()
    wait_for(lambda: ask() and show("ActiveState") == "active" and
             slotctl("pid", check=False).stdout.strip() not in ("", before), "the next slotd serves")
    assert not [e for e in refused if isinstance(e, ConnectionRefusedError)], refused
    run("systemctl", "stop", "slotd")
    assert not run("ss", "-Hltn", "sport = :8000").stdout, "stopped, and the address is free"
    run("systemctl", "start", "slotd")
    wait_for(answers, "the service answers")


def sockets_of_systemd_are_used():
    """A connection made while slotd is down waits, and is answered by the next one."""
    unit = "/usr/local/share/doc/slotd/examples/slotd.socket"
    run("systemctl", "stop", "slotd")
    Path("/etc/systemd/system/slotd.socket").write_text(Path(unit).read_text())
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "slotd.socket")
    assert show("ActiveState") == "inactive"
    assert answer()[0] == "b" and show("ActiveState") == "active"
    inode = run("ss", "-Hltne", "sport = :8000").stdout.split("ino:")[1].split()[0]
    run("systemctl", "restart", "slotd")
    wait_for(answers, "the service answers")
    assert f"ino:{inode} " in run("ss", "-Hltne", "sport = :8000").stdout, "bound again"
    run("systemctl", "stop", "slotd.socket", "slotd.service")
    Path("/etc/systemd/system/slotd.socket").unlink()
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "slotd")
    wait_for(answers, "the service answers")


def a_slotd_that_hangs_is_replaced_by_the_watchdog():
    before, worker = show("MainPID"), pid_of(WORKERS.format("b", 8101))
    os.kill(int(before), signal.SIGSTOP)
    wait_for(lambda: show("MainPID") not in ("0", before) and show("ActiveState") == "active",
             "systemd replaces it", 40)
    assert pid_of(WORKERS.format("b", 8101)) == worker
    assert answer()[0] == "b" and int(show("NRestarts")) >= 1
    assert "Watchdog timeout" in run("journalctl", "-u", "slotd", "--no-pager").stdout


def a_stop_ends_everything_in_good_order():
    run("systemctl", "stop", "slotd")
    assert show("Result") == "success", show("Result")
    assert not run("pgrep", "-f", "/opt/web", check=False).stdout, "workers are left"
    assert not run("pgrep", "slotd", check=False).stdout, "processes of slotd are left"
    run("systemctl", "start", "slotd")
    wait_for(answers, "the service answers")


def a_reboot_keeps_who_is_live():
    assert show("ActiveState") == "active"
    wait_for(answers, "the service answers")
    assert answer()[0] == "b"
    assert "payinv b" in show("StatusText")
    assert "STOPPED" in slotctl("status", WORKERS.format("a", 8001), check=False).stdout


BOOTS = {
    "1": [
        it_started_at_boot_and_listened_before_it_was_ready,
        the_status_text_names_the_live_slot,
        the_unit_asks_for_what_it_should,
        workers_do_not_see_what_systemd_told_slotd,
        helpers_run_as_their_own_user,
        each_worker_has_a_control_group,
        what_depends_on_it_started_after_it_and_stops_before,
        a_killed_worker_is_back,
        a_reload_returns_when_it_is_done,
        a_reload_of_a_bad_file_fails_and_changes_nothing,
        the_journal_has_fields,
        a_swap_is_told_to_systemd_and_to_the_journal,
        a_deploy_prepares_where_it_likes,
        a_restart_keeps_who_is_live,
        a_restart_of_the_daemon_is_a_reload_to_systemd,
        a_stop_in_the_middle_of_a_restart_ends_it,
        a_stop_waits_for_a_job_that_has_time_left,
        a_reload_may_look_up_names_for_longer_than_a_start_may_take,
        a_reexec_of_systemd_changes_nothing,
        a_killed_slotd_comes_back_and_takes_its_workers_over,
        a_reload_after_another_version_was_installed_executes_it,
        a_file_with_a_mistake_is_told_and_not_tried_again,
        a_slotd_that_hangs_is_replaced_by_the_watchdog,
        a_connection_made_during_a_restart_is_answered,
        sockets_of_systemd_are_used,
        a_stop_ends_everything_in_good_order,
    ],
    "2": [a_reboot_keeps_who_is_live],
}

# ---- power cuts

SEED, CUTS = 10, 10
LONGEST = {"swap": 2.5, "deploy": 2.0}  # seconds to the cut: somewhat longer than the job takes
STATE, HISTORY = Path("/var/lib/slotd/state.json"), Path("/var/lib/slotd/history")
ASKED = Path("/opt/boot/asked")  # what was asked for when the power went, and what was live


def history():
    return [json.loads(line) for line in HISTORY.read_text().splitlines()]


def cut_the_power():
    """All processes end within the call: nothing is stopped, synchronized or unmounted."""
    ctypes.CDLL(None).reboot(0x01234567)


def one_slot_is_live_and_it_is_the_recorded_one():
    live = json.loads(STATE.read_text())["services"]["payinv"]["live"]
    assert Path("/var/lib/payinv-live").read_text() == f"{live}\n"
    assert {answer()[0] for _ in range(10)} == {live}
    other = "b" if live == "a" else "a"
    rows = slotctl("status", f"payinv-{other}:*", check=False).stdout.splitlines()
    assert len(rows) == 2 and all("STOPPED" in row for row in rows), rows
    assert f"payinv {live}" in show("StatusText")
    return live


def the_history_tells_of_the_job():
    """One line for each job, whose outcome is what is live."""
    number, kind, before = ASKED.read_text().split()
    live = one_slot_is_live_and_it_is_the_recorded_one()
    jobs = wait_for(lambda: [j for j in history() if j["job"] >= int(number)], "it has a line") \
        if json.loads(STATE.read_text())["next_job"] > int(number) else []
    assert [j["job"] for j in history()] == sorted({j["job"] for j in history()})
    for job in jobs:
        assert job["kind"] == kind and job["code"] == (10 if live == before else 0), job
    print(f"   {kind} #{number} from {before}: {live} is live; "
          + (jobs[0]["text"] if jobs else "it had not begun"), flush=True)


def begin_a_job_and_cut_the_power(dice, kind):
    live = one_slot_is_live_and_it_is_the_recorded_one()
    ASKED.write_text(f"{json.loads(STATE.read_text())['next_job']} {kind} {live}")
    os.sync()
    Path("/tmp/shared").touch()  # for its prepare=
    threading.Timer(dice.random() * LONGEST[kind], cut_the_power).start()
    subprocess.run(["slotctl", "-c", str(CONFIG), kind, "payinv"], stdout=subprocess.DEVNULL)
    signal.pause()


def power_cuts(boot):
    """After each boot but the first it is looked at, and cut again in the middle of a job."""
    cut = boot - 1  # how often it has happened
    assert show("ActiveState") == "active"
    wait_for(answers, "the service answers")
    if cut:
        the_history_tells_of_the_job()
    if cut < CUTS:
        begin_a_job_and_cut_the_power(random.Random(SEED + cut), ("swap", "deploy")[cut % 2])


def main():
    boot = os.environ["BOOT_NUMBER"]
    if "power-cuts" in sys.argv:
        power_cuts(int(boot))
        print("ok power_cuts", flush=True)
        return
    for check in BOOTS[boot]:
        began = time.monotonic()
        check()
        print(f"ok {check.__name__} {time.monotonic() - began:.2f} s", flush=True)
    if boot == "1":
        os.sync()
        run("systemctl", "reboot")
        signal.pause()


sys.exit(main())
