"""Event listeners written with Supervisor's Python childutils run under slotd."""

import ast
import time
from pathlib import Path

import pytest

from harness.apps import APPS, two_slots
from harness.procs import SLOW, wait_for

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


def pool(numprocs, cases, options):
    """Listeners of one pool: the cases of sh say how each number behaves."""
    return f"""
[eventlistener:pool]
command=/bin/sh -c 'case %(process_num)d in {cases} esac;
    exec {LISTENER} %D%/%(process_num)d.events $how'
process_name=%(program_name)s_%(process_num)d
numprocs={numprocs}
events=REMOTE_COMMUNICATION
startsecs=0
{options}
"""


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


CALL = 500  # events of one multicall
MANY = 10000 if SLOW == 1 else 2000


def send_many(daemon):
    calls = [{"methodName": "supervisor.sendRemoteCommEvent", "params": ["n", str(n)]}
             for n in range(CALL)]
    for _ in range(MANY // CALL):
        daemon.rpc.system.multicall(calls)


@pytest.mark.plain_only
def test_three_in_a_pool_share_thousands_of_events(slotd):
    daemon = slotd(pool(3, "", "buffer_size=10000\n"))
    send_many(daemon)

    def heard():
        return [line for n in range(3) for line in lines(daemon, str(n))]

    wait_for(lambda: len(heard()) == MANY, "all events are heard", 60)
    serials = [int(line.split()[1]) for line in heard()]
    assert sorted(serials) == list(range(min(serials), min(serials) + MANY))
    assert all(lines(daemon, str(n)) for n in range(3))


def test_a_pool_with_one_that_hangs_and_one_that_crashes_misses_no_event(slotd):
    daemon = slotd(pool(3, "0) how=hang;; 1) how=die;;", "autorestart=true\nbuffer_size=10000\n"))
    for n in (0, 2):
        daemon.wait_log(f"pool_{n}: ACKNOWLEDGED -> READY")
    send_many(daemon)
    wait_for(lambda: len(lines(daemon, "2")) >= MANY - 1, "the good one hears all but one", 60)
    daemon.wait_log("sent to listener pool_1")
    daemon.ctl("stop", "pool:pool_0", check=True)
    wait_for(lambda: len(lines(daemon, "2")) == MANY, "the last one comes back", 30)
    serials = [int(line.split()[1]) for line in lines(daemon, "2")]
    assert sorted(serials) == list(range(min(serials), min(serials) + MANY))


def test_what_a_crashed_listener_had_in_hand_goes_to_another_that_waits(slotd):
    daemon = slotd(pool(2, "0) how=die;;", "autorestart=false\n"))
    for n in range(2):
        daemon.wait_log(f"pool_{n}: ACKNOWLEDGED -> READY")
    daemon.rpc.supervisor.sendRemoteCommEvent("kind", "data")
    wait_for(lambda: lines(daemon, "1"), "the other one is told")
    daemon.wait_state("pool:pool_0", "EXITED")


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
    for text in "channel:stdout\\nplain", "secret":
        wait_for(lambda text=text: text in "\n".join(lines(daemon, "ear")), f"{text!r} is told")
    assert "PROCESS_COMMUNICATION_STDOUT" in names(daemon, "ear")


def test_ticks_come_only_while_somebody_listens(slotd):
    daemon = slotd(listener("clock", "TICK_5"))
    began = time.time()
    wait_for(lambda: lines(daemon, "clock"), "a tick", 15)
    when = int(lines(daemon, "clock")[0].split("when:")[1].split("'")[0])
    assert when % 5 == 0 and began - 5 < when <= time.time()


def test_swaps_rollbacks_and_maintenance_are_told(slotd, ports):
    daemon = slotd(listener("ear", "SLOT") + two_slots(
        "payinv", f"127.0.0.1:{ports.one()}", ports.run(1), ports.run(1)))
    daemon.wait_state("ear", "RUNNING")
    daemon.ctl("swap", "payinv", check=True)
    daemon.ctl("rollback", "payinv", check=True)
    wait_for(lambda: len(lines(daemon, "ear")) == 2, "both are told")
    assert names(daemon, "ear") == ["SLOT_SWAPPED", "SLOT_ROLLED_BACK"]
    assert "servicename:payinv kind:swap live:b" in lines(daemon, "ear")[0]
    for command in ("pause", "resume", "offline", "online"):
        daemon.ctl(command, "payinv", check=True)
    wait_for(lambda: len(lines(daemon, "ear")) == 6, "these, too")
    assert names(daemon, "ear")[2:] == ["SLOT_PAUSED", "SLOT_RESUMED", "SLOT_OFFLINE",
                                        "SLOT_ONLINE"]


def test_groups_that_come_and_go_are_told(slotd):
    daemon = slotd(listener("ear", "PROCESS_GROUP") + PROGRAM)
    daemon.wait_state("ear", "RUNNING")
    daemon.rpc.supervisor.removeProcessGroup("web")
    daemon.rpc.supervisor.addProcessGroup("web")
    wait_for(lambda: names(daemon, "ear")[-2:] == ["PROCESS_GROUP_REMOVED", "PROCESS_GROUP_ADDED"],
             "both are told")


PLAIN = f"/usr/bin/python3 {APPS}/plain_listener.py"


def told(daemon, name):
    return [ast.literal_eval(line) for line in lines(daemon, name)]


def test_a_listener_hears_of_the_shutdown_before_it_is_stopped(slotd):
    daemon = slotd(f"""
[eventlistener:ear]
command={PLAIN} %D%/ear.events
events=PROCESS_STATE,SUPERVISOR_STATE_CHANGE
startsecs=0
""" + PROGRAM.replace("autostart=false", "numprocs=3\nprocess_name=web_%(process_num)d"))
    wait_for(lambda: sum("STATE_RUNNING" in line for line, _ in told(daemon, "ear")) == 4,
             "all runs")
    assert daemon.end() == 0
    heard = [line.split("eventname:")[1].split()[0] for line, _ in told(daemon, "ear")]
    assert heard[0] == "SUPERVISOR_STATE_CHANGE_RUNNING"
    assert heard.count("SUPERVISOR_STATE_CHANGE_STOPPING") == 1
    assert heard.count("PROCESS_STATE_STOPPED") == 3


def test_a_listener_that_hangs_does_not_hold_the_shutdown(slotd):
    daemon = slotd(listener("hung", "EVENT", "hang"))
    daemon.wait_log("sent to listener hung")
    assert daemon.end(5) == 0


def test_a_full_buffer_is_told_and_drops_the_oldest(slotd):
    daemon = slotd(listener("hung", "REMOTE_COMMUNICATION", "hang").replace("20000", "2"))
    daemon.wait_state("hung", "RUNNING")
    daemon.wait_log("hung: ACKNOWLEDGED -> READY")
    for n in range(4):
        daemon.rpc.supervisor.sendRemoteCommEvent("n", str(n))
    daemon.wait_log("ERRO pool hung event buffer overflowed, discarding event 1")


@pytest.mark.parametrize("said, log", [
    ("rubbish before READY\\n", "liar: has entered the UNKNOWN state"),
    ("READY\\nand more", "liar: has entered the UNKNOWN state"),
    ("READY\\n@RESULT x\\n", "liar: bad result line: 'RESULT x'"),
    ("READY\\n@RESULT 999999999999999999999\\n", "liar: bad result line: 'RESULT 9"),
    ("READY\\n@RESULT 4\\nOKREADY\\n", "liar: event was rejected"),
    ("READY\\n@RESULT 1\\nOKREADY\\n", "liar: event was rejected"),
    ("READY\\n@" + "x" * 1000, "liar: bad result line: 'xxx"),
])
def test_a_liar_is_found_out_and_harms_nobody(slotd, said, log):
    before, _, after = said.partition("@")
    daemon = slotd(listener("good", "REMOTE_COMMUNICATION") + f"""
[eventlistener:liar]
command=/bin/sh -c 'printf "{before}"; read line; printf "{after}"; exec sleep 1000'
events=REMOTE_COMMUNICATION
startsecs=0
""")
    daemon.wait_state("good", "RUNNING")
    daemon.wait_state("liar", "RUNNING")
    for n in range(3):
        daemon.rpc.supervisor.sendRemoteCommEvent("n", str(n))
    daemon.wait_log(log)
    wait_for(lambda: len(lines(daemon, "good")) == 3, "the good one is told all")
    assert daemon.info("liar")["statename"] == "RUNNING"


def test_supervisor_stdouts_handler_prints_what_programs_say(slotd):
    daemon = slotd(f"""
[eventlistener:stdout]
command={PLAIN} %D%/events echo
events=PROCESS_LOG
startsecs=0
buffer_size=100
result_handler=supervisor_stdout:event_handler
[program:talker]
command=/bin/sh -c 'printf "one\\ntwo\\n"; sleep 0.2; echo oops >&2; printf half; exec sleep 1000'
autostart=false
startsecs=0
stdout_events_enabled=true
stderr_events_enabled=true
""")
    daemon.wait_state("stdout", "RUNNING")
    daemon.ctl("start", "talker", check=True)
    for line in ["talker stdout | one\ntalker stdout | two\n", "talker stderr | oops\n",
                 "talker stdout | half\n"]:
        wait_for(lambda line=line: line in daemon.stderr(), f"{line!r} is on slotd's stdout")
    assert "result_handler" not in daemon.log()


def test_a_foreign_handler_is_warned_of_and_takes_every_result(slotd):
    daemon = slotd(f"""
[eventlistener:mine]
command={PLAIN} %D%/mine.events what-I-think
events=REMOTE_COMMUNICATION
startsecs=0
result_handler=mine:handler
""")
    daemon.wait_log("[eventlistener:mine] result_handler: mine:handler is Python")
    daemon.wait_state("mine", "RUNNING")
    for n in range(2):
        daemon.rpc.supervisor.sendRemoteCommEvent("n", str(n))
    wait_for(lambda: len(told(daemon, "mine")) == 2, "both are told, once each")


def test_a_reload_applies_what_a_listener_wants(slotd):
    def config(events, size, kind="eventlistener"):
        return f"""
[supervisord]
identifier={events.lower()}
[{kind}:ear]
command={PLAIN} %D%/ear.events
events={events}
startsecs=0
buffer_size=50
[eventlistener:idle]
command=/bin/cat
events=REMOTE_COMMUNICATION
startsecs=0
buffer_size={size}
"""

    daemon = slotd(config("PROCESS_STATE", 2))
    daemon.write_config(config("REMOTE_COMMUNICATION", 4))
    daemon.ctl("reload", check=True)
    wait_for(lambda: "ear: ACKNOWLEDGED -> READY" in daemon.log().split("was reloaded")[-1],
             "the listener was restarted")
    for n in range(5):
        daemon.rpc.supervisor.sendRemoteCommEvent("n", str(n))
    wait_for(lambda: [payload for _, payload in told(daemon, "ear")][-5:] == [
        f"type:n\n{n}" for n in range(5)], "it is told what it now wants")
    assert "server:remote_communication " in told(daemon, "ear")[-1][0]
    daemon.wait_log("pool idle event buffer overflowed")
    assert daemon.log().count("pool idle event buffer overflowed") == 1
    daemon.write_config(config("REMOTE_COMMUNICATION", 4, "program"))
    daemon.ctl("reload", check=True)
    daemon.wait_log("stopped: ear")
    daemon.rpc.supervisor.sendRemoteCommEvent("n", "nobody")
    assert daemon.status()


SCRIPTS = "/usr/bin/python3 /usr/lib/python3/dist-packages/supervisor/scripts"


@pytest.mark.skipif(not Path(SCRIPTS.split()[1]).exists(), reason="supervisor is not installed")
def test_the_listeners_that_come_with_supervisor_work(slotd):
    daemon = slotd(f"""
[unix_http_server]
file=%D%/sock
[eventlistener:sample]
command={SCRIPTS}/sample_eventlistener.py
events=REMOTE_COMMUNICATION
startsecs=0
stderr_logfile=%D%/sample.err
[eventlistener:exiting]
command={SCRIPTS}/sample_exiting_eventlistener.py
events=REMOTE_COMMUNICATION
startsecs=0
autorestart=true
stderr_logfile=%D%/exiting.err
[eventlistener:loop]
command={SCRIPTS}/loop_listener.py
events=PROCESS_COMMUNICATION
startsecs=0
[program:asking]
command=/bin/sh -c 'for i in 1 2 3; do {SCRIPTS}/sample_commevent.py 1000 & read x;
    echo "$x"; kill $!; done; exec cat'
startsecs=0
stdout_capture_maxbytes=1KB
stdout_logfile=%D%/asking.out
""")
    for name in ("sample", "exiting", "loop"):
        daemon.wait_state(name, "RUNNING")
    for n in range(3):
        daemon.rpc.supervisor.sendRemoteCommEvent("kind", str(n))
    for name in ("sample", "exiting"):
        wait_for(lambda name=name: [n for n in range(3) if f"type:kind\n{n}" in daemon.read(
            f"{name}.err")] == [0, 1, 2], f"{name} is told all")
    wait_for(lambda: daemon.read("asking.out").count("Got it yo") == 3, "it calls back each time")
