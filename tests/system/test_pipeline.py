"""What a deploy can say and be asked: a release's name, no way back, a dry run, old releases."""

import json
import os
import re
import socket
import threading

from harness.load import once
from harness.procs import wait_for
from test_bake import history
from test_services import Payinv


def ctl(payinv, *arguments):
    done = payinv.daemon.ctl(*arguments)
    return done.returncode, done.stdout + done.stderr


# ---- release_command, SLOTD_RESULT

def test_a_release_is_named_by_a_command_and_may_rule_out_a_way_back(slotd, ports):
    payinv = Payinv(slotd, ports, options="""live_file=%D%/live
prepare_directory=%D%
prepare=
  test -z "$SLOTD_RELEASE" || exit 0
  echo "rollback=no  drops the column" > "$SLOTD_RESULT"
  ls -ld "$(dirname "$SLOTD_RESULT")" > %D%/directory
  echo v7 > %D%/version
release_command=echo noise >&2; cat %D%/version; yes | head -100000
after_swap=echo $SLOTD_RELEASE > %D%/named
""")
    daemon = payinv.daemon
    code, text = ctl(payinv, "deploy", "payinv")
    assert code == 0, text
    assert re.search(r"^2/7 release +ok .* v7$", text, re.M), text
    assert "no way back: drops the column" in text and "| noise" in text, text
    assert "There is no way back." in text and "slotctl rollback" not in text, text
    assert daemon.read("directory").startswith("drwx------")
    assert not os.listdir(daemon.dir / "run" / "results")
    assert daemon.slot("payinv", "b")["release"] == "v7" and daemon.read("named") == "v7\n"
    entry = history(payinv, 1)[0]
    assert (entry["release"], entry["one_way"]) == ("v7", "drops the column")

    def refused():
        code, text = ctl(payinv, "rollback", "payinv")
        return code == 10 and "no way back from b (v7): drops the column" in text

    assert refused()
    daemon.kill()
    daemon.start()
    assert refused(), "a killed slotd forgot it"
    assert daemon.end() == 0
    daemon.start()
    payinv.wait_serving()
    assert refused(), "it is in no record"
    assert ctl(payinv, "rollback", "--force", "payinv")[0] == 0 and payinv.live() == "a"
    code, text = ctl(payinv, "deploy", "payinv", "v8")
    assert code == 0 and "release" not in text, text
    assert ctl(payinv, "rollback", "payinv")[0] == 0, "the next deploy has a way back"


def test_a_bake_without_a_way_back_fails_and_the_new_slot_stays(slotd, ports):
    payinv = Payinv(slotd, ports, health="exec test $SLOTD_SLOT = a -o ! -e %D%/bad",
                    options="prepare=echo rollback=no > $SLOTD_RESULT\nbake=10m\nhealth_fall=1\n"
                    "on_failure=echo $SLOTD_STEP > %D%/alert\n")
    results = []
    job = threading.Thread(target=lambda: results.append(ctl(payinv, "deploy", "payinv", "v1")))
    job.start()
    wait_for(lambda: payinv.daemon.service("payinv")["step"] == "bake", "the new slot is baked")
    assert ctl(payinv, "rollback", "payinv")[0] == 10, "not while it bakes either"
    payinv.daemon.kill()
    payinv.daemon.start()
    (payinv.daemon.dir / "bad").touch()
    job.join(60)
    code, text = results[0]
    assert code == 10 and "NOT FLIPPED BACK: b (v1) is live. There is no way back: " in text, text
    assert payinv.live() == "b" and payinv.daemon.read("alert") == "bake\n"


# ---- the dry run

def test_a_dry_run_shows_everything_and_does_nothing(slotd, ports):
    payinv = Payinv(slotd, ports, options="""prepare_directory=%D%
prepare=
  touch %D%/ran
  secret=hunter2 true
verify=touch %D%/ran
min_free=1K
bake=5
""")
    daemon = payinv.daemon
    code, text = ctl(payinv, "deploy", "--dry-run", "payinv", "v1")
    assert code == 0 and text.splitlines()[-1] == "It would begin.", text
    assert "payinv: a is live; a deploy would go into b\nrelease: v1\n" in text
    assert re.search(r"^steps: prepare \(at most 1h 0m\), start \(at most [^)]*\), gate, verify "
                     r"\(at most 5m00s\), swap, bake \([^)]*\), drain", text, re.M), text
    assert f"prepare:\n    touch {daemon.dir}/ran\n" in text
    assert re.search(r"^user: ", text, re.M) and f"directory: {daemon.dir}\n" in text
    names = re.search(r"^environment: (.*)$", text, re.M).group(1).split()
    assert {"PATH", "SLOTD_RELEASE", "SLOTD_RESULT", "SLOTD_SLOT", "SLOTD_JOB"} <= set(names)
    assert not any("=" in name for name in names) and names == sorted(names)
    assert re.search(rf"^disk: {daemon.dir} has \d+ MB free, min_free=0MB$", text, re.M), text
    for port in payinv.ports_b:
        assert f"port 127.0.0.1:{port}: free, for payinv-b_{port}" in text
    assert not (daemon.dir / "ran").exists() and payinv.live() == "a"
    assert daemon.read("state/history") == "" and daemon.slot("payinv", "b")["release"] == ""
    lines = json.loads(daemon.ctl("deploy", "--dry-run", "--json", "payinv", check=True).stdout)
    assert lines["code"] == 0 and lines["lines"][1] == "release: without a name"


def test_a_dry_run_says_what_is_in_the_way(slotd, ports):
    payinv = Payinv(slotd, ports, options="prepare=read x < %D%/fifo\nprepare_directory=%D%\n"
                    "idle_keep=60\n", start=False)
    daemon = payinv.daemon
    os.mkfifo(daemon.dir / "fifo")
    daemon.start()
    payinv.wait_serving()
    with socket.create_server(("127.0.0.1", payinv.ports_b[0])):
        code, text = ctl(payinv, "deploy", "--dry-run", "payinv")
        assert code == 10, text
        assert re.search(rf"^It would fail: port 127.0.0.1:{payinv.ports_b[0]}: held by \S+ \(pid "
                         rf"{os.getpid()}\).*could not listen", text, re.M), text
    daemon.ctl("freeze", "payinv", "the", "audit", check=True)
    code, text = ctl(payinv, "deploy", "--dry-run", "payinv")
    assert code == 12 and "It would fail: payinv is frozen since" in text, text
    daemon.ctl("unfreeze", "payinv", check=True)
    job = threading.Thread(target=lambda: ctl(payinv, "deploy", "payinv"))
    job.start()
    wait_for(lambda: daemon.service("payinv")["step"] == "prepare", "it prepares")
    code, text = ctl(payinv, "deploy", "--dry-run", "payinv")
    assert code == 12 and 'deploy #1 by' in text and '"prepare"' in text, text
    (daemon.dir / "fifo").write_text("go\n")
    job.join(60)
    assert once(payinv.address).startswith("b ")
    assert ctl(payinv, "deploy", "--dry-run", "payinw")[0] == 2
    daemon.write_config(payinv.config.replace("prepare=read", "min_free=1000000GB\nprepare=read"))
    daemon.ctl("reload", check=True)
    code, text = ctl(payinv, "deploy", "--dry-run", "payinv")
    assert code == 10 and "It would fail: disk: " in text, text
    assert re.search(r"^port \S+: payinv-a_\d+ \(pid \d+\), which is stopped first$", text, re.M)


# ---- keep_releases

def test_old_releases_go_and_none_that_is_used(slotd, ports):
    payinv = Payinv(slotd, ports, options="""releases_directory=%D%/releases
keep_releases=2
prepare_directory=%D%/current-%(slot)s
prepare=true
[program:cron]
command=sleep 1000
directory=%D%/releases/of-cron
""", start=False)
    daemon = payinv.daemon
    releases = daemon.dir / "releases"
    releases.mkdir()
    for name in ("of-cron", "used-a", "used-b", "r1", "r2", "r3"):
        (releases / name / "deep").mkdir(parents=True)
        (releases / name / "deep" / "file").write_text(name)
    (daemon.dir / "precious").mkdir()
    (daemon.dir / "precious" / "file").touch()
    (releases / "r1" / "link").symlink_to(daemon.dir / "precious")
    for slot in "ab":
        (daemon.dir / f"current-{slot}").symlink_to(releases / f"used-{slot}")
    daemon.start()
    payinv.wait_serving()
    daemon.ctl("deploy", "payinv", "v1", check=True)
    wait_for(lambda: sorted(os.listdir(releases)) == ["of-cron", "r2", "r3", "used-a", "used-b"],
             "the oldest has gone")
    assert (daemon.dir / "precious" / "file").exists()
    daemon.wait_log("keep_releases: removed 1 release: r1")
