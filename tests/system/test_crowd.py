"""Many clients ask at once while workers crash: each gets a whole, right answer, and the workers are
restarted meanwhile."""

import os
import random
import re
import signal
import statistics
import threading
import time

import pytest

pytestmark = pytest.mark.plain_only  # a thousand workers and fifty clients at once

CALM, CRASHING = 980, 20
CLIENTS = 50

CONFIG = """
[program:calm]
command=/bin/sleep 1000
numprocs={calm}
process_name=%(program_name)s_%(process_num)04d
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE

[program:crashing]
command=/bin/sh -c 'echo $$ >%D%/starts; exec sleep 1000'
numprocs={crashing}
process_name=%(program_name)s_%(process_num)04d
startsecs=0
autorestart=true
stdout_logfile=NONE
stderr_logfile=NONE
"""

LINE = re.compile(r"(\w+:\w+) +(?:RUNNING +pid \d+, uptime \d:\d\d:\d\d"
                  r"|STARTING +|BACKOFF +.*|EXITED +\w{3} \d\d \d\d:\d\d [AP]M)")


class Crashes:
    """Kills one of the crashing workers after the other; how long each took to come back."""

    def __init__(self, starts):
        self.fd = os.open(starts, os.O_RDWR)
        self.live = self.read(CRASHING)
        self.took = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def read(self, n):
        got = b""
        while got.count(b"\n") < n:
            got += os.read(self.fd, 4096)
        return [int(pid) for pid in got.split()]

    def run(self):
        dice = random.Random(5)
        while not self.stopped.wait(0.05):
            pid = self.live.pop(dice.randrange(CRASHING))
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            self.live += self.read(1)
            self.took.append(time.monotonic() - killed)

    def stop(self):
        self.stopped.set()
        self.thread.join()
        os.close(self.fd)


def names_in(text):
    matches = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(matches), [line for line, m in zip(text.splitlines(), matches) if not m]
    return [m[1] for m in matches]


@pytest.mark.first
def test_a_crowd_gets_whole_answers_while_workers_restart(slotd, record_property):
    daemon = slotd(CONFIG.format(calm=CALM, crashing=CRASHING), start=False)
    os.mkfifo(daemon.dir / "starts")
    daemon.start()
    crashes = Crashes(daemon.dir / "starts")
    crashes.thread.start()
    try:
        answers = []
        threads = [threading.Thread(target=lambda ask=ask: answers.append(ask("status")))
                   for _ in range(CLIENTS // 2) for ask in (daemon.ctl, daemon.supervisorctl)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(120)
    finally:
        crashes.stop()
    wanted = [f"calm:calm_{i:04d}" for i in range(CALM)] + \
             [f"crashing:crashing_{i:04d}" for i in range(CRASHING)]
    assert len(answers) == CLIENTS
    for done in answers:
        assert names_in(done.stdout) == wanted and not done.stderr and done.returncode in (0, 3)
    restarts = sum(row["restarts"] for row in daemon.status()["workers"])
    assert restarts >= len(crashes.took) >= 5
    record_property("figures", f"crash to restart while {CLIENTS} clients ask for the status of "
                    f"{CALM + CRASHING}: median {statistics.median(crashes.took) * 1000:.1f} ms, worst "
                    f"{max(crashes.took) * 1000:.0f} ms of {len(crashes.took)}")
