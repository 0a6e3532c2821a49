"""After the gate: workers that say how they are, restarts of unhealthy ones, verify again."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from harness import procs
from harness.load import Load, once
from harness.paths import SLOTCTL
from harness.procs import SLOW, wait_for
from test_adopt import next_slotd
from test_bake import baking, history
from test_services import Payinv
from test_spawn import spawner

NOTIFIER = {"app": "notifier.py", "arguments": "%D%"}
# Each worker of the slot answers something else than an error.
LOOK = ("for p in $SLOTD_PORTS; do /usr/bin/python3 -I -S -c \"import urllib.request as u; "
        "u.urlopen('http://127.0.0.1:'+'$p'+'/')\"; done")


def tell(port, path):
    """To that worker alone; what it answered."""
    return once(("127.0.0.1", port), path)


def say(port, text):
    return tell(port, "/say?" + text.replace("\n", "%0A").replace(" ", "%20"))


def pids(payinv, slot="a"):
    ports = payinv.ports_a if slot == "a" else payinv.ports_b
    return [payinv.daemon.info(payinv.worker(slot, i))["pid"] for i in range(len(ports))]


def healthy(payinv, slot="a"):
    ports = payinv.ports_a if slot == "a" else payinv.ports_b
    return [payinv.daemon.worker(payinv.worker(slot, i))["healthy"] for i in range(len(ports))]


def all_healthy(payinv, slot="a"):
    wait_for(lambda: all(healthy(payinv, slot)), f"all workers of {slot} are healthy")


def says(payinv, i, text, slot="a"):
    worker = payinv.worker(slot, i)
    wait_for(lambda: text in payinv.daemon.worker(worker)["says"], f"it says {text}")


@pytest.fixture
def notifying(slotd, ports):
    user = "user=nobody\n" if os.geteuid() == 0 else ""
    payinv = Payinv(slotd, ports, **NOTIFIER, program=user, health="notify",
                    options=f"live_file=%D%/live\nhealth_watchdog={SLOW}\nready_timeout=2\n")
    all_healthy(payinv)
    return payinv


def test_a_worker_says_itself_how_it_is(notifying):
    payinv, daemon = notifying, notifying.daemon
    before, first = pids(payinv), payinv.ports_a[0]
    with Load(payinv.address, clients=2, rate=20) as load:
        says(payinv, 0, f"serving on {first}")
        code, took, error = tell(first, "/tool?--status=busy%20now").split(" ", 2)
        assert code == "0" and float(took) < 4 * SLOW, (took, error)  # its barrier is answered
        says(payinv, 0, "busy now")
        say(first, "RELOADING=1")
        says(payinv, 0, "reloading: ")
        say(first, "READY=1\nMAINPID=1\nFDSTORE=1\nSTATUS=\x1b[31mred")
        says(payinv, 0, "?[31mred")
        daemon.wait_log("sent MAINPID=, which is refused")
        # Somebody else is not heard.
        subprocess.run(["systemd-notify", "--ready", "--status=I am it"], check=True,
                       env={**os.environ, "NOTIFY_SOCKET": str(daemon.dir / "run/notify.sock")})
        daemon.wait_log("not in the process group of any worker")
        assert "I am it" not in json.dumps(daemon.status())
        # One that is about to end gets nothing new.
        say(payinv.ports_a[1], "STOPPING=1")
        wait_for(lambda: healthy(payinv) == [True, False], "it is not healthy any more")
        n = len(load.requests)
        wait_for(lambda: len(load.requests) > n + 20, "there are more requests")
        late = [r.body for r in list(load.requests)[n + 4:]]
        assert late and all(str(first) in body for body in late), late
    assert not load.failed() and pids(payinv) == before


def test_words_outlive_slotd_and_a_late_worker_is_started_again(notifying):
    payinv, daemon = notifying, notifying.daemon
    before = pids(payinv)
    with Load(payinv.address, clients=2, rate=20) as load:
        say(payinv.ports_a[0], "STATUS=before")
        says(payinv, 0, "before")
        daemon.kill()
        say(payinv.ports_a[1], "STATUS=while slotd was away")
        time.sleep(1.5 * SLOW)  # longer than the watchdog
        next_slotd(daemon)
        says(payinv, 0, "before")
        says(payinv, 1, "while slotd was away")
        time.sleep(1.2 * SLOW)
        assert pids(payinv) == before and healthy(payinv) == [True, True]
        daemon.ctl("upgrade", check=True)
        say(payinv.ports_a[0], "STATUS=after")
        says(payinv, 0, "after")
        assert pids(payinv) == before
        os.unlink(daemon.dir / "run/notify.sock")
        wait_for(lambda: (daemon.dir / "run/notify.sock").exists(), "its name is made again")
        tell(payinv.ports_a[1], "/hang")
        wait_for(lambda: pids(payinv)[1] not in (before[1], 0), "a late worker is started again")
        all_healthy(payinv)
    assert re.search(r"sent no WATCHDOG=1 for", daemon.log())
    assert re.search(r"exited: payinv-a_\d+ \(terminated by SIGABRT", daemon.log())
    assert pids(payinv)[0] == before[0]
    assert len(load.failed()) <= 2, load.failed()[:5]  # what it had when it was aborted


STRANGER = """import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    for i in range(100):
        s.sendto(b"STATUS=me", sys.argv[1])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
def test_strangers_take_no_room_from_a_worker_that_starts(notifying):
    payinv, daemon = notifying, notifying.daemon
    stopped = spawner(daemon)
    os.kill(stopped, signal.SIGSTOP)
    asking = subprocess.Popen([SLOTCTL, "-c", daemon.config, "start", payinv.worker("b", 0)],
                              stdout=subprocess.DEVNULL)
    daemon.wait_state(payinv.worker("b", 0), "STARTING")
    many = [sys.executable, "-c", STRANGER, str(daemon.dir / "run/notify.sock")]
    subprocess.run(["setpriv", "--reuid=daemon", "--clear-groups", *many], check=True)
    daemon.wait_log("not in the process group of any worker")  # there is no room for the last ones
    assert daemon.info(payinv.worker("b", 0))["statename"] == "STARTING"  # not heard only after it
    os.kill(stopped, signal.SIGCONT)
    wait_for(lambda: healthy(payinv, "b")[0], "the worker's own word is heard")
    assert asking.wait(timeout=60) == 0


def test_a_gate_waits_for_ready_and_a_reload_to_notify_restarts_nothing(slotd, ports):
    payinv = Payinv(slotd, ports, **NOTIFIER, options="live_file=%D%/live\nready_timeout=2\n")
    daemon = payinv.daemon
    all_healthy(payinv)
    before = pids(payinv)
    config = payinv.config.replace("health=http /healthz", "health=notify")
    daemon.write_config(config)
    daemon.ctl("reload", check=True)
    (daemon.dir / "mute-b").touch()
    done = daemon.ctl("swap", "payinv")
    assert done.returncode == 10 and "has not sent READY=1" in done.stdout, done.stdout
    assert "NOTHING SWAPPED" in done.stdout and pids(payinv) == before
    assert healthy(payinv) == [True, True], "as they were last known"
    (daemon.dir / "mute-b").unlink()
    daemon.write_config(config.replace("ready_timeout=2", "ready_timeout=60"))
    daemon.ctl("reload", check=True)
    payinv.swap()
    assert payinv.live() == "b" and healthy(payinv, "b") == [True, True]


# ---- health_restart

def test_an_unhealthy_worker_is_left_out_and_restarted(slotd, ports):
    payinv = Payinv(slotd, ports, count=3, **NOTIFIER,
                    options="live_file=%D%/live\nhealth_fall=2\n")
    daemon = payinv.daemon
    bad = [daemon.dir / f"bad-{port}" for port in payinv.ports_a]
    all_healthy(payinv)
    before = pids(payinv)
    with Load(payinv.address, clients=2, rate=40, path="/none") as load:
        bad[0].touch()
        wait_for(lambda: healthy(payinv) == [False, True, True], "it is unhealthy")
        n = len(load.requests)
        wait_for(lambda: len(load.requests) > n + 40, "there are more requests")
        assert not any(str(payinv.ports_a[0]) in r.body for r in list(load.requests)[n + 4:])
        assert pids(payinv) == before  # off by default
        # Killed while it waits for the end of the worker that it restarts.
        (daemon.dir / "slow-a").touch()
        daemon.write_config(payinv.config.replace("fall=2", "fall=2\nhealth_restart=on"))
        daemon.ctl("reload", check=True)
        daemon.wait_state(payinv.worker("a", 0), "STOPPING")
        daemon.kill()
        (daemon.dir / "slow-a").unlink()
        bad[0].unlink()
        next_slotd(daemon)
        wait_for(lambda: pids(payinv)[0] not in (before[0], 0), "it is restarted")
        all_healthy(payinv)
        assert pids(payinv)[1:] == before[1:]
        # What all of them lack: one is restarted, and they go on.
        before = pids(payinv)
        for path in bad:
            path.touch()
        daemon.wait_log("no worker of the live slot is healthy: new connections go to all")
        wait_for(lambda: pids(payinv) != before and 0 not in pids(payinv), "one is restarted")
        time.sleep(1.5 * SLOW)
        assert sum(a != b for a, b in zip(before, pids(payinv))) == 1
        n = len(load.requests)
        wait_for(lambda: len(load.requests) > n + 40, "they are served")
    assert not load.failed(), load.failed()[:5]


# ---- verify_interval

def verified(slotd, ports, look=LOOK, options="verify_interval=200ms\n"):
    return Payinv(slotd, ports, **NOTIFIER, options=(
        f"live_file=%D%/live\nbake=10m\nverify=\n  {look}\n{options}"))


def test_a_release_that_answers_500_everywhere_is_left_again(slotd, ports):
    payinv = verified(slotd, ports)
    with Load(payinv.address, clients=2, rate=20, path="/healthz") as load:
        job = baking(payinv, "deploy", "payinv", "4f2c91e")
        time.sleep(0.5 * SLOW)
        assert payinv.daemon.service("payinv")["step"] == "bake" and payinv.live() == "b"
        (payinv.daemon.dir / "bad-b").touch()
        code, text = job.end()
        assert once(payinv.address).startswith("a ")
    assert code == 11 and not load.failed(), text
    assert re.search(r"^\d/\d bake +FAILED .* verify failed: exit status 1$", text, re.M), text
    assert "HTTP Error 500" in text and "FLIPPED BACK: a is live." in text
    told = history(payinv, 1)[0]
    assert (told["code"], told["step"]) == (11, "bake") and payinv.live_file() == "a"


@pytest.mark.parametrize("answering", [True, False])
def test_what_looks_at_the_preview_looks_at_the_new_slot_in_a_bake_too(slotd, ports, answering):
    look = f"echo $SLOTD_PREVIEW >> %D%/seen; {LOOK.replace('$SLOTD_PORTS', '${SLOTD_PREVIEW#*:}')}"
    preview = ports.one()
    payinv = verified(slotd, ports, look,
                      f"verify_interval=200ms\npreview_listen=127.0.0.1:{preview}\n")
    job = baking(payinv, "deploy", "payinv", "4f2c91e")
    if not answering:
        payinv.daemon.ctl("offline", "payinv", check=True)
    last = f"127.0.0.1:{payinv.address[1] if answering else payinv.ports_b[0]}"
    wait_for(lambda: payinv.daemon.read("seen").endswith(last + "\n"), "it looks at the new slot")
    assert payinv.daemon.read("seen").startswith(f"127.0.0.1:{preview}\n")
    (payinv.daemon.dir / "bad-b").touch()
    code, text = job.end()
    assert code == 11 and "HTTP Error 500" in text and payinv.live() == "a", text


def test_a_verify_that_hangs_is_ended_and_one_that_dies_with_slotd_is_run_again(slotd, ports):
    payinv = verified(slotd, ports, "test ! -e %D%/hang || { echo $$ > %D%/pid; sleep 1000; }",
                      f"verify_interval=100ms\nverify_timeout={2.5 * SLOW}\n")
    daemon = payinv.daemon

    def hangs():
        return int(daemon.read("pid") or 0)

    job = baking(payinv)
    (daemon.dir / "hang").touch()
    wait_for(hangs, "verify hangs")
    first = hangs()
    daemon.kill()
    next_slotd(daemon)
    assert job.end()[0] in (11, 13)
    wait_for(lambda: not procs.alive(first), "the former slotd's is ended")
    wait_for(lambda: payinv.live() == "a", "it is run again, and ended in its time", 60)
    second = hangs()
    assert second != first and not procs.alive(second)
    assert "verify took longer than verify_timeout" in history(payinv, 1)[0]["why"]
