"""One scenario under supervisord and under slotd: a listener is told the same, byte for byte.

Serials, pids and times are taken out first; what happens to two processes at once may be told in
either order, so each process's events are compared on their own.
"""

import ast
import re
from collections import defaultdict
from contextlib import suppress
from xmlrpc.client import Fault

import pytest

from harness.apps import APPS
from harness.procs import wait_for
from harness.reference import Supervisord

pytestmark = pytest.mark.plain_only  # beside a real supervisord, at its pace

CONFIG = f"""
[eventlistener:ear]
command=/usr/bin/python3 {APPS}/plain_listener.py %D%/ear.events
events=EVENT
startsecs=0
buffer_size=1000

[program:talker]
command=/bin/sh -c 'echo out; read x; echo err >&2; read x; printf "gr\\303\\274n\\n"; read x;
    printf "bad \\210\\n"; exec cat'
autostart=false
startsecs=0
stdout_events_enabled=true
stderr_events_enabled=true

[program:captured]
command=/bin/sh -c 'echo "this is longer than what is held back";
    printf "<!--XSUPERVISOR:BEGIN-->gr\\303\\274n<!--XSUPERVISOR:END-->"; exec cat'
autostart=false
startsecs=0
stdout_capture_maxbytes=1MB

[program:captured-err]
command=/bin/sh -c 'printf "<!--XSUPERVISOR:BEGIN-->0123456789<!--XSUPERVISOR:END-->" >&2; exec cat'
autostart=false
startsecs=0
stderr_capture_maxbytes=1MB

[program:quick]
command=/bin/false
startsecs=10
startretries=1
autostart=false

[program:missing]
command=/no/such/file
startretries=0

[program:good-end]
command=/bin/sh -c 'sleep 0.2; exit 2'
exitcodes=0,2
startsecs=0
autorestart=false
autostart=false

[program:bad-end]
command=/bin/sh -c 'sleep 0.2; exit 3'
startsecs=0
autorestart=false
autostart=false

[program:killed]
command=/bin/sh -c 'sleep 0.2; kill -9 $$'
startsecs=0
autorestart=false
autostart=false

[program:again]
command=/bin/false
startsecs=10
startretries=100
autostart=false

[program:cat]
command=/bin/cat
autostart=false

[program:many]
command=/bin/cat
numprocs=2
process_name=%(program_name)s_%(process_num)d
startsecs=0
"""

REMOTE = [("kind", "data"), ("gr\u00fcn", "\u20ac\n\n"), ("", ""), ("x y", "1\n2"), (1, 2),
          ("<&>", "a\tb")]


class Told:
    def __init__(self, daemon):
        self.path = daemon.dir / "ear.events"

    def all(self):
        return [ast.literal_eval(line) for line in self.path.read_text().splitlines()]

    def wait(self, name, *words, count=1):
        def there():
            return sum(f"eventname:{name} " in line and all(w in payload for w in words)
                       for line, payload in self.all()) >= count

        wait_for(there, f"{name} {words} is told", 40)


def play(daemon):
    rpc, told = daemon.rpc.supervisor, Told(daemon)
    wait_for(told.path.exists, "the listener runs")
    told.wait("PROCESS_STATE_FATAL", "processname:missing ")
    rpc.startProcess("talker")
    for n, line in enumerate(["out\n", "err\n", "gr\u00fcn\n"]):
        told.wait(f"PROCESS_LOG_STD{'ERR' if n == 1 else 'OUT'}", line)
        rpc.sendProcessStdin("talker", "go\n")
    told.wait("PROCESS_LOG_STDOUT", "Undecodable")
    rpc.stopProcess("talker")
    for name in ["captured", "captured-err"]:
        rpc.startProcess(name)
        told.wait("PROCESS_COMMUNICATION_STD" + ("ERR" if name.endswith("err") else "OUT"), name)
        rpc.stopProcess(name)
    for name in ["quick", "good-end", "bad-end", "killed", "again"]:
        with suppress(Fault):  # SPAWN_ERROR: it had ended before it was looked at
            rpc.startProcess(name, False)
    told.wait("PROCESS_STATE_FATAL", "processname:quick ")
    for name in ["good-end", "bad-end", "killed"]:
        told.wait("PROCESS_STATE_EXITED", f"processname:{name} ")
    rpc.stopProcess("again")
    rpc.startProcess("cat")
    rpc.stopProcess("cat")
    rpc.startProcess("cat", False)
    rpc.stopProcess("cat")
    for kind, data in REMOTE:
        rpc.sendRemoteCommEvent(kind, data)
    rpc.stopProcess("many:*")
    rpc.removeProcessGroup("many")
    rpc.addProcessGroup("many")
    told.wait("PROCESS_STATE_RUNNING", "processname:many_1 ", count=2)
    told.wait("TICK_5")
    return told.all()


def by_process(events):
    sorted_out = defaultdict(list)
    for line, payload in events:
        head = re.fullmatch(r"ver:3.0 server:supervisor serial:\d+ pool:ear poolserial:\d+ "
                            r"eventname:(\w+) len:(\d+)\n", line)
        assert head and int(head[2]) == len(payload), line
        payload = re.sub(r" pid:[1-9]\d*", " pid:N", re.sub(r"when:\d+", "when:N", payload))
        name = re.match(r"processname:(\S+)", payload)
        sorted_out[name[1] if name else head[1]].append((head[1], payload))
    sorted_out["TICK_5"] = set(sorted_out["TICK_5"])
    for several in ["TICK_60", "TICK_3600", "again"]:  # as many as the clock brings
        sorted_out.pop(several, None)
    return dict(sorted_out)


def test_a_listener_is_told_the_same(slotd):
    reference = Supervisord(CONFIG).start()
    try:
        theirs = by_process(play(reference))
    finally:
        reference.end()
    ours = by_process(play(slotd(CONFIG)))
    different = [f"{name}:\n  supervisord: {events}\n  slotd:       {ours.get(name)}"
                 for name, events in theirs.items() if ours.get(name) != events]
    assert not different, "\n".join(different)
    assert set(ours) == set(theirs)
