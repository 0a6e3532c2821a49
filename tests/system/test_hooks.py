"""The commands of a deploy: verify before the flip, after_swap behind it, on_failure."""

import json
import re
import threading

from harness.daemon import COLD
from harness.load import once
from harness.procs import wait_for
from test_bake import history
from test_services import Payinv

TELL = 'env | grep ^SLOTD_ | sort > %D%/told-$SLOTD_KIND'


def deploy(payinv, *arguments, command="deploy"):
    done = payinv.daemon.ctl(command, "payinv", *arguments)
    return done.returncode, done.stdout + done.stderr


def told(payinv, kind):
    return dict(line.split("=", 1) for line in payinv.daemon.read(f"told-{kind}").splitlines())


def test_verify_looks_at_the_slot_before_the_swap(slotd, ports):
    payinv = Payinv(slotd, ports, options="verify=\n  " + TELL + """
  for port in $SLOTD_PORTS; do wget -q -O - http://127.0.0.1:$port/ | grep '^b '; done
  cat %D%/live > %D%/live-before || echo none > %D%/live-before
""")
    code, text = deploy(payinv, "r1")
    assert code == 0, text
    assert re.search(r"^3/5 verify +ok .*3 commands, log \S+payinv-1.log$", text, re.M), text
    assert re.search(r"^4/5 swap ", text, re.M), text
    assert payinv.daemon.read("live-before").strip() in ("a", "none") and payinv.live() == "b"
    seen = told(payinv, "deploy")
    assert (seen["SLOTD_SLOT"], seen["SLOTD_LIVE_SLOT"], seen["SLOTD_JOB"]) == ("b", "a", "1")
    assert seen["SLOTD_RELEASE"] == "r1"


def test_a_slot_that_is_not_verified_is_stopped_and_live_stays(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=true\nverify=\n  true\n  test -e %D%/good\n")
    code, text = deploy(payinv)
    assert code == 10 and "NOTHING SWAPPED: a is live." in text, text
    assert re.search(r'^4/6 verify +FAILED .*exit status 1 in line 2, "test -e \S+/good"', text,
                     re.M), text
    assert payinv.live() == "a" and once(payinv.address).startswith("a ")
    wait_for(lambda: payinv.daemon.slot("payinv", "b")["state"] == COLD, "what failed stops")
    assert history(payinv, 1)[0]["step"] == "verify"
    (payinv.daemon.dir / "good").touch()
    assert deploy(payinv)[0] == 0
    assert deploy(payinv, command="rollback")[0] == 0, "a warm slot is not verified again"


def test_verify_has_a_time_limit_and_can_be_aborted(slotd, ports):
    payinv = Payinv(slotd, ports, options="verify=sleep 600\nverify_timeout=0.3\n")
    code, text = deploy(payinv)
    assert code == 10 and "verify took longer than verify_timeout, 300 ms" in text, text
    payinv.daemon.write_config(payinv.config.replace("verify_timeout=0.3", "verify_timeout=0"))
    payinv.daemon.ctl("reload", check=True)
    results = []
    job = threading.Thread(target=lambda: results.append(deploy(payinv)))
    job.start()
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "verify", "it is verified")
    payinv.daemon.ctl("abort", "payinv", check=True)
    job.join(60)
    assert results[0][0] == 10 and "aborted by" in results[0][1]
    assert payinv.live() == "a"


def test_after_swap_runs_when_the_new_slot_stays_live(slotd, ports):
    payinv = Payinv(slotd, ports, options="live_file=%D%/live\nbake=0.2\nafter_swap=\n  " + TELL +
                    "\n  cat %D%/live > %D%/live-then\n")
    code, text = deploy(payinv, "r1")
    assert code == 0, text
    assert re.search(r"^5/6 after_swap +ok .*2 commands.*\n6/6 drain ", text,
                     re.M), text
    assert payinv.daemon.read("live-then").strip() == "b"
    assert told(payinv, "deploy")["SLOTD_LIVE_SLOT"] == "b"
    assert deploy(payinv, command="rollback")[0] == 0
    seen = told(payinv, "rollback")
    assert (seen["SLOTD_SLOT"], seen["SLOTD_LIVE_SLOT"]) == ("a", "a")


def test_after_swap_that_fails_is_told_and_changes_nothing(slotd, ports):
    payinv = Payinv(slotd, ports, options="after_swap=false\n")
    code, text = deploy(payinv)
    assert code == 0, text
    assert re.search(r'^4/5 after_swap +FAILED .*exit status 1 in line 1, "false"', text, re.M), text
    assert "b is live. The commands of after_swap failed." in text
    assert payinv.live() == "b"
    assert "after_swap failed" in history(payinv, 1)[0]["text"]


def test_on_failure_gets_the_reason_and_the_lock_is_free_after_it(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=echo no good >&2; exit 7\non_failure=\n  " +
                    TELL + "\n  echo cleaned\n")
    code, text = deploy(payinv, "r1")
    assert code == 10 and "NOTHING SWAPPED: a is live." in text, text
    assert re.search(r"^1/5 prepare +FAILED ", text, re.M), text
    assert re.search(r"^    on_failure ok  .*2 commands", text, re.M), text
    assert "| cleaned" in text and text.count("FAILED") == 1
    seen = told(payinv, "deploy")
    assert seen["SLOTD_STEP"] == "prepare" and seen["SLOTD_ERROR"].startswith("exit status 7")
    assert (seen["SLOTD_SLOT"], seen["SLOTD_LIVE_SLOT"]) == ("b", "a")
    entry = history(payinv, 1)[0]
    assert (entry["step"], entry["code"]) == ("prepare", 10) and "exit status 7" in entry["why"]
    assert deploy(payinv, command="swap")[0] == 0, "the lock is free"


def test_on_failure_runs_after_a_bake_flipped_back(slotd, ports):
    payinv = Payinv(slotd, ports, health="exec test $SLOTD_SLOT = a -o ! -e %D%/bad",
                    options="bake=10m\nhealth_fall=1\nafter_swap=touch %D%/after\non_failure=" +
                    TELL + "; exit 3\n")
    results = []
    job = threading.Thread(target=lambda: results.append(deploy(payinv, "r1")))
    job.start()
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "bake", "the new slot is baked")
    for name in payinv.worker("b", 0), payinv.worker("b", 1):
        wait_for(lambda name=name: "listening" in payinv.daemon.ctl("tail", name).stdout, "listens")
    (payinv.daemon.dir / "bad").touch()
    job.join(60)
    code, text = results[0]
    assert code == 11 and "FLIPPED BACK: a is live." in text, text
    assert re.search(r"bake +last lines of payinv-b_\d+:\n +\| listening on [\d.:]+\n", text), text
    assert re.search(r"^    on_failure FAILED .*exit status 3", text, re.M), text
    seen = told(payinv, "deploy")
    assert (seen["SLOTD_SLOT"], seen["SLOTD_LIVE_SLOT"]) == ("b", "a")
    assert seen["SLOTD_STEP"] == "bake" and "failed its check" in seen["SLOTD_ERROR"]
    assert not (payinv.daemon.dir / "after").exists()
    assert json.loads(payinv.daemon.ctl("history", "--json", check=True).stdout)[0]["code"] == 11


def test_the_last_lines_of_what_failed_stand_before_on_failure(slotd, ports):
    payinv = Payinv(slotd, ports, 1, options="on_failure=echo cleaned\n", program=(
        "startretries=0\nstartsecs=1\n"
        "command=sh -c 'echo one; echo two; case %(program_name)s in *-a) exec sleep 600;; esac; "
        "exit 3'\n"),
        health="exec true", start=False)
    payinv.daemon.start()
    bar = " " * 13 + "| "
    deploy(payinv)  # its worker has printed something from here on
    wait_for(lambda: "two" in payinv.daemon.ctl("tail", payinv.worker("b", 0)).stdout, "its log")
    for _ in range(3):  # whoever is faster, it is so each time
        wait_for(lambda: payinv.daemon.slot("payinv", "b")["state"] == COLD, "what failed stops")
        code, text = deploy(payinv)
        assert code == 10, text
        lines = [re.sub(r"  \d.*", "", line) for line in text.splitlines()]
        failed = next(i for i, line in enumerate(lines) if line.startswith("1/4 start    FAILED"))
        begins = lines.index("    on_failure begins")
        assert re.fullmatch(r"    start    last lines of payinv-b_\d+:", lines[failed + 1]), text
        assert set(lines[failed + 2:begins]) == {bar + "one", bar + "two"}, text
        assert lines[begins + 1:] == [bar + "echo cleaned", bar + "cleaned", "    on_failure ok",
                                      "NOTHING SWAPPED: a is live."], text


def test_hooks_of_a_slotd_that_was_killed(slotd, ports):
    payinv = Payinv(slotd, ports, options="after_swap=\n  touch %D%/begun\n  sleep 600\n")
    results = []
    job = threading.Thread(target=lambda: results.append(deploy(payinv)))
    job.start()
    wait_for(lambda: (payinv.daemon.dir / "begun").exists(), "after_swap runs")
    payinv.daemon.kill()
    payinv.daemon.start()
    job.join(60)
    code, text = results[0]
    assert code == 0 and "slotd was killed during after_swap" in text, text
    assert payinv.live() == "b" and once(payinv.address).startswith("b ")


def test_a_deploy_needs_its_free_space_before_it_changes_anything(slotd, ports):
    payinv = Payinv(slotd, ports, options="min_free=1000000GB\nprepare=touch %D%/prepared\n"
                    "prepare_directory=%D%\n")
    code, text = deploy(payinv)
    assert code == 10, text
    assert re.search(r"FAILED .* \S+ has \d+ MB free, less than min_free=1024000000MB", text), text
    assert not (payinv.daemon.dir / "prepared").exists() and payinv.live() == "a"
    payinv.daemon.write_config(payinv.config.replace("1000000GB", "1KB"))
    payinv.daemon.ctl("reload", check=True)
    assert deploy(payinv)[0] == 0
