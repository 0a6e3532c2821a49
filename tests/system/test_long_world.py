"""The main job beside what stands around it on a real server, at full length: Apache in front, an
application that breaks late, workers that are killed all the time."""

import collections
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from harness.apps import APPS, PYTHON, gunicorn_slot, service, two_gunicorn_slots, two_slots
from harness.daemon import COLD
from harness.measured import MeasuredLoad
from harness.procs import wait_for

from test_adopt_load import Posts

pytestmark = pytest.mark.long

APACHE = """\
ServerRoot {dir}
PidFile {dir}/pid
ErrorLog {dir}/error.log
LogLevel warn
Mutex file:{dir}
Listen {front}
ServerName localhost
{modules}
ProxyPass / http://{back}/
ProxyPreserveHost On
"""
MODULES = Path("/usr/lib/apache2/modules")


def listens(host, port):
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def apache(tmp_path):
    """apache(front, back): one site with ProxyPass and mod_proxy's defaults; ended after the test."""
    if not shutil.which("apache2"):
        pytest.skip("apache2 is not installed")
    started = []

    def start(front, back):
        tmp_path.chmod(0o755)
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so"
                            for name in ("mpm_event", "authz_core", "proxy", "proxy_http"))
        if os.geteuid() == 0:
            modules += "\nUser www-data\nGroup www-data"
        config = tmp_path / "apache.conf"
        config.write_text(APACHE.format(dir=tmp_path, front=front, back=back, modules=modules))
        started.append(subprocess.Popen(["apache2", "-DFOREGROUND", "-f",
                                         str(config)], stdin=subprocess.DEVNULL))
        host, port = front.split(":")
        wait_for(lambda: listens(host, int(port)), "Apache listens", 20)

    yield start
    for process in started:
        process.terminate()
        process.wait(30)


def test_twenty_swaps_behind_apache_fail_no_request(slotd, ports, apache, record_property):
    listen, front = (f"127.0.0.1:{ports.one()}" for _ in range(2))
    daemon = slotd(two_gunicorn_slots("payinv", listen, ports.run(5), ports.run(5),
                                      "-k gthread --threads 4"))
    apache(front, listen)
    load = MeasuredLoad(front, new=4, kept=2, slow=2)
    drained = []
    try:
        time.sleep(1)
        for _ in range(20):
            old = daemon.service("payinv")["live"]
            daemon.ctl("swap", "payinv", check=True, timeout=180)
            began = time.monotonic()
            wait_for(lambda: daemon.slot("payinv", old)["state"] == COLD, "the old slot stops", 60)
            drained.append(time.monotonic() - began)
    finally:
        load.stop()
    assert not load.failed(), load.counts()
    figures = (f"behind Apache: 20 swaps, {len(load.requests)} requests, 0 failed; its pool kept "
               f"the old slot {max(drained):.1f} s at most")
    record_property("figures", figures)
    print(figures)


def test_an_application_that_breaks_late_never_goes_live(slotd, ports, tmp_path):
    """gunicorn listens while its application sleeps 3 s at import, then raises."""
    (tmp_path / "broken.py").write_text(
        "import time\ntime.sleep(3)\nraise RuntimeError('no database')\n")
    tmp_path.chmod(0o755)
    listen = f"127.0.0.1:{ports.one()}"
    bad = gunicorn_slot("payinv-b", ports.run(2), "b").replace(
        "payinv.wsgi:application", f"--chdir {tmp_path} broken:application")
    daemon = slotd(gunicorn_slot("payinv-a", ports.run(2), "a") + bad
                   + service("payinv", listen, "health_host=payinv.example\nready_timeout=15\n"))
    load = MeasuredLoad(listen, new=2, kept=1, slow=0)
    try:
        done = daemon.ctl("swap", "payinv", timeout=120)
    finally:
        load.stop()
    assert done.returncode == 10, done.stdout + done.stderr
    assert "NOTHING SWAPPED" in done.stdout + done.stderr
    assert daemon.service("payinv")["live"] == "a"
    assert not load.failed() and {r.slot for r in load.requests} == {"a"}, load.counts()


def test_a_killed_group_each_second_fails_no_get(slotd, ports, record_property):
    listen, seconds = f"127.0.0.1:{ports.one()}", 30
    daemon = slotd(two_slots("payinv", listen, ports.run(5), ports.run(5),
                             program="stopasgroup=true\nkillasgroup=true\n"))
    load = MeasuredLoad(listen, new=6, kept=0, slow=0)
    try:
        for _ in range(seconds):
            time.sleep(1)
            pids = [w["pid"] for w in daemon.status()["workers"] if w["pid"]]
            if pids:
                os.killpg(random.choice(pids), signal.SIGKILL)
    finally:
        load.stop()
    counts = load.counts()
    assert not [r for r in load.requests if r.outcome == "refused"], counts
    # What a killed worker had in hand went to another one (retry=safe).
    assert not load.failed(), counts
    retried = sum(slot["retried"] for slot in daemon.service("payinv")["slots"])
    figures = (f"a worker's group killed each second for {seconds} s: {len(load.requests)} "
               f"requests, 0 failed, {retried} sent to a second worker")
    record_property("figures", figures)
    print(figures)


CHARGES = """
[program:pay-{slot}]
command={python} {apps}/charge.py %(process_num)d %D%/charges %D%/seen
process_name=%(program_name)s_%(process_num)d
numprocs=5
numprocs_start={port}
startsecs=0
"""


def test_a_killed_group_each_second_loses_only_posts_that_a_worker_had_read(slotd, ports,
                                                                           record_property):
    public, seconds = ports.one(), 30
    text = "".join(CHARGES.format(slot=slot, python=PYTHON, apps=APPS, port=ports.run(5)[0])
                   for slot in "ab")
    daemon = slotd(text + service("pay", f"127.0.0.1:{public}", health="tcp"), start=False)
    for name in ("charges", "seen"):
        (daemon.dir / name).touch()
    daemon.start()
    wait_for(lambda: daemon.slot("pay", "a")["ready"] == 5, "all are ready")
    with Posts(public, 6) as posts:
        for _ in range(seconds):
            time.sleep(1)
            pids = [w["pid"] for w in daemon.status()["workers"] if w["pid"]]
            if pids:
                os.killpg(random.choice(pids), signal.SIGKILL)
    done = collections.Counter(daemon.read("charges").split())
    lost = [target for target, ok in posts.results if not ok]
    # Whether a worker had read it is what the worker itself has written down, right before it did so.
    # Of one that comes in two pieces (Posts) slotd cannot know whether the first one was read.
    unread = set(lost) - set(daemon.read("seen").split())
    assert [target for target in unread if int(target.split("-")[1]) % 2 == 0] == []
    assert [target for target in lost if done[target] > 1] == []
    assert [target for target, ok in posts.results if ok and done[target] != 1] == []
    retried = sum(slot["retried"] for slot in daemon.service("pay")["slots"])
    figures = (f"a worker's group killed each second for {seconds} s: {len(posts.results)} POSTs, "
               f"{len(lost)} lost, {len(unread)} of them in two pieces of which a worker had read "
               f"one at most, the others read; none carried out twice, {retried} sent "
               f"to a second worker")
    record_property("figures", figures)
    print(figures)
