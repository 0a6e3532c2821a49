"""slotd itself: who may start, what a restart keeps, what is cleaned up after a worker."""

import os
import re
import shutil
import signal
import socket
import subprocess
import xmlrpc.client
from pathlib import Path

import pytest

from harness import procs
from harness.mounts import instead, may_mount
from harness.paths import SLOTCTL, SLOTD
from harness.procs import wait_for

SLEEPER = "[program:web]\ncommand=sleep 1000\nstartsecs=0\n"
SLOTS = """
[program:s-a]
command=/bin/sh -c 'sleep 1000 & sleep 1000'
startsecs=0
process_name=s_%(process_num)d
numprocs_start={a}
[program:s-b]
command=sleep 1000
process_name=s_%(process_num)d
numprocs_start={b}
[service:s]
listen=127.0.0.1:{public}
slot_a=s-a
slot_b=s-b
health=tcp
"""


def second_start(daemon):
    """What a second slotd with the same file says; it must not start."""
    done = subprocess.run([str(SLOTD), "-n", "-c", str(daemon.config)], cwd=daemon.dir,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done
    return done.stderr


def members(group):
    return [p for p in procs.descendants(os.getpid()) if procs.alive(p) and os.getpgid(p) == group]


def running(daemon, name):
    daemon.wait_state(name, "RUNNING")
    return daemon.info(name)["pid"]


def test_a_second_slotd_names_the_first(slotd):
    daemon = slotd(SLEEPER)
    assert f"(pid {daemon.pid})" in second_start(daemon)
    assert running(daemon, "web")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs as root")
@pytest.mark.parametrize("section, warned", [("slotd", False), ("supervisord", True)])
def test_only_a_file_of_supervisors_is_warned_of_root(tmp_path, section, warned):
    """Root is what slotd is made for; who wrote [supervisord] expects Supervisor's words."""
    (tmp_path / "x.conf").write_text(f"[slotd]\nstate_dir={tmp_path}/s\nrun_dir={tmp_path}/r\n"
                                     f"log_dir={tmp_path}/l\n[{section}]\n")
    with subprocess.Popen([str(SLOTD), "-n", "-c", "x.conf"], cwd=tmp_path, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        said = ""
        while "started with pid" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.terminate()
        process.stdout.read()
    assert ("running as root" in said) == warned, said


def test_slotctl_tells_that_slotd_has_died(slotd):
    daemon = slotd(SLEEPER)
    worker = running(daemon, "web")
    assert daemon.ctl("status").returncode == 0
    daemon.kill()
    wait_for(lambda: daemon.ctl("status").returncode == 4, "slotd-control has seen it")
    done = daemon.ctl("status")
    assert "RUNNING" in done.stdout and "slotd has died" in done.stderr, done
    assert re.search(r"workers are: \d+ alive", done.stderr), done.stderr
    assert "slotd is not running" in daemon.ctl("stop", "web").stdout
    daemon.start(wait=False)
    wait_for(lambda: daemon.ctl("status").returncode == 0, "the next one is there")
    assert daemon.info("web")["pid"] == worker


def test_a_restart_keeps_the_pid_and_reads_the_file_again(slotd):
    daemon = slotd(SLEEPER)
    first, pid = running(daemon, "web"), daemon.pid
    daemon.write_config(SLEEPER + "[program:more]\ncommand=sleep 1000\nstartsecs=0\n")
    daemon.restart()
    assert not procs.alive(first)
    assert daemon.rpc.supervisor.getPID() == pid
    assert running(daemon, "more")


def test_a_restart_into_a_bad_file_stops_nothing(slotd):
    daemon = slotd(SLEEPER)
    worker = running(daemon, "web")
    daemon.write_config("[program:web]\nstartsecs=never\n")
    with pytest.raises(xmlrpc.client.Fault) as refused:
        daemon.rpc.supervisor.restart()
    assert refused.value.faultCode == 92 and str(daemon.config) in refused.value.faultString
    assert daemon.info("web")["pid"] == worker


def test_the_whole_group_of_a_services_worker_ends_with_its_leader(slotd, ports):
    a = ports.one()
    daemon = slotd(SLOTS.format(a=a, b=ports.one(), public=ports.one()))
    leader = running(daemon, f"s-a:s_{a}")
    wait_for(lambda: len(members(leader)) == 3, "the worker has two children")
    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: daemon.info(f"s-a:s_{a}")["pid"] not in (0, leader), "a successor runs")
    assert not members(leader)


def test_a_port_that_another_holds_is_named(slotd, ports):
    a = ports.one()
    with socket.create_server(("127.0.0.1", a)):
        daemon = slotd(SLOTS.format(a=a, b=ports.one(), public=ports.one()))
        daemon.wait_state(f"s-a:s_{a}", "BACKOFF", "FATAL")
        why = daemon.info(f"s-a:s_{a}")["spawnerr"]
        assert why.startswith(f"127.0.0.1:{a} is held by ") and f"(pid {os.getpid()})" in why


def test_who_holds_the_port_of_an_http_server_is_named(slotd, ports):
    port = ports.one()
    with socket.create_server(("127.0.0.1", port)):
        daemon = slotd(f"[inet_http_server]\nport=127.0.0.1:{port}\n", start=False)
        assert f"(pid {os.getpid()}): Another program is already" in second_start(daemon)


def test_a_reload_makes_a_run_directory_again_that_was_removed(slotd):
    daemon = slotd(SLEEPER)
    web = running(daemon, "web")
    shutil.rmtree(daemon.dir / "run")
    os.kill(daemon.pid, signal.SIGHUP)
    daemon.wait_ready()
    assert running(daemon, "web") == web
    daemon.kill()
    daemon.start(wait=False)  # the next one finds it there
    daemon.wait_log(f"supervisord started with pid {daemon.pid}")
    daemon.wait_ready()
    assert running(daemon, "web") == web


@pytest.mark.parametrize("helper", ["control", "keep"])
def test_a_helper_that_hangs_is_restarted(slotd, helper):
    daemon = slotd(SLEEPER)
    web = running(daemon, "web")
    pid = daemon.helpers(helper)[0]
    os.kill(pid, signal.SIGSTOP)
    os.kill(web, signal.SIGKILL)  # a change that it is told
    wait_for(lambda: not procs.alive(pid), "it is ended", 20)
    assert running(daemon, "web") != web
    daemon.wait_log("had read nothing for 4 s")


def test_orphans_are_reaped(slotd):
    daemon = slotd("[program:forks]\ncommand=/bin/sh -c '(sleep 0.2; exit 7) & exit 0'\n"
                   "startsecs=0\nautorestart=false\n")
    daemon.wait_log("(exit status 7)")


def test_starts_leave_no_descriptor_behind(slotd):
    daemon = slotd("[program:false]\ncommand=/bin/false\nstartsecs=0\nautorestart=false\n")

    def descriptors():
        return len(os.listdir(f"/proc/{daemon.pid}/fd"))

    daemon.wait_state("false", "EXITED")
    before = wait_for(descriptors, "descriptors can be counted")
    for _ in range(50):
        daemon.rpc.supervisor.startProcess("false")
        daemon.wait_state("false", "EXITED")
    wait_for(lambda: descriptors() <= before, "descriptors are closed")


# ---- users

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
NOBODY = 65534


@root
def test_one_program_of_another_user_does_not_keep_the_others_from_running(slotd):
    """Not root, slotd cannot become that user; Supervisor starts the others, too."""
    daemon = slotd(SLEEPER + "[program:other]\ncommand=sleep 1000\nuser=daemon\nstartretries=0\n",
                   start=False)
    for path in (daemon.dir, *daemon.dir.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    daemon.start(user=NOBODY, group=NOBODY, extra_groups=[])
    assert running(daemon, "web")
    daemon.wait_state("other", "FATAL")
    daemon.wait_log("Can't drop privilege as nonroot user")
    daemon.ctl("reload", check=True)
    done = subprocess.run([str(SLOTD), "-t", "-c", str(daemon.config)], capture_output=True,
                          text=True, timeout=60, user=NOBODY, group=NOBODY, extra_groups=[])
    assert done.returncode == 2 and "Can't drop privilege" in done.stderr, done


def test_a_missing_log_directory_concerns_its_program_alone(slotd):
    daemon = slotd(SLEEPER + "[program:lost]\ncommand=/bin/sh -c 'echo some; exec sleep 1000'\n"
                   "startsecs=0\nstdout_logfile=%D%/none/log\n")
    assert running(daemon, "web") and running(daemon, "lost")
    daemon.wait_log(f"{daemon.dir}/none/log does not exist")
    daemon.ctl("reload", check=True)
    wait_for(lambda: "none/log: No such file" in daemon.log(), "slotd-log says that it cannot write")
    done = subprocess.run([str(SLOTD), "-t", "-c", str(daemon.config)], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 2 and "none/log does not exist; create it" in done.stderr, done


@root
@pytest.mark.skipif(not may_mount(), reason="no mount namespaces here")
def test_a_user_is_in_the_groups_of_the_moment_of_its_start(slotd):
    daemon = slotd("[program:x]\ncommand=sleep 1000\nstartsecs=0\nuser=nobody\n", start=False)
    groups = daemon.dir / "group"
    usual = Path("/etc/group").read_text()
    groups.write_text(usual)
    daemon.start(preexec_fn=instead({Path("/etc/group"): groups}))

    def groups_of(pid):
        line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                    if line.startswith("Groups:"))
        return set(line.split()[1:])

    assert "54999" not in groups_of(running(daemon, "x"))
    groups.write_text(usual + "joined:x:54999:nobody\n")
    daemon.ctl("restart", "x", check=True)
    assert "54999" in groups_of(running(daemon, "x"))


# ---- where there is no home

HOMELESS = """
[supervisord]
logfile=%D%/slotd.log
pidfile=%D%/slotd.pid
childlogdir=%D%/log
[unix_http_server]
file=%D%/sock
[program:web]
command=sleep 1000
startsecs=0
"""


def homeless(slotd, config=HOMELESS, **env):
    """A slotd of Supervisor's own file, run by a uid that no passwd has."""
    daemon = slotd(start=False)
    daemon.write_config(config, head=False)
    daemon.socket = daemon.dir / "sock"
    for path in (daemon.dir, *daemon.dir.rglob("*")):
        os.chown(path, 54321, 54321)
    daemon.env = {"PATH": os.environ["PATH"], "TMPDIR": str(daemon.dir), **env}
    return daemon


@root
@pytest.mark.parametrize("env", [{}, {"HOME": "/"}, {"HOME": "/nonexistent"}, {"HOME": "/root"}])
def test_a_file_of_supervisors_runs_without_a_home(slotd, env):
    daemon = homeless(slotd, **env)
    daemon.start(user=54321, group=54321, extra_groups=[])
    worker = running(daemon, "web")
    daemon.wait_log("web entered RUNNING state")
    warnings = daemon.log().count("what slotd keeps for itself goes into")
    assert warnings == (1 if env else 0), daemon.log()
    where = f"{daemon.dir}/slotd.pid.d" if env else f"{daemon.dir}/slotd-54321/run"
    status = subprocess.run([str(SLOTCTL), "-s", f"unix://{where}/slotd.sock", "status"], timeout=60,
                            capture_output=True, text=True)
    assert "web" in status.stdout, status
    daemon.rpc.supervisor.reloadConfig()
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_log("the configuration was reloaded")
    assert daemon.info("web")["pid"] == worker


@root
def test_a_service_insists_on_a_place_that_lasts(slotd, ports):
    daemon = homeless(slotd, HOMELESS + SLOTS.format(a=ports.one(), b=ports.one(),
                                                     public=ports.one()), HOME="/")
    daemon.expected_status = {2}
    daemon.start(wait=False, user=54321, group=54321, extra_groups=[])
    assert daemon.process.wait(30) == 2
    assert "set state_dir=" in daemon.stderr()
