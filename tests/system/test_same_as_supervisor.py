"""One scenario, played to the real supervisord and to slotd: the same answers, to the character.

What may differ is taken out first (pids, times, private directories); the rest must be equal. A
difference that is meant is in slotd-supervisor(7) and in DIFFERENT here.
"""

import os
import re
import signal
import subprocess
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.paths import SLOTD
from harness.procs import wait_for
from harness.reference import SUPERVISORD, Supervisord

pytestmark = pytest.mark.plain_only  # beside a real supervisord, at its pace

CONFIG = """
[program:cat]
command=/bin/cat
startsecs=0
autorestart=true

[program:manual]
command=/bin/cat
autostart=false
startsecs=0

[program:talk]
command=/bin/sh -c 'echo out one; echo out two; echo err one >&2; exec sleep 1000'
startsecs=0
stdout_logfile=%D%/talk.out
stderr_logfile=%D%/talk.err

[program:missing]
command=/nonexistent/program
startretries=0

[program:notexec]
command=%D%/supervisord.conf.not
autostart=false

[program:quick]
command=/bin/false
startretries=0
startsecs=1

[program:once]
command=/bin/sh -c 'sleep 0.5; exit 3'
startsecs=0
autorestart=false
exitcodes=0,3

[program:many]
command=/bin/cat
numprocs=3
process_name=%(program_name)s_%(process_num)02d
startsecs=0

[program:left]
command=/bin/cat
startsecs=0
[program:right]
command=/bin/cat
startsecs=0
priority=5
[group:pair]
programs=left,right
priority=20

[program:quiet]
command=/bin/cat
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
"""

NEW_CONFIG = CONFIG.replace("[program:quiet]\ncommand=/bin/cat",
                            "[program:quiet]\ncommand=/bin/cat -u") + """
[program:added]
command=/bin/cat
startsecs=0
"""

TRANSIENT = {"STARTING", "BACKOFF", "STOPPING"}
# autostart=false, or its file is missing: they have no start time.
NOT_STARTED = {"manual", "notexec", "missing"}
VOLATILE = {"pid", "now", "start", "stop"}


def plain(value, directory):
    """Without what changes from run to run."""
    if isinstance(value, dict):
        return {k: "*" if k in VOLATILE and v else plain(v, directory)
                for k, v in value.items() if k != "autorestart"}  # 4.4 tells it, 4.2 does not
    if isinstance(value, list):
        value = [plain(v, directory) for v in value]
        if value and all(isinstance(v, dict) and "status" in v for v in value):
            value.sort(key=str)  # Supervisor's order is that in which they got done
        return value
    if isinstance(value, str):
        value = value.replace(str(directory), "%D%").replace("run/slotd.sock", "sock")
        value = re.sub(r"pid \d+, uptime \d+:\d\d:\d\d", "pid *, uptime *", value)
        value = re.sub(r"\b[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M\b", "DATE", value)
        value = re.sub(r"(---\w+-)\w{8}(\.log)", r"\1RANDOM\2", value)
        value = re.sub(r"/log/(\S+?)---", r"/log/\1---", value)
    return value


class Player:
    """Plays to one daemon and writes down what comes back."""

    def __init__(self, daemon):
        self.daemon, self.heard = daemon, []

    def note(self, label, value):
        self.heard.append((label, plain(value, self.daemon.dir)))

    def call(self, method, *args):
        label = f"{method}{args!r}".replace(str(self.daemon.dir), "%D%")
        target = self.daemon.rpc
        for part in method.split("."):
            target = getattr(target, part)
        try:
            self.note(label, target(*args))
        except xmlrpc.client.Fault as fault:
            self.note(label, {"fault": fault.faultCode, "text": fault.faultString})

    def kind(self, method, *args):
        """For what is different each time."""
        self.call(method, *args)
        label, value = self.heard.pop()
        self.note(label, type(value).__name__)

    def ctl(self, *args):
        done = self.daemon.supervisorctl(*args)
        out = done.stdout
        if args[0] == "pid":
            out = re.sub(r"^[1-9]\d*$", "PID", out, flags=re.M)
        elif any(a == "all" or ":*" in a for a in args):
            out = sorted(out.splitlines())  # in the order in which they got done
        self.note("supervisorctl " + " ".join(args),
                  {"exit": done.returncode, "out": out, "err": done.stderr})

    def shell(self, lines):
        done = self.daemon.supervisorctl(input=lines)
        self.note(f"supervisorctl <<< {lines!r}", {"exit": done.returncode, "out": done.stdout})

    def pid(self, name):
        return self.daemon.rpc.supervisor.getProcessInfo(name)["pid"]

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)

    def wait_restarted(self, before):
        """After a restart of everything: cat is another process."""
        def again():
            try:
                return self.pid("cat") not in (0, before)
            except (OSError, xmlrpc.client.Error):
                return False
        wait_for(again, "the daemon is there again", 60)

    def wait_gone(self):
        self.daemon.process.wait(60)

    def settle(self):
        """Nothing is on its way any more."""
        def calm():
            infos = self.daemon.rpc.supervisor.getAllProcessInfo()
            coming = [i for i in infos if i["start"] == 0 and i["name"] not in NOT_STARTED]
            on_their_way = [i for i in infos if i["statename"] in TRANSIENT
                            or (i["name"], i["statename"]) == ("once", "RUNNING")]
            return not coming and not on_their_way
        wait_for(calm, "all states settle", 60)

    def wait_file(self, name, text):
        path = self.daemon.dir / name
        wait_for(lambda: path.exists() and text in path.read_text(), f"{name} has {text!r}", 20)


SIMPLE = """
supervisor.getAPIVersion supervisor.getVersion supervisor.getIdentification
supervisor.getState system.listMethods""".split()

BAD_NAMES = ["nothing", "nothing:x", "pair", "pair:nothing", "many", "", ":", "x:y:z", "cat:cat:"]


def reads(p):
    for method in SIMPLE:
        p.call(method)
    p.call("supervisor.getAllProcessInfo")
    for name in ["cat", "cat:cat", "pair:left", "many:many_01", "missing", "quick", "once",
                 *BAD_NAMES]:
        p.call("supervisor.getProcessInfo", name)
    p.call("supervisor.getAllConfigInfo")


def log_reads(p):
    p.wait_file("talk.out", "out two\n")
    p.wait_file("talk.err", "err one\n")
    for args in [(0, 0), (0, 3), (4, 100), (-4, 0), (-100, 0), (100, 0), (-1, 1), (0, -1), (-1, -1)]:
        p.call("supervisor.readProcessStdoutLog", "talk", *args)
    for args in [(0, 100), (0, 4), (4, 4), (100, 10), (0, 0), (-5, 5), (8, 8)]:
        p.call("supervisor.tailProcessStdoutLog", "talk", *args)
    for method in ("readProcessStdoutLog", "readProcessStderrLog", "tailProcessStdoutLog"):
        p.call(f"supervisor.{method}", "manual", 0, 10)  # AUTO, and never started
    p.call("supervisor.clearProcessLogs", "manual")
    p.call("supervisor.readProcessLog", "talk", 0, 0)
    p.call("supervisor.readProcessStderrLog", "talk", 0, 0)
    p.call("supervisor.tailProcessStderrLog", "talk", 0, 100)
    for method in ("readProcessStdoutLog", "tailProcessStdoutLog"):
        p.call(f"supervisor.{method}", "quiet", 0, 10)
        p.call(f"supervisor.{method}", "nothing", 0, 10)
    p.call("supervisor.clearProcessLogs", "talk")
    p.call("supervisor.readProcessStdoutLog", "talk", 0, 0)
    p.call("supervisor.clearProcessLogs", "nothing")


def starts_and_stops(p):
    for name in ["manual", "manual", "missing", "notexec", "quick", "pair:left", *BAD_NAMES]:
        p.call("supervisor.startProcess", name)
    p.settle()
    p.call("supervisor.getProcessInfo", "quick")
    for name in ["manual", "manual", "missing", "once", *BAD_NAMES]:
        p.call("supervisor.stopProcess", name)
    p.call("supervisor.startProcess", "manual", False)
    p.settle()
    p.call("supervisor.stopProcess", "manual", False)
    p.settle()
    p.call("supervisor.stopProcessGroup", "pair")
    p.call("supervisor.stopProcessGroup", "pair")
    p.call("supervisor.startProcessGroup", "pair")
    p.call("supervisor.startProcessGroup", "nothing")
    p.call("supervisor.stopProcess", "many:*")
    p.call("supervisor.startProcess", "many:*")
    p.call("supervisor.stopAllProcesses")
    p.call("supervisor.getAllProcessInfo")
    p.call("supervisor.startAllProcesses")
    p.settle()
    p.call("supervisor.getAllProcessInfo")


def signals(p):
    for args in [("cat", "CONT"), ("cat", "SIGCONT"), ("cat", 18), ("cat", "18"), ("cat", "NOPE"),
                 ("cat", 99), ("nothing", "CONT"), ("once", "CONT"), ("many:*", "CONT")]:
        p.call("supervisor.signalProcess", *args)
    p.call("supervisor.signalProcessGroup", "pair", "CONT")
    p.call("supervisor.signalProcessGroup", "pair", "NOPE")
    p.call("supervisor.signalProcessGroup", "nothing", "CONT")
    p.call("supervisor.signalAllProcesses", "CONT")


def wrong_calls(p):
    p.call("supervisor.startProcess")
    p.call("supervisor.getState", 1)
    p.call("supervisor.noSuchMethod")
    p.call("noSuchNamespace.method")
    p.call("supervisor._private")
    p.call("system.methodSignature", "supervisor.startProcess")
    p.call("system.methodSignature", "supervisor.getAllProcessInfo")
    p.call("system.methodSignature", "nothing")
    p.call("system.methodHelp", "nothing")
    p.call("supervisor.sendProcessStdin", "cat", "hello\n")
    p.call("supervisor.sendProcessStdin", "nothing", "hello\n")
    p.call("supervisor.sendProcessStdin", "once", "hello\n")
    p.call("supervisor.sendRemoteCommEvent", "a", "b")


def multicalls(p):
    p.call("system.multicall", [
        {"methodName": "supervisor.getAPIVersion"},
        {"methodName": "supervisor.stopProcess", "params": ["cat"]},
        {"methodName": "supervisor.getProcessInfo", "params": ["cat"]},
        {"methodName": "supervisor.startProcess", "params": ["cat"]},
        {"methodName": "supervisor.startProcess", "params": ["nothing"]},
        {"methodName": "system.multicall", "params": [[]]},
        {"params": []},
    ])
    p.call("system.multicall", [])


def groups_come_and_go(p):
    p.call("supervisor.removeProcessGroup", "cat")
    p.call("supervisor.removeProcessGroup", "nothing")
    p.call("supervisor.addProcessGroup", "cat")
    p.call("supervisor.stopProcess", "cat")
    p.call("supervisor.removeProcessGroup", "cat")
    p.call("supervisor.getProcessInfo", "cat")
    p.call("supervisor.addProcessGroup", "cat")
    p.settle()
    p.call("supervisor.getProcessInfo", "cat")
    p.call("supervisor.addProcessGroup", "nothing")
    p.call("supervisor.reloadConfig")
    p.daemon.write_config(NEW_CONFIG)
    p.call("supervisor.reloadConfig")
    p.call("supervisor.reloadConfig")
    p.ctl("update")
    p.settle()
    p.ctl("status")
    p.daemon.write_config(CONFIG)
    p.ctl("reread")
    p.ctl("update")
    p.settle()


COMMANDS = """
version
status
status cat
status pair:*
status nothing
status nothing:*
status cat nothing once
avail
pid cat
pid once
pid nothing
start
start cat
start nothing
start nothing:*
start missing
start quick
start notexec
stop
stop cat
stop cat
stop nothing
start cat
restart cat
restart pair:*
restart nothing
signal
signal HUP
signal CONT cat
signal NOPE cat
signal CONT once
signal CONT nothing
signal CONT pair:*
stop pair:*
start pair:*
stop many:* cat
start many:* cat
""".strip().splitlines()

OTHER_COMMANDS = """
tail
tail nothing
tail talk
tail -5 talk
tail talk stderr
tail talk nochannel
tail quiet
clear
clear talk
clear nothing
reread
update
update nothing
add nothing
add cat
remove nothing
remove cat
reread now
version now
nonsense
""".strip().splitlines()


def commands(p, lines=COMMANDS):
    for line in lines:
        p.ctl(*line.split())
        p.settle()


def other_commands(p):
    commands(p, OTHER_COMMANDS)


def the_main_log(p):
    for args in [(-1, 1), (0, -1), (-1, -1), (1 << 20, 0)]:
        p.call("supervisor.readLog", *args)
        p.call("supervisor.readMainLog", *args)
    p.kind("supervisor.readLog", 0, 10)
    p.call("supervisor.clearLog")
    for line in ["maintail x", "maintail -x", "maintail -5 x", "maintail -f x"]:
        p.ctl(*line.split())


def all_at_once(p):
    p.kind("supervisor.getPID")
    p.kind("supervisor.getSupervisorVersion")
    p.wait_file("talk.out", "out two\n")
    p.call("supervisor.tailProcessLog", "talk", 0, 100)
    p.call("supervisor.clearProcessLog", "talk")
    p.call("supervisor.clearAllProcessLogs")
    p.call("supervisor.readProcessLog", "talk", 0, 0)
    for line in ["pid all", "clear all", "stop all", "pid all", "status all", "start all",
                 "restart all", "signal CONT all"]:
        p.ctl(*line.split())
        p.settle()


def the_shell(p):
    for line in ["help", "help status", "help nothing", "? stop", "quit", "exit", "EOF", "!ls",
                 "open", "open nothing", "open unix:///nonexistent/sock", "fg", "fg nothing",
                 "fg cat talk", "fg manual", "fg pair:*", "tail -f", "tail -x talk",
                 "tail a b c d", "tail -5"]:
        p.ctl(*line.split())
    for lines in ["version\nstatus cat\nexit\n", "shutdown\nn\nreload\n\npid once\n", "nonsense\n"]:
        p.shell(lines)


STUBBORN = """
[program:stubborn]
command=/bin/sh -c 'trap "" TERM; echo deaf; exec sleep 1000'
startsecs=0
stopwaitsecs=60
stdout_logfile=%D%/stubborn.out
"""


def the_end(p):
    """A restart, then a shutdown that one process holds up, and what is answered meanwhile."""
    cat = p.pid("cat")
    p.call("supervisor.restart")
    p.wait_restarted(cat)
    p.settle()
    p.ctl("status")
    cat = p.pid("cat")
    p.ctl("reload")
    p.wait_restarted(cat)
    p.settle()
    p.daemon.write_config(CONFIG + STUBBORN)
    p.ctl("update")
    p.wait_file("stubborn.out", "deaf\n")
    stubborn = p.pid("stubborn")
    p.call("supervisor.shutdown")
    for method, *args in [("getState",), ("getAllProcessInfo",), ("getPID",), ("shutdown",),
                          ("restart",), ("startProcess", "cat"), ("stopAllProcesses",),
                          ("reloadConfig",), ("addProcessGroup", "cat"), ("readLog", 0, 1),
                          ("sendRemoteCommEvent", "a", "b"), ("noSuchMethod",)]:
        p.call("supervisor." + method, *args)
    p.call("system.methodSignature", "supervisor.getPID")
    for line in ["avail", "reread", "update", "add cat", "remove cat", "shutdown", "reload"]:
        p.ctl(*line.split())
    p.kill(stubborn)
    p.wait_gone()
    for line in ["status", "start cat", "avail", "shutdown", "reload", "pid"]:
        p.ctl(*line.split())


SCENES = [reads, log_reads, starts_and_stops, signals, wrong_calls, multicalls,
          groups_come_and_go, commands, other_commands, the_main_log, all_at_once, the_shell,
          the_end]


class Listing(Player):
    """Plays to nobody, and knows what was played."""

    class Nobody:
        dir = ""

        def write_config(self, text):
            pass

    def __init__(self):
        super().__init__(self.Nobody())
        self.played = set()

    def call(self, method, *args):
        self.played.add(method)

    kind = call

    def ctl(self, *args):
        self.played.add(args[0])

    def pid(self, name):
        return 0

    def nothing(self, *args):
        pass

    shell = settle = wait_file = wait_restarted = wait_gone = kill = nothing


def test_every_method_and_every_command_is_played():
    place = Path(find_spec("supervisor").origin).parent
    methods = re.findall(r"^    (?:def )?([a-z]\w+)(?:\(self| = [a-z]+[A-Z])", re.split(
        r"^class ", (place / "rpcinterface.py").read_text(), flags=re.M)[1], re.M)
    words = re.findall(r"^    def do_(\w+)", (place / "supervisorctl.py").read_text(), re.M)
    listing = Listing()
    for scene in SCENES:
        scene(listing)
    assert len(methods) > 35 and len(words) > 20
    assert not {f"supervisor.{m}" for m in methods} - listing.played
    assert not set(words) - listing.played
    assert {"system.listMethods", "system.methodHelp", "system.methodSignature",
            "system.multicall"} <= listing.played


def comparable(value):
    """Without what is meant to differ.

    slotd has methods of its own. A command that is not there is found out by the child, because
    looking for it may wait for a disk: the program then is FATAL and says why, where Supervisor
    refuses the start and leaves it STOPPED.
    """
    if isinstance(value, list):
        value = [v for v in value if not (isinstance(v, dict) and v.get("name") == "notexec")]
        if "supervisor.getState" in value:
            return [m for m in value if not m.startswith("slotd.")]
    return value


WRONG_COMMAND_LINES = """
-nc c.conf -x
-c
-x
--foo
foo
-n foo bar
-c a -c b
-n -n
--nodaemon=1
--conf c.conf -x
--no
--log=x
-i
-- foo
--configuration
-kx
""".strip().splitlines()


@pytest.mark.parametrize("line", WRONG_COMMAND_LINES)
def test_a_wrong_command_line_is_refused_in_the_same_words(tmp_path, line):
    said = []
    for program in [SUPERVISORD, str(SLOTD)]:
        done = subprocess.run([program, *line.split()], cwd=tmp_path, capture_output=True,
                              text=True, timeout=60, stdin=subprocess.DEVNULL)
        said.append((done.returncode, done.stdout, done.stderr.replace(program, "PROGRAM")))
    assert said[0] == said[1]


@pytest.mark.first
@pytest.mark.plain_only
@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.__name__)
def test_slotd_answers_as_supervisord(slotd, scene):
    def play(daemon):
        player = Player(daemon)
        player.settle()
        scene(player)
        return player.heard

    reference = Supervisord(CONFIG).start()
    try:
        with ThreadPoolExecutor() as pool:  # both wait for a second here and there
            heard = list(pool.map(play, [reference, slotd(CONFIG)]))
    finally:
        reference.end()
    differences = []
    for (label, theirs), (_, ours) in zip(*heard):
        if comparable(theirs) != comparable(ours):
            differences.append(f"{label}\n  supervisord: {theirs}\n  slotd:       {ours}")
    assert len(heard[0]) == len(heard[1])
    assert not differences, "\n".join(differences)
