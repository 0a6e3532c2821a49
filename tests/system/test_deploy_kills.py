"""kill -9 of slotd in every phase of a deploy: a service for each phase, all killed at once."""

import json
import re
import socket

import pytest

from harness.apps import two_slots
from harness.load import once, try_once
from harness.procs import alive, wait_for

# Until somebody makes the file "go"; each run says who it is.
HELD = "  echo $$ >> %D%/{0}-pids\n  test -e %D%/go || exec sleep 600\n"
GATE = "exec test $SLOTD_SLOT = a -o ! -e %D%/gate-held"

# phase: (options, what the history says in the end, who is live)
PHASES = {
    "wait": ("drain_timeout=60\n", 0, "a"),
    "prepare": ("prepare=\n" + HELD, 10, "a"),
    "release": ("release_command=\n" + HELD + "  echo v9\n", 0, "b"),
    "start": ("", 0, "b"),
    "gate": ("", 0, "b"),
    "verify": ("verify=\n" + HELD, 0, "b"),
    "bake": ("bake=10\n", 0, "b"),
    "after_swap": ("after_swap=\n" + HELD, 0, "b"),
    "on_failure": ("verify=false\non_failure=\n" + HELD, 10, "a"),
    "drain": ("drain_timeout=60\n", 0, "b"),
}


class Services:
    def __init__(self, slotd, ports):
        self.port = {name: ports.one() for name in PHASES}
        text = ""
        for name, (options, _, _) in PHASES.items():
            one = two_slots(name, f"127.0.0.1:{self.port[name]}", [ports.one()], [ports.one()],
                            options=f"live_file=%D%/{name}-live\n" + options.format(name),
                            health=GATE if name == "gate" else "http /healthz")
            if name == "start":
                one = one.replace("startsecs=0", "startsecs=4")
            text += one
        self.daemon = slotd(text, start=False)
        (self.daemon.dir / "gate-held").touch()
        self.daemon.start()
        for name in PHASES:
            wait_for(lambda name=name: try_once(self.address(name)), f"{name} answers")

    def address(self, name):
        return "127.0.0.1", self.port[name]

    def step(self, name):
        return self.daemon.service(name)["step"]

    def hold_open(self, name):
        """A request that does not end: what is live now drains as long as it is there."""
        client = socket.create_connection(self.address(name))
        client.sendall(b"GET / HTTP/1.1\r\n")
        slot = self.daemon.service(name)["live"]
        wait_for(lambda: self.daemon.slot(name, slot)["active"], "it is placed")
        return client

    def lines(self, name):
        text = self.daemon.read("state/history")
        return [line for line in map(json.loads, text.splitlines()) if line["service"] == name]

    def begin(self):
        """Each in its own phase; returns what has to be closed, and what the history has."""
        deploy = self.daemon.rpc.slotd.deploy
        clients = [self.hold_open("wait")]
        deploy("wait", "r0")
        wait_for(lambda: self.daemon.service("wait")["live"] == "b", "it is swapped")
        clients.append(self.hold_open("drain"))
        for name in PHASES:
            if name not in ("wait", "start", "bake"):
                deploy(name, "" if name == "release" else "r1")
        wait_for(lambda: not self.daemon.service("wait").get("job"), "only its drain goes on")
        deploy("wait", "r1")
        for name in PHASES:
            if name not in ("start", "bake", "drain"):
                wait_for(lambda name=name: self.step(name) == name, f"{name} is in that phase", 60)
        wait_for(lambda: self.daemon.service("drain")["live"] == "b", "it drains")
        for name in ("bake", "start"):  # these two end by themselves
            deploy(name, "r1")
            wait_for(lambda name=name: self.step(name) == name, f"{name} is in that phase")
        return clients

    def kill_twice(self):
        daemon = self.daemon
        daemon.kill()
        daemon.start(wait=False)
        daemon.wait_log(f"supervisord started with pid {daemon.pid}")
        daemon.kill()
        (daemon.dir / "go").touch()
        (daemon.dir / "gate-held").unlink()
        daemon.start()

    def check(self, name, code, live):
        daemon, entry = self.daemon, self.lines(name)[-1]
        assert entry["code"] == code, entry
        assert len({line["job"] for line in self.lines(name)}) == len(self.lines(name))
        assert daemon.service(name)["live"] == live and once(self.address(name)).startswith(live)
        assert daemon.read(f"{name}-live").strip() == live
        assert json.loads(daemon.read("state/state.json"))["services"][name]["live"] == live
        assert not daemon.service(name).get("job") and not daemon.service(name)["step"]


@pytest.mark.plain_only
def test_killed_in_each_phase_a_deploy_is_finished_or_undone(slotd, ports):
    services = Services(slotd, ports)
    clients = services.begin()
    before = {name: len(services.lines(name)) for name in PHASES}
    services.kill_twice()
    daemon = services.daemon
    for client in clients:
        client.close()
    for name in PHASES:
        wanted = before[name] + (2 if name == "wait" and before[name] == 0 else 1)
        wait_for(lambda name=name, wanted=wanted: len(services.lines(name)) >= wanted,
                 f"{name} has its line", 60)
    for name, (_, code, live) in PHASES.items():
        wait_for(lambda name=name: not services.step(name), f"{name} is over")
        services.check(name, code, live)
    for name, said in (("prepare", "slotd was killed during prepare"),
                       ("on_failure", "exit status 1 in line 1")):
        assert said in services.lines(name)[-1]["why"], services.lines(name)
    assert "commands of after_swap failed" in services.lines("after_swap")[-1]["text"]
    assert services.lines("release")[-1]["release"] == "v9"
    for name in ("prepare", "release", "verify", "after_swap", "on_failure"):
        pids = daemon.read(f"{name}-pids").split()
        assert not any(alive(int(pid)) for pid in pids), f"commands of {name} run on"
        if name in ("prepare", "after_swap", "on_failure"):
            assert len(pids) == 1, f"commands of {name} ran twice"
    assert not re.search(r"Traceback|assert", daemon.log())
