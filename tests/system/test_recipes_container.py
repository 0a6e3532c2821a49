"""examples/container: slotd as process 1, with the configuration and the compose file of the example."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from harness import procs
from harness.load import try_once
from harness.paths import ROOT, SLOTCTL, WEB
from harness.procs import wait_for

yaml = pytest.importorskip("yaml", reason="needs python3-yaml")
EXAMPLE = ROOT / "examples/container"
UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a pid namespace with several users is for root"),
    pytest.mark.skipif(subprocess.run([*UNSHARE, "true"], capture_output=True).returncode,
                       reason="no pid namespaces here"),
]

MIGRATE = "#!/bin/sh\necho migrated\n"
SERVE = f"#!/bin/sh\nexec {WEB} 127.0.0.1:$2 $1\n"
# Each run leaves an orphan that ends a moment later; a stop waits for the job at hand.
QUEUE = """#!/bin/bash
trap 'sleep 0.5; echo the job is done; exit 0' TERM
(sleep 0.2 & echo "orphan $!")
echo working
while :; do sleep 0.1 & wait $!; done
"""


def seconds(text):
    assert re.fullmatch(r"\d+s", text), text
    return int(text[:-1])


class Container:
    def __init__(self, slotd, ports):
        self.compose = yaml.safe_load((EXAMPLE / "compose.yaml").read_text())["services"]["web"]
        self.port, self.db = ports.one(), ports.one()
        self.daemon = daemon = slotd(start=False)
        for name in ("app", "run", "state", "state/log"):
            (daemon.dir / name).mkdir()
        for name, text in (("migrate", MIGRATE), ("web", SERVE), ("queue", QUEUE),
                           ("wait-for", (EXAMPLE / "wait-for").read_text())):
            (daemon.dir / "app" / name).write_text(text)
            (daemon.dir / "app" / name).chmod(0o755)
        config = (EXAMPLE / "slotd.conf").read_text()
        for old, new in (("/app/", f"{daemon.dir}/app/"), ("/run/slotd", f"{daemon.dir}/run"),
                         ("/state", f"{daemon.dir}/state"), ("db:5432 60", f"127.0.0.1:{self.db} 20"),
                         ("0.0.0.0:8000", f"127.0.0.1:{self.port}"),
                         ("8001-8002", "{}-{}".format(*ports.run(2))),
                         ("8101-8102", "{}-{}".format(*ports.run(2)))):
            assert old in config, old
            config = config.replace(old, new)
        daemon.write_config(config, head=False)
        assert self.compose["command"] == ["slotd", "-n"]
        daemon.start(wrap=UNSHARE)
        self.init, = procs.children(daemon.pid)  # slotd, as everybody outside sees it

    def output(self):
        return self.daemon.stderr()

    def healthy(self):
        """The healthcheck of compose.yaml, as Docker runs it."""
        shell, command = self.compose["healthcheck"]["test"]
        assert shell == "CMD-SHELL"
        command = command.replace("$$", "$").replace("/state/", f"{self.daemon.dir}/state/")
        command = command.replace("slotctl", f"{SLOTCTL} -c {self.daemon.config}")
        return subprocess.run(["sh", "-c", command], capture_output=True, timeout=60,
                              check=False).returncode == 0

    def zombies(self):
        return [pid for pid, row in procs.descendants(self.init).items() if row[1] == "Z"]


def test_slotd_is_process_1_of_a_container(slotd, ports):
    container = Container(slotd, ports)
    daemon, address = container.daemon, ("127.0.0.1", container.port)
    status = Path(f"/proc/{container.init}/status").read_text()
    assert re.search(r"^NSpid:.*\t1$", status, re.M), status
    assert procs.stays(lambda: "migrated" not in container.output(), 0.5), "the database is not there"
    assert not try_once(address, timeout=0.2)
    with socket.create_server(("127.0.0.1", container.db)):
        wait_for(lambda: "migrated" in container.output(), "what waited for the database starts")
        wait_for(lambda: try_once(address), "the service answers")
        wait_for(container.healthy, "the container is healthy")

        # What is left to process 1 is collected.
        wait_for(lambda: "orphan" in container.output() and "working" in container.output(),
                 "an orphan")
        text = container.output()
        assert "INFO spawned: 'queue'" in text and "listening on" in text
        wait_for(lambda: "reaped unknown pid" in container.output(), "the orphan is reaped")
        wait_for(lambda: not container.zombies(), "no zombie is left")

        daemon.ctl("stop", "queue", check=True)
        assert not container.healthy()
        daemon.ctl("start", "queue", check=True)
        done = daemon.ctl("deploy", "web", "r1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert try_once(address).startswith("b ") and container.healthy()

    began = time.monotonic()
    os.kill(container.init, signal.SIGTERM)
    grace = seconds(container.compose["stop_grace_period"])
    assert daemon.process.wait(grace) == 0
    assert time.monotonic() - began < grace
    assert container.output().count("the job is done") == 2, "it had its time"
    waits = re.findall(r"^stopwaitsecs=(\d+)", daemon.config.read_text(), re.M)
    assert grace > sum(map(int, waits)), "compose waits for all that may follow one another"
    last = container.output()
    assert last.index("stopped: web-b_") < last.rindex("stopped: queue"), "priority: needed, so last"


def test_wait_for_has_an_end():
    script = EXAMPLE / "wait-for"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        done = subprocess.run([script, f"127.0.0.1:{port}", "1", "echo", "ran"], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 1 and "within 1 s" in done.stderr and not done.stdout
        taken.listen()
        done = subprocess.run([script, f"127.0.0.1:{port}", "9", "echo", "ran", "a b"], timeout=60,
                              capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "ran a b\n"), done
    for wrong in (["nohost", "1", "true"], ["a:1", "soon", "true"], ["a:$(id)", "1", "true"], ["a:1", "1"]):
        done = subprocess.run([script, *wrong], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and "usage" in done.stderr, wrong
