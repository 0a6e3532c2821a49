"""schedule=: programs that run at times, with the wall clock set by the test."""

import re
import time

import pytest

from harness.apps import service, web_slot
from harness.faults import Faults
from harness.procs import stays, wait_for

pytestmark = pytest.mark.plain_only  # the clock is preloaded


def job(name, script, schedule="* * * * *", options=""):
    return (f"[program:{name}]\ncommand=/bin/sh -c 'echo {name} >> %D%/runs; {script}'\n"
            f"schedule={schedule}\nschedule_zone=UTC\n{options}")


class Clock:
    """The daemon's wall clock: at second 10 of a minute, also after each step."""

    def __init__(self, daemon):
        self._faults, self._ahead = Faults(daemon), 0
        self.forward(0)

    def forward(self, minutes):
        now = int(time.time()) + self._ahead
        self._ahead += minutes * 60 + 10 - now % 60
        self._faults.set_clock(self._ahead)


def runs(daemon, name):
    return daemon.read("runs").split().count(name)


def ran(daemon, name, times):
    wait_for(lambda: runs(daemon, name) == times, f"{name} has run {times} times")


def again(daemon):
    daemon.start(wait=False)
    daemon.wait_log(f"supervisord started with pid {daemon.pid}")
    daemon.wait_ready()


def test_each_time_has_one_run_also_where_slotd_is_killed(slotd):
    daemon = slotd(job("quick", "exit 3") + job("slow", "exec sleep 1000", options="stopwaitsecs=1\n")
                   + job("yearly", "true", "0 0 1 1 *") + "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n",
                   start=False)
    clock = Clock(daemon)
    daemon.start()
    text = daemon.supervisorctl("status").stdout
    assert re.search(r"quick +STOPPED +next run \w{3} \d\d \d\d:\d\d [AP]M", text), text
    assert re.search(r"yearly +STOPPED +next run Jan 01 12:00 AM", text), text
    assert "next run" in daemon.ctl("status").stdout
    assert daemon.worker("yearly")["next_run"] > daemon.worker("quick")["next_run"] > 0
    assert daemon.worker("cat")["next_run"] == 0
    daemon.kill()  # before the run is due, and back a moment after
    clock.forward(1)
    again(daemon)
    ran(daemon, "quick", 1)
    ran(daemon, "slow", 1)
    daemon.wait_log("exited: quick (exit status 3; not expected)")
    pid = daemon.wait_state("slow", "RUNNING")["pid"]
    for _ in range(2):
        daemon.kill()
        again(daemon)
    assert stays(lambda: runs(daemon, "quick") == runs(daemon, "slow") == 1, 0.3)
    assert daemon.info("slow")["pid"] == pid
    assert "missed" not in daemon.log() and "left out" not in daemon.log()
    # The next minute: one run is left out, for the former has not ended.
    clock.forward(1)
    ran(daemon, "quick", 2)
    daemon.wait_log("slow: the run of ")
    assert daemon.info("slow")["pid"] == pid
    # By hand it runs at once; `start all` does not mean it.
    daemon.ctl("start", "quick")
    ran(daemon, "quick", 3)
    daemon.ctl("stop", "slow", check=True)
    daemon.ctl("start", "all")
    assert stays(lambda: runs(daemon, "quick") == 3 and runs(daemon, "slow") == 1, 0.3)
    # What the clock skips, and what comes while slotd is not there, is said.
    clock.forward(10)
    daemon.wait_log("quick: 9 runs were missed")
    ran(daemon, "quick", 4)
    assert daemon.end() == 0
    clock.forward(60)
    daemon.start()
    daemon.wait_log("quick: 59 runs were missed")
    wait_for(lambda: daemon.log().count("were missed") == 4, "quick and slow are told, twice")
    ran(daemon, "quick", 5)
    assert "yearly" not in daemon.read("runs")


def test_in_a_slot_the_live_one_runs_at_start_and_at_its_times(slotd, ports):
    text = ""
    for slot in "ab":
        text += web_slot(f"s-{slot}", ports.run(1), slot) + job(f"job-{slot}", "true")
        text += f"[program:boot-{slot}]\ncommand=/bin/sh -c 'echo boot-{slot} >> %D%/runs'\nschedule=@reboot\n"
    text += service("s", f"127.0.0.1:{ports.one()}")
    for slot in "ab":
        text = text.replace(f"slot_{slot}=s-{slot}", f"slot_{slot}=s-{slot}, job-{slot}, boot-{slot}")
    daemon = slotd(text, start=False)
    clock = Clock(daemon)
    daemon.start()
    ran(daemon, "boot-a", 1)
    clock.forward(1)
    ran(daemon, "job-a", 1)
    wait_for(lambda: re.search(r"job-a +EXITED +next run ", daemon.ctl("status").stdout),
             "it has ended, and waits")  # its line is there before slotd has heard of it
    status = daemon.ctl("status").stdout
    assert re.search(r"job-b +STOPPED +Not started\n", status), status
    daemon.ctl("swap", "s", check=True)
    assert daemon.worker("job-a")["next_run"] == 0 < daemon.worker("job-b")["next_run"]
    daemon.kill()
    again(daemon)
    clock.forward(1)
    ran(daemon, "job-b", 1)
    daemon.ctl("rollback", "s", check=True)
    clock.forward(1)
    ran(daemon, "job-a", 2)
    daemon.config.write_text(daemon.config.read_text().replace("* * * * *", "0 0 1 1 *"))
    daemon.ctl("reload", check=True)
    clock.forward(1)
    assert stays(lambda: (runs(daemon, "job-a"), runs(daemon, "job-b")) == (2, 1), 0.3)
    assert (runs(daemon, "boot-a"), runs(daemon, "boot-b")) == (1, 0)


def test_a_schedule_that_never_comes_is_refused(slotd):
    daemon = slotd(job("never", "true", "0 0 31 2 *"), start=False)
    daemon.start(wait=False)
    daemon.expected_status = {2}
    assert daemon.process.wait(30) == 2
    assert "slotd.conf:" in daemon.stderr() and "'0 0 31 2 *' never comes" in daemon.stderr()
