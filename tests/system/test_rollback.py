"""What a failed deploy leaves: nothing to roll back to, nothing warm, and a record that tells why."""

import json
import os
import shutil
import threading

from harness.daemon import COLD, WARM
from harness.load import once
from harness.procs import wait_for
from test_services import Payinv, payinv  # noqa: F401

PREPARE = "prepare=\n  true\n  test -e %D%/good\nidle_keep=60\n"


def deploy(payinv, *arguments):
    return payinv.daemon.ctl("deploy", "payinv", *arguments)


def slot(payinv, name):
    return payinv.daemon.slot("payinv", name)


def rolls_back(payinv):
    return payinv.daemon.ctl("rollback", "payinv")


def refuses(done, *parts):
    text = done.stdout + done.stderr
    return done.returncode != 0 and all(part in text for part in parts)


def test_after_failed_deploys_alone_there_is_nothing_to_roll_back_to(slotd, ports):
    payinv = Payinv(slotd, ports, options=PREPARE)
    for _ in range(2):
        assert deploy(payinv, "r1").returncode == 10
        assert refuses(rolls_back(payinv), "nothing to roll back to", "did not succeed")
    assert payinv.live() == "a" and once(payinv.address).startswith("a ")
    assert slot(payinv, "b")["release"] == "r1"
    assert "did not succeed" in slot(payinv, "b")["note"]
    assert payinv.daemon.end() == 0
    payinv.daemon.start()
    payinv.wait_serving()
    assert refuses(rolls_back(payinv), "nothing to roll back to"), "slotd forgot it"
    (payinv.daemon.dir / "good").touch()
    assert deploy(payinv, "r2").returncode == 0
    assert payinv.live() == "b"
    assert rolls_back(payinv).returncode == 0
    assert payinv.live() == "a"


def test_a_slot_that_was_never_live_is_nothing_to_roll_back_to(payinv):
    assert refuses(rolls_back(payinv), "nothing to roll back to: slot b was never live")
    payinv.daemon.ctl("swap", "payinv", check=True)
    assert rolls_back(payinv).returncode == 0


def test_a_prepare_that_fails_in_a_warm_slot_leaves_it_cold_and_gated(slotd, ports):
    payinv = Payinv(slotd, ports, options=PREPARE)
    payinv.swap()
    wait_for(lambda: slot(payinv, "a")["state"] == WARM, "the old slot is warm")
    assert slot(payinv, "a")["note"] == "rollback: at once"
    assert deploy(payinv, "broken").returncode == 10
    wait_for(lambda: slot(payinv, "a")["state"] == COLD, "nothing half prepared goes on running")
    assert refuses(rolls_back(payinv), "nothing to roll back to")
    assert payinv.live() == "b" and once(payinv.address).startswith("b ")
    payinv.daemon.ctl("start", "payinv-a:*", check=True)  # by hand: it runs, and is not warm
    payinv.daemon.wait_state(payinv.worker("a", 0), "RUNNING")
    pid = payinv.daemon.wait_state(payinv.worker("a", 0), "RUNNING")["pid"]
    lines = payinv.swap()
    assert "gate" in lines and "start" in lines
    assert payinv.daemon.info(payinv.worker("a", 0))["pid"] != pid, "not afresh"


def test_a_record_that_cannot_be_written_is_found_before_prepare_runs(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=touch %D%/migrated\n")
    state = payinv.daemon.dir / "state"
    wait_for(lambda: not list(state.glob("*.new*")), "nothing is being written")
    shutil.move(state / "state.json", payinv.daemon.dir / "kept") if (
        state / "state.json").exists() else None
    (state / "state.json").mkdir()
    done = deploy(payinv)
    assert done.returncode == 10, done.stdout + done.stderr
    assert "record" in done.stdout and not (payinv.daemon.dir / "migrated").exists()
    (state / "state.json").rmdir()
    assert deploy(payinv).returncode == 0
    assert (payinv.daemon.dir / "migrated").exists()


def test_the_command_that_failed_is_named_and_a_quiet_one_leaves_a_log(slotd, ports):
    payinv = Payinv(slotd, ports, options="""\
prepare=
  # first
  true
  if false; then
    echo never
  fi
  test -e /nowhere
  touch %D%/x
""")
    done = deploy(payinv)
    assert 'exit status 1 in line' in done.stdout and '"test -e /nowhere"' in done.stdout
    log = payinv.daemon.read("log/payinv-1.log").splitlines()
    assert "             | true" in log and log[-2] == "             | test -e /nowhere"
    assert log == done.stdout.splitlines()[:-1]
    entry = json.loads(payinv.daemon.ctl("history", "--json", check=True).stdout)[0]
    assert entry["step"] == "prepare" and "test -e /nowhere" in entry["why"]
    assert "FAILED in prepare: exit status 1" in payinv.daemon.ctl("history", check=True).stdout


def test_the_history_names_the_worker_that_failed(slotd, ports):
    payinv = Payinv(slotd, ports, health="exec test $SLOTD_SLOT = a",
                    options="ready_timeout=1\n")
    payinv.swap(status=10)
    wait_for(lambda: payinv.daemon.read("state/history"), "it is written")
    entry = json.loads(payinv.daemon.read("state/history"))
    assert entry["step"] == "gate" and entry["worker"].startswith("payinv-b_"), entry
    assert entry["worker"] in entry["why"]


def test_history_refuses_what_it_does_not_know(payinv):
    done = payinv.daemon.ctl("history", "payinw")
    assert done.returncode == 2 and "slotctl history payinv" in done.stderr
    done = payinv.daemon.ctl("history", "-x")
    assert done.returncode == 2 and 'unknown option "-x"' in done.stdout + done.stderr


def test_during_prepare_the_slot_shows_that_and_the_release_to_come(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=test -e %D%/go || read go < %D%/fifo\n",
                    start=False)
    os.mkfifo(payinv.daemon.dir / "fifo")
    payinv.daemon.start()
    payinv.wait_serving()
    under_way = threading.Thread(target=deploy, args=(payinv, "new1"))
    under_way.start()
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "prepare", "it prepares")
    shown = slot(payinv, "b")
    (payinv.daemon.dir / "fifo").write_text("go\n")
    under_way.join(60)
    assert (shown["note"], shown["release"]) == ("prepare", "new1")
    assert payinv.live() == "b"
