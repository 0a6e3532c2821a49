"""Bake: the new slot is watched after the flip, and left again when it fails."""

import json
import os
import re
import signal
import threading

import pytest

from harness.daemon import COLD
from harness.load import Load, once
from harness.procs import wait_for
from test_services import Payinv

LONG = "bake=10m\nlive_file=%D%/live\n"
# Healthy as long as nobody makes the file "bad"; told at the first failure.
HEALTH = {"health": "exec test $SLOTD_SLOT = a -o ! -e %D%/bad"}
AT_ONCE = "health_fall=1\n"


class Job(threading.Thread):
    """slotctl deploy or swap, under way; done when it is joined."""

    def __init__(self, payinv, *arguments):
        super().__init__()
        self.payinv, self.arguments, self.done = payinv, arguments, None
        self.start()

    def run(self):
        self.done = self.payinv.daemon.ctl(*self.arguments)

    def end(self):
        self.join(60)
        assert self.done, "it does not end"
        return self.done.returncode, self.done.stdout + self.done.stderr


def baking(payinv, *arguments):
    job = Job(payinv, *(arguments or ("swap", "payinv")))
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "bake", "the new slot is baked")
    return job


def crash(payinv, slot="b", i=0):
    worker = payinv.worker(slot, i)
    pid = payinv.daemon.wait_state(worker, "RUNNING")["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: payinv.daemon.info(worker)["pid"] != pid, "it has ended")


def history(payinv, n):
    def lines():
        return [json.loads(line) for line in payinv.daemon.read("state/history").splitlines()]
    wait_for(lambda: len(lines()) == n, f"{n} jobs are in the history")
    return lines()


def test_a_good_bake_counts_connections_and_is_a_step(slotd, ports):
    payinv = Payinv(slotd, ports, options="bake=1\nlive_file=%D%/live\n")
    with Load(payinv.address, clients=2, rate=20) as load:
        text = payinv.swap()
    assert not load.failed()
    found = re.search(r"^4/5 bake +ok  1\S* ?s  (\d+) conn, 0 failed$", text, re.M)
    assert found and int(found[1]) > 5, text
    assert re.search(r"^5/5 drain ", text, re.M) and payinv.live() == "b"


def test_a_slot_that_fails_its_checks_is_left_again(slotd, ports):
    payinv = Payinv(slotd, ports, **HEALTH, options=LONG + AT_ONCE)
    with Load(payinv.address, clients=2, rate=40) as load:
        job = baking(payinv, "deploy", "payinv", "4f2c91e")
        assert payinv.live() == "b" and payinv.live_file() == "b"
        (payinv.daemon.dir / "bad").touch()
        code, text = job.end()
        assert once(payinv.address).startswith("a ")
    assert code == 11, text
    assert not load.failed(), load.failed()[:5]
    assert re.search(r"^4/5 bake +FAILED  .*payinv-b_\d+ failed its check", text, re.M), text
    assert re.search(r"^    swap +\S+ \S+, back to a$", text, re.M), "the way back is told"
    assert "FLIPPED BACK: a is live." in text
    assert payinv.live() == "a" and payinv.live_file() == "a"
    told = history(payinv, 1)[0]
    assert (told["code"], told["step"], told["release"]) == (11, "bake", "4f2c91e")
    assert "failed its check" in told["why"] and told["worker"].startswith("payinv-b_")
    assert "failed its check" in payinv.daemon.ctl("history", check=True).stdout
    wait_for(lambda: payinv.daemon.slot("payinv", "b")["state"] == COLD, "what failed stops")
    back = payinv.daemon.ctl("rollback", "payinv")
    assert back.returncode != 0 and "did not succeed" in back.stderr


def test_a_crash_is_borne_and_the_next_is_not(slotd, ports):
    payinv = Payinv(slotd, ports, options=LONG)
    job = baking(payinv)
    crash(payinv)
    payinv.daemon.wait_state(payinv.worker("b", 0), "RUNNING")
    assert payinv.daemon.service("payinv")["step"] == "bake" and payinv.live() == "b"
    crash(payinv, i=1)
    code, text = job.end()
    assert code == 11 and "crashed: terminated by SIGKILL" in text, text
    assert payinv.live() == "a" and once(payinv.address).startswith("a ")
    assert payinv.worker("b", 1).endswith(history(payinv, 1)[0]["worker"])


def test_crashes_of_the_old_slot_do_not_count(slotd, ports):
    payinv = Payinv(slotd, ports, options=LONG + "bake_crashes=0\n")
    job = baking(payinv)
    crash(payinv, slot="a")
    payinv.daemon.wait_state(payinv.worker("a", 0), "RUNNING")
    assert payinv.live() == "b" and payinv.daemon.service("payinv")["step"] == "bake"
    crash(payinv)
    assert job.end()[0] == 11


def test_a_slot_that_is_not_healthy_at_the_end_is_left(slotd, ports):
    payinv = Payinv(slotd, ports, **HEALTH, options="bake=2\nhealth_fall=1000\n")
    job = baking(payinv)
    (payinv.daemon.dir / "bad").touch()
    crash(payinv)
    code, text = job.end()
    assert code == 11 and "failed its check" in text, text
    assert payinv.live() == "a"


def test_a_slot_to_go_back_to_that_has_stopped_is_started_first(slotd, ports):
    payinv = Payinv(slotd, ports, options=LONG + "drain=worker\nbake_crashes=0\n")
    job = baking(payinv)
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["state"] == COLD, "the old slot is cold")
    crash(payinv)
    code, text = job.end()
    assert code == 11, text
    assert re.search(r"^    start +ok .*2/2 running$", text, re.M), text
    assert re.search(r"^    gate +ok .*2/2 healthy$", text, re.M), text
    assert payinv.live() == "a" and once(payinv.address).startswith("a ")


def test_the_new_slot_stays_live_where_there_is_no_way_back(slotd, ports):
    payinv = Payinv(slotd, ports, health="exec test ! -e %D%/bad-$SLOTD_SLOT",
                    options=LONG + "drain=worker\nbake_crashes=0\nready_timeout=1\n")
    job = baking(payinv)
    (payinv.daemon.dir / "bad-a").touch()
    wait_for(lambda: payinv.daemon.slot("payinv", "a")["state"] == COLD, "the old slot is cold")
    crash(payinv)
    code, text = job.end()
    assert code == 10 and "NOT FLIPPED BACK: b is live." in text, text
    assert payinv.live() == "b" and once(payinv.address).startswith("b ")


@pytest.mark.parametrize("command", ["swap", "deploy"])
def test_no_other_begins_while_a_slot_is_baked(slotd, ports, command):
    payinv = Payinv(slotd, ports, options="bake=10m\n")
    job = baking(payinv)
    done = payinv.daemon.ctl(command, "payinv")
    assert done.returncode == 12 and 'in "bake"' in done.stderr
    done = payinv.daemon.ctl("abort", "payinv")
    assert done.returncode != 0 and "too late, b is live" in done.stderr
    payinv.daemon.ctl("rollback", "payinv", check=True)
    assert job.end()[0] == 11


def test_a_rollback_ends_the_bake_at_once(slotd, ports):
    payinv = Payinv(slotd, ports, options=LONG)
    with Load(payinv.address, clients=2, rate=40) as load:
        job = baking(payinv)
        done = payinv.daemon.ctl("rollback", "payinv", check=True)
        code, text = job.end()
    assert not load.failed(), load.failed()[:5]
    assert code == 11 and "rolled back by" in text and ", #2" in text and "ROLLED BACK: b" in text, text
    assert payinv.live() == "a" and "bake" not in done.stdout
    assert [(j["kind"], j["code"]) for j in history(payinv, 2)] == [("swap", 11), ("rollback", 0)]


def test_a_shutdown_ends_a_bake_and_the_new_slot_stays_live(slotd, ports):
    payinv = Payinv(slotd, ports, options=LONG)
    payinv.daemon.rpc.slotd.swap("payinv")
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "bake", "the new slot is baked")
    assert payinv.daemon.end() == 0
    assert history(payinv, 1)[0]["code"] == 0
    payinv.daemon.start()
    payinv.wait_serving()
    assert payinv.live() == "b" and once(payinv.address).startswith("b ")


def test_queue_workers_come_back_with_their_slot(slotd, ports):
    payinv = Payinv(slotd, ports, options=LONG + "bake_crashes=0\n", start=False)
    config = payinv.config.replace("slot_a=payinv-a", "slot_a=payinv-a, queue-a") \
        .replace("slot_b=payinv-b", "slot_b=payinv-b, queue-b")
    for slot in "ab":
        config += f"[program:queue-{slot}]\ncommand=sleep 1000\nstartsecs=0\n"
    payinv.daemon.write_config(config)
    payinv.daemon.start()
    payinv.wait_serving()

    def runs():
        return {s for s in "ab"
                if payinv.daemon.info(f"queue-{s}")["statename"] == "RUNNING"}

    wait_for(lambda: runs() == {"a"}, "they run in a")
    job = baking(payinv)
    wait_for(lambda: runs() == {"b"}, "they run in b")
    crash(payinv)
    assert job.end()[0] == 11
    wait_for(lambda: runs() == {"a"}, "they run in a again")
