"""Event listeners written with Supervisor's Python childutils run under slotd."""

import time

from harness.apps import APPS, two_slots
from harness.procs import wait_for

LISTENER = f"/usr/bin/python3 {APPS}/listener.py"


def listener(name, events, how="", options=""):
    return f"""
[eventlistener:{name}]
command={LISTENER} %D%/{name}.events {how}
events={events}
startsecs=0
buffer_size=20000
{options}
"""


def lines(daemon, name):
    return daemon.read(f"{name}.events").splitlines()


def names(daemon, name):
    return [line.split(" ", 1)[0] for line in lines(daemon, name)]


PROGRAM = """
[program:web]
command=/bin/cat
autostart=false
startsecs=0
"""


def test_a_listener_is_told_of_a_programs_life(slotd):
    daemon = slotd(listener("ear", "PROCESS_STATE,SUPERVISOR_STATE_CHANGE") + PROGRAM)
    daemon.ctl("start", "web", check=True)
    daemon.ctl("stop", "web", check=True)

    def told():
        return [line for line in lines(daemon, "ear") if "processname:web" in line]

    wait_for(lambda: len(told()) == 4, "four events of web")
    assert [line.split(" ", 1)[0] for line in told()] == [
        "PROCESS_STATE_STARTING", "PROCESS_STATE_RUNNING", "PROCESS_STATE_STOPPING",
        "PROCESS_STATE_STOPPED"]
    assert "groupname:web from_state:STOPPED tries:0" in told()[0]
    assert "from_state:STARTING pid:" in told()[1]
    assert names(daemon, "ear")[0] == "SUPERVISOR_STATE_CHANGE_RUNNING" or \
        "SUPERVISOR_STATE_CHANGE_RUNNING" in names(daemon, "ear")


def test_an_exit_says_whether_it_was_expected(slotd):
    daemon = slotd(listener("ear", "PROCESS_STATE_EXITED") + """
[program:bad]
command=/bin/sh -c 'exit 3'
startsecs=0
autorestart=false
autostart=false
""")
    daemon.ctl("start", "bad")
    wait_for(lambda: lines(daemon, "ear"), "the exit is told")
    assert "processname:bad groupname:bad from_state:RUNNING expected:0 pid:" in lines(
        daemon, "ear")[0]


def test_three_in_a_pool_share_ten_thousand_events(slotd):
    daemon = slotd(f"""
[eventlistener:pool]
command={LISTENER} %D%/%(program_name)s_%(process_num)d.events
process_name=%(program_name)s_%(process_num)d
numprocs=3
events=REMOTE_COMMUNICATION
startsecs=0
buffer_size=10000
""")
    rpc = daemon.rpc
    calls = [{"methodName": "supervisor.sendRemoteCommEvent", "params": ["n", str(n)]}
             for n in range(500)]
    for _ in range(20):
        rpc.system.multicall(calls)

    def heard():
        return [line for n in range(3) for line in lines(daemon, f"pool_{n}")]

    wait_for(lambda: len(heard()) == 10000, "all events are heard", 60)
    serials = [int(line.split()[1]) for line in heard()]
    assert sorted(serials) == list(range(min(serials), min(serials) + 10000))
    assert all(lines(daemon, f"pool_{n}") for n in range(3))


def test_one_that_hangs_and_one_that_lies_delay_nobody_else(slotd):
    daemon = slotd(listener("good", "PROCESS_STATE_RUNNING") + listener(
        "hung", "PROCESS_STATE_RUNNING", "hang") + listener("liar", "PROCESS_STATE_RUNNING", "lie")
        + PROGRAM)
    wait_for(lambda: daemon.info("good")["statename"] == "RUNNING", "the listeners run")
    for _ in range(3):
        daemon.ctl("start", "web", check=True)
        daemon.ctl("stop", "web", check=True)
    wait_for(lambda: sum("processname:web" in e for e in lines(daemon, "good")) == 3,
             "the good one is told")
    daemon.wait_log("liar: has entered the UNKNOWN state")
    assert not lines(daemon, "hung")


def test_a_listener_that_dies_or_refuses_gets_its_event_again(slotd):
    daemon = slotd(listener("dier", "REMOTE_COMMUNICATION", "die", "autorestart=false\n")
                   + listener("picky", "REMOTE_COMMUNICATION", "fail-once"))
    wait_for(lambda: daemon.info("picky")["statename"] == "RUNNING", "the listeners run")
    daemon.rpc.supervisor.sendRemoteCommEvent("kind", "data")
    wait_for(lambda: lines(daemon, "picky"), "it is heard at the second try")
    assert "'type:kind\\ndata'" in lines(daemon, "picky")[0]
    daemon.wait_state("dier", "EXITED")


def test_logged_and_captured_output_become_events(slotd):
    daemon = slotd(listener("ear", "PROCESS_LOG,PROCESS_COMMUNICATION") + """
[program:talker]
command=/bin/sh -c 'echo plain; echo "<!--XSUPERVISOR:BEGIN-->secret<!--XSUPERVISOR:END-->"; exec sleep 1000'
autostart=false
startsecs=0
stdout_events_enabled=true
stdout_capture_maxbytes=1MB
""")
    daemon.wait_state("ear", "RUNNING")
    daemon.ctl("start", "talker", check=True)
    wait_for(lambda: any(n == "PROCESS_COMMUNICATION_STDOUT" for n in names(daemon, "ear")),
             "the captured text is an event")
    said = "\n".join(lines(daemon, "ear"))
    assert "channel:stdout\\nplain" in said and "secret" in said


def test_ticks_come_only_while_somebody_listens(slotd):
    daemon = slotd(listener("clock", "TICK_5"))
    began = time.time()
    wait_for(lambda: lines(daemon, "clock"), "a tick", 15)
    when = int(lines(daemon, "clock")[0].split("when:")[1].split("'")[0])
    assert when % 5 == 0 and began - 5 < when <= time.time()


def test_swaps_and_rollbacks_are_told(slotd, ports):
    daemon = slotd(listener("ear", "SLOT") + two_slots(
        "payinv", f"127.0.0.1:{ports.one()}", ports.run(1), ports.run(1)))
    daemon.wait_state("ear", "RUNNING")
    daemon.ctl("swap", "payinv", check=True)
    daemon.ctl("rollback", "payinv", check=True)
    wait_for(lambda: len(lines(daemon, "ear")) == 2, "both are told")
    assert names(daemon, "ear") == ["SLOT_SWAPPED", "SLOT_ROLLED_BACK"]
    assert "servicename:payinv kind:swap live:b" in lines(daemon, "ear")[0]


def test_groups_that_come_and_go_are_told(slotd):
    daemon = slotd(listener("ear", "PROCESS_GROUP") + PROGRAM)
    daemon.wait_state("ear", "RUNNING")
    daemon.rpc.supervisor.removeProcessGroup("web")
    daemon.rpc.supervisor.addProcessGroup("web")
    wait_for(lambda: names(daemon, "ear")[-2:] == ["PROCESS_GROUP_REMOVED", "PROCESS_GROUP_ADDED"],
             "both are told")
