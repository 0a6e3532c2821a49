"""What a deploy says: a log that slotctl follows, whichever process is killed meanwhile."""

import os
import re
import signal
import subprocess
import threading

import pytest

from harness import procs
from harness.daemon import SLOTCTL, signal_and_wait
from harness.procs import SLOW, wait_for
from test_services import Payinv

BAR = "             | "
DIED = "slotctl: slotd has died. Waiting 10 s for the next one, which undoes or finishes #1."
AGAIN = "slotctl: lost connection to slotd. Trying again for 9 s."


class Following:
    """slotctl deploy or attach: its lines as they come."""

    def __init__(self, payinv, *words):
        self.lines = []
        self.process = subprocess.Popen(
            [str(SLOTCTL), "-c", str(payinv.daemon.config), *words], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.thread = threading.Thread(
            target=lambda: self.lines.extend(map(str.rstrip, iter(self.process.stdout.readline, ""))))
        self.thread.start()

    def has(self, line):
        wait_for(lambda: line in self.lines, f"{line!r} is followed; so far: {self.lines}")

    def end(self):
        """Its exit status."""
        self.thread.join(120 * SLOW)
        status = self.process.wait(30)
        self.process.stdout.close()
        return status


def numbers(lines):
    return [int(line[len(BAR):]) for line in lines if re.fullmatch(re.escape(BAR) + r"\d+", line)]


def written(payinv, job=1):
    return payinv.daemon.read(f"log/payinv-{job}.log").splitlines()


@pytest.fixture
def step(slotd, ports):
    """A deploy whose commands print a line, then wait for a line in a fifo, and so on."""
    payinv = Payinv(slotd, ports, start=False,
                    options="prepare=while read -r line; do echo \"$line\"; done < %D%/fifo\n")
    fifo = payinv.daemon.dir / "fifo"
    os.mkfifo(fifo)
    payinv.daemon.start()
    payinv.wait_serving()
    payinv.fifo = None

    def tell(line):
        payinv.fifo = payinv.fifo or open(fifo, "w", buffering=1)
        payinv.fifo.write(line + "\n")

    payinv.tell = tell
    yield payinv
    if payinv.fifo:
        payinv.fifo.close()


def test_output_is_followed_as_it_comes_also_by_who_comes_later(step):
    deploy = Following(step, "deploy", "payinv", "r1")
    step.tell("one")
    deploy.has(BAR + "one")
    attached = Following(step, "attach", "payinv")
    attached.has(BAR + "one")
    step.tell("two")
    deploy.has(BAR + "two")
    attached.has(BAR + "two")
    step.fifo.close()
    assert deploy.end() == 0 and attached.end() == 0
    assert deploy.lines == attached.lines
    assert deploy.lines[0] == "#1 payinv: a (live) -> b (r1), by root"
    assert deploy.lines[-1] == "b (r1) is live."
    assert written(step) == [line for line in deploy.lines if line != "b (r1) is live."]


def test_the_last_job_is_shown_again_with_its_end_also_by_another_slotd(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=\n  echo one\n  exit 3\n")
    nothing = payinv.daemon.ctl("attach", "payinv", check=True)
    assert nothing.stdout == "payinv: nothing is going on\n"
    done = payinv.daemon.ctl("deploy", "payinv")
    assert done.returncode == 10 and BAR + "one\n" in done.stdout
    for helper in "control", "log", "":
        if helper:
            signal_and_wait(payinv.daemon.helpers(helper)[0])
            payinv.daemon.wait_ready()
        else:
            assert payinv.daemon.end() == 0
            payinv.daemon.start()
        again = payinv.daemon.ctl("attach", "payinv")
        assert (again.stdout, again.returncode) == (done.stdout, 10), helper
    assert payinv.daemon.ctl("swap", "payinv").stdout.startswith("#2 payinv: ")


def test_the_log_of_a_deploy_goes_on_with_the_next_slotd(step):
    deploy = Following(step, "deploy", "payinv", "r1")
    step.tell("one")
    deploy.has(BAR + "one")
    step.daemon.kill()
    deploy.has(DIED)
    step.tell("two")
    step.daemon.start()
    assert deploy.end() == 10
    deploy.lines.remove(DIED)
    lines = written(step)
    assert [line for line in lines if line in (BAR + "one", BAR + "two")] == [BAR + "one", BAR + "two"]
    assert lines[-2].startswith("#1 payinv: slotd was killed and started again")
    assert lines[-1].startswith("1/5 prepare  FAILED")
    assert deploy.lines[:-1] == lines
    assert deploy.lines[-1].startswith("NOTHING SWAPPED: a is live.")
    again = step.daemon.ctl("attach", "payinv")
    assert again.returncode == 10 and again.stdout.splitlines() == deploy.lines
    step.fifo.close()
    step.fifo = None
    assert step.daemon.ctl("swap", "payinv").returncode == 0
    assert written(step, 2)[0].startswith("#2 payinv: a (live) -> b")


def test_the_end_is_followed_though_slotd_is_killed_before_it_is_written(slotd, ports):
    payinv = Payinv(slotd, ports)
    os.kill(payinv.daemon.helpers("log")[0], signal.SIGSTOP)
    swap = Following(payinv, "swap", "payinv")
    wait_for(lambda: payinv.daemon.read("state/history"), "the swap is over")
    payinv.daemon.kill()
    swap.has(DIED)
    payinv.daemon.start(wait=False)
    [log] = wait_for(lambda: payinv.daemon.helpers("log"), "the next slotd has a slotd-log")
    os.kill(log, signal.SIGSTOP)
    payinv.daemon.wait_ready()
    payinv.daemon.ctl("status")
    os.kill(log, signal.SIGCONT)
    assert swap.end() == 0
    swap.lines.remove(DIED)
    assert swap.lines[:-1] == written(payinv) and swap.lines[-1] == "b is live."
    again = payinv.daemon.ctl("attach", "payinv", check=True)
    assert again.stdout.splitlines() == swap.lines


@pytest.mark.parametrize("left", ["control", "nothing"])
def test_without_a_next_slotd_following_ends_and_says_what_becomes_of_the_job(step, left):
    deploy = Following(step, "deploy", "payinv", "r1")
    step.tell("one")
    deploy.has(BAR + "one")
    control = step.daemon.helpers("control")
    if left == "nothing":
        os.kill(step.daemon.pid, signal.SIGSTOP)  # it starts no other one
        signal_and_wait(control[0])
    step.daemon.kill()
    if left == "control":
        deploy.has(DIED)
        step.tell("two")
        deploy.has(BAR + "two")
    assert deploy.end() == 13
    assert re.fullmatch(
        r"slotctl: lost connection: slotd (is not running|does not answer)\. #1 is undone or "
        r"finished when it is started again\. To see how it ended: slotctl attach payinv",
        deploy.lines[-1])
    told = [line for line in deploy.lines if line in (DIED, AGAIN)]
    assert told == [DIED if left == "control" else AGAIN]
    assert not [line for line in deploy.lines if "so far" in line]
    step.daemon.start()
    again = step.daemon.ctl("attach", "payinv")
    assert again.returncode == 10
    assert again.stdout.splitlines()[-1].startswith("NOTHING SWAPPED: a is live.")


def test_a_deploy_of_which_nothing_is_left_has_failed_and_the_history_says_so(step):
    deploy = Following(step, "deploy", "payinv")
    step.tell("one")
    deploy.has(BAR + "one")
    left = procs.children(step.daemon.pid)
    step.daemon.kill()
    for pid, name in left.items():
        if name != "slotd-spawn":  # it ends with its slotd
            signal_and_wait(pid)
    step.fifo.close()
    step.fifo = None
    step.daemon.start()
    assert deploy.end() == 10
    why = "NOTHING SWAPPED: slotd, or the machine, went down in the middle of it: a is live."
    again = step.daemon.ctl("attach", "payinv")
    assert again.returncode == 10 and BAR + "one\n" in again.stdout
    assert again.stdout.endswith(f"{why}\n")
    wait_for(lambda: why in step.daemon.read("state/history"), "the history tells")
    assert step.daemon.read("state/history").count("\n") == 1


@pytest.mark.parametrize("helper", ["control", "log"])
def test_no_line_is_lost_or_doubled_when_a_helper_is_killed(slotd, ports, helper):
    payinv = Payinv(slotd, ports, options="""\
prepare=
  i=0; while [ ! -e %D%/enough ]; do i=$((i + 1)); echo $i; [ $((i %% 100)) != 0 ] || sleep 0.01; done
""")
    deploy = Following(payinv, "deploy", "payinv")
    for n in range(5):
        pids = payinv.daemon.helpers(helper)
        wait_for(lambda: len(numbers(deploy.lines)) > 200 * (n + 1), "lines come")
        signal_and_wait(pids[0])
        wait_for(lambda: payinv.daemon.helpers(helper), "there is another one")
    attached = Following(payinv, "attach", "payinv")
    wait_for(lambda: numbers(attached.lines), "lines come to who attaches")
    (payinv.daemon.dir / "enough").touch()
    assert deploy.end() == 0 and attached.end() == 0
    found = numbers(deploy.lines)
    assert found == list(range(1, len(found) + 1)) and len(found) > 1000
    assert numbers(attached.lines) == found and numbers(written(payinv)) == found


def memory(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.plain_only
def test_a_flood_fills_neither_memory_nor_disk_and_its_end_is_told(slotd, ports):
    payinv = Payinv(slotd, ports, options=f"""\
prepare=
  yes 0123456789012345678901234567890123456789 | head -c {int(100e6 / SLOW)}
  echo that was all
  false
""")
    daemon = payinv.daemon
    before = {pid: memory(pid) for pid in
              [daemon.pid, *daemon.helpers("control"), *daemon.helpers("log")]}
    deploy = Following(payinv, "deploy", "payinv")
    while deploy.process.poll() is None:  # slotd goes on answering
        assert daemon.rpc.supervisor.signalProcess(payinv.worker("a", 0), "CONT")
    assert deploy.end() == 10
    assert BAR + "that was all" in deploy.lines
    assert any('in line 3, "false"' in line for line in deploy.lines), deploy.lines[-5:]
    for pid, was in before.items():  # none was restarted
        grown = memory(pid) - was
        assert grown < 16 << 20 or SLOW > 1, pid  # sanitizers keep what is freed
    files = list((daemon.dir / "log").glob("payinv-1.log*"))
    assert len(files) == 2 and sum(f.stat().st_size for f in files) < 20 << 20


def test_what_a_command_leaves_running_does_not_hold_the_deploy(slotd, ports):
    payinv = Payinv(slotd, ports, options="""\
prepare=
  setsid sh -c 'echo $$ > %D%/left; exec sleep 600' &
  while [ ! -s %D%/left ]; do sleep 0.01; done
  printf 'no newline'
""")
    done = payinv.daemon.ctl("deploy", "payinv")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[lines.index(BAR + "no newline") + 1].startswith("1/5 prepare  ok")
    left = int(payinv.daemon.read("left"))
    assert procs.alive(left)
    os.kill(left, signal.SIGKILL)


@pytest.mark.plain_only
def test_a_log_that_stands_still_holds_the_commands_and_nobody_else(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=yes | head -c 500000\n")
    log = payinv.daemon.helpers("log")[0]
    os.kill(log, signal.SIGSTOP)
    deploy = Following(payinv, "deploy", "payinv")
    try:
        wait_for(lambda: payinv.daemon.service("payinv")["step"] == "prepare", "it prepares")
        payinv.daemon.ctl("restart", payinv.worker("a", 0), "--force", check=True)
    finally:
        if procs.alive(log):
            os.kill(log, signal.SIGCONT)
    assert deploy.end() == 0
    assert deploy.lines.count(BAR + "y") == 250000


def test_a_command_cannot_say_a_step(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=printf 'x\\n1/5 prepare  ok\\r\\033[2J\\n'\n")
    done = payinv.daemon.ctl("deploy", "payinv", check=True)
    lines = done.stdout.splitlines()
    assert BAR + "1/5 prepare  ok?[2J" in lines
    assert len([line for line in lines if line.startswith("1/5")]) == 1


def test_without_a_log_a_deploy_is_done_all_the_same(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=echo one\n")
    log_dir = payinv.daemon.dir / "log"
    log_dir.rename(payinv.daemon.dir / "elsewhere")
    log_dir.touch()  # no directory any more
    done = payinv.daemon.ctl("deploy", "payinv")
    assert (done.returncode, done.stdout) == (0, "b is live.\n")
    payinv.daemon.wait_log("payinv-1.log")
    log_dir.unlink()
    (payinv.daemon.dir / "elsewhere").rename(log_dir)
