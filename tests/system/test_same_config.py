"""What Supervisor's own code makes of a line of configuration, slotd makes of it, too.

Each case is a file of its own: both take it or neither does. Then all that both take are one file,
and what it means is compared by getAllConfigInfo.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.paths import SLOTD
from harness.reference import SUPERVISORD

READER = Path(__file__).with_name("supervisor_config.py")

pytestmark = pytest.mark.skipif(not Path(SUPERVISORD).exists(),
                                reason="the package supervisor is not installed")

NUMBERS = ["0", "1", " 5 ", "12 ; comment", "007", "-1", "+3", "1_000", "1.5", "", "x", "0x10",
           "99999999999"]
BOOLEANS = ["true", "TRUE", "yes", "on", "1", "false", "no", "off", "0", "maybe", "", "2", "y"]
SIZES = ["0", "1", "1KB", "1 kb", "1mb", "1K", "5XB", "1.5MB", "", "KB", "10 MB ", "-1", "-1KB"]

PROGRAM = {
    "autostart": BOOLEANS,
    "autorestart": [*BOOLEANS, "unexpected", "Unexpected", "UNEXPECTED"],
    "command": ["/bin/cat", "", "/bin/sh -c 'a b'", "'unclosed", "/bin/echo a ; b", "/bin/echo a;b",
                "/bin/echo a #b", "/bin/date +%s", "/bin/date +%%s", "/bin/x %(process_num)02d",
                "%(here)s/x", "/bin/x 100%", "%(nope)s", "/bin/x %d", "%", "%(", "%(a", "%()s",
                "/bin/x %(numprocs)d %(group_name)s %(host_node_name)s", "/bin/x %(program_name)d",
                "/bin/x %(process_num)x|%(process_num)-5d|%(process_num)+d|%(process_num)r",
                "/bin/x %(program_name)-20s|%(program_name).2s", "/bin/x %(ENV_PATH)s",
                "/bin/x\n  more\n\n  and more", "/bin/x\n; comment\n  more"],
    "directory": ["/tmp", "/no/such", "~", "relative", "", "/a b"],
    "environment": ['A=1', 'A="1",B=\'2\'', 'A="1",', 'A="1" B="2"', ',A=1', 'A=', 'A=""', 'A',
                    '="1"', 'A="x', 'A=a b', 'A=http://h/?q=1', 'A="%(ENV_PATH)s"', 'A="50%"',
                    'A="%(ENV_NOPE)s"', 'A="50%%"', 'A=1;B=2', 'A-B=1', '1A=2', 'A="a,b"',
                    'A="it\'s"', "A='say \"x\"'", 'A=foo"bar"', 'A="foo"bar', 'A=(x)', 'A=[x]',
                    'A=@x', 'A=x!', 'A="a\n  b"', '\n  A=1,\n  B=2', 'A==1', 'A:1', 'A=1,,B=2',
                    'A="x\\"y"', 'A=x\\y', 'A=1#c', 'A=1 #c', 'A="a #b"', 'A="a ;b"'],
    "exitcodes": ["0", "0,1", "0, 1 ,2", "", "255", "256", "-1", "x", "0,", "0;1", " ,"],
    "killasgroup": BOOLEANS,
    "numprocs_start": NUMBERS,
    "priority": NUMBERS,
    "process_name": ["a", "%(program_name)s", "a b", "a:b", "a/b", "%(nope)s", "%(process_num)s"],
    "redirect_stderr": BOOLEANS,
    "serverurl": ["AUTO", "http://localhost:9001", "unix:///x", "foo", ""],
    "startretries": NUMBERS,
    "startsecs": NUMBERS,
    "stderr_capture_maxbytes": SIZES,
    "stderr_events_enabled": BOOLEANS,
    "stdout_logfile": ["AUTO", "auto", "NONE", "none", "OFF", "off", "syslog", "SYSLOG", "",
                       "/no/such/dir/x", "/dev/null", "/dev/stdout", "~/x", "%(here)s/x",
                       "/tmp/%(program_name)s.log", "/tmp/a%%%%b.log", "/tmp/a%%b", "/tmp/a%b",
                       "/tmp/with space", "/tmp/x;y", "/tmp/x ;y", "/tmp/#x"],
    "stdout_logfile_backups": NUMBERS,
    "stdout_logfile_maxbytes": SIZES,
    "stdout_syslog": BOOLEANS,
    "stopasgroup": [*BOOLEANS, "true\nkillasgroup=false", "true\nkillasgroup=true",
                    "false\nkillasgroup=true"],
    "stopsignal": ["TERM", "term", "SIGTERM", "sigterm", "15", "9", "0", "HUP", "RTMIN", "RTMAX",
                   "SIGRTMIN", "rtmin+1", "64", "65", "-1", "", "FOO", "CLD", "WINCH", "32"],
    "stopwaitsecs": NUMBERS,
    "umask": ["022", "0o22", "22", "7777", "8", "", "777"],
    "user": ["root", "0", "nosuch", "", "-1", "root:root"],
}

LISTENER = {
    "events": ["TICK_5", "tick_5", "TICK_5,TICK_60", "EVENT", "NOPE", "TICK", "TICK_5 TICK_60",
               "PROCESS_STATE , PROCESS_LOG", "PROCESS_COMMUNICATION_STDOUT", "", "TICK_5,"],
    "events=TICK_5\nbuffer_size": ["0", "1", "-1", "x", "100"],
    "events=TICK_5\nredirect_stderr": ["true", "false"],
    "events=TICK_5\npriority": ["5"],
    "events=TICK_5\nstdout_events_enabled": ["true"],
}

FCGI = {
    "socket": ["tcp://localhost:1", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:x", "tcp://:1",
               "tcp://h", "unix:///tmp/x", "unix://x", "unix:///tmp/%(program_name)s", "http://x",
               "unix:///tmp/%(process_num)s", "", "unix:///a b/x"],
    "socket=unix:///tmp/x\nsocket_owner": ["root", "root:root", "nosuch", "0:0"],
    "socket=unix:///tmp/x\nsocket_mode": ["0777", "9"],
    "socket=tcp://localhost:1\nsocket_mode": ["0777"],
    "socket=tcp://localhost:1\nsocket_owner": ["root"],
    "socket=tcp://localhost:1\nsocket_backlog": ["5", "0", "x", "65536"],
}

SUPERVISORD_SECTION = {
    "childlogdir": ["/no", "%(here)s", "~"],
    "directory": ["/no", "%(here)s"],
    "environment": ["A=1", "A", 'A="%(ENV_PATH)s"', 'A="%(here)s"', 'A="%(nope)s"', 'A="50%%"',
                    'A="50%%%%"', 'A="%%(here)s"', 'A="%%(nope)s"', 'A=1,'],
    "identifier": ["a b", "%(ENV_PATH)s"],
    "logfile": ["/no/such/x", "syslog", "NONE", "%(ENV_PATH)s/x", "%(here)s/x"],
    "logfile_backups": ["x", "1"],
    "logfile_maxbytes": ["1K", "1KB"],
    "loglevel": ["DEBUG", "trace", "blather", "warning", "", "crit", "%(ENV_NOPE)s", "warn ; c"],
    "minfds": ["x", "1"],
    "nocleanup": ["maybe", "on"],
    "nodaemon": ["x", "true"],
    "pidfile": ["/no/such/x", "x"],
    "umask": ["9", "077", ""],
    "user": ["nosuch", "0"],
}

UNIX_SERVER = ["", "file=", "file=%(here)s/s", "file=/tmp/s\nchmod=0777", "file=/tmp/s\nchmod=9",
               "file=/tmp/s\nchown=root", "file=/tmp/s\nchown=root:root",
               "file=/tmp/s\nchown=nosuch", "file=/tmp/s\nchown=0:0", "file=/tmp/s\nusername=a",
               "file=/tmp/s\npassword=a", "file=/tmp/s\nusername=a\npassword=b", "file=~/s"]
INET_SERVER = ["", "port=", "port=9001", "port=:9001", "port=*:9001", "port=127.0.0.1:9001",
               "port=localhost:9001", "port=0", "port=65536", "port=x", "port=a:b",
               "port=127.0.0.1", "port=9001\nusername=a", "port=9001\nusername=a\npassword={SHA}x"]
GROUP = ["programs=a", "programs=a,b", "programs=a, b ", "programs=", "programs=nope", "programs=f",
         "programs=l", "programs=a\npriority=x", "programs=a b", "priority=7"]
FILES = ["[supervisord\n", "[supervisord]\nfoo\n", "[supervisord] trailing\n", " [supervisord]\n",
         "[supervisord]\n[supervisord]\nloglevel=debug\n", "[supervisord]\nLOGLEVEL = debug\n",
         "[supervisord]\nloglevel: debug\n", "[supervisord]\nloglevel = debug;c\n", "a=b\n",
         "[supervisord]\n  loglevel = debug\n", "[supervisord]\nloglevel=debug\n\ttrailing\n",
         "[supervisord]\r\nloglevel=debug\r\n", "[supervisord]\n= x\n", "[]\n[supervisord]\n",
         "[supervisord]\nx=1\nx=2\n", "[supervisord]\nrem comment\n", "rem x\n[supervisord]\n",
         "[supervisord]\n;x\n #y\n[no such section]\na=b\n", "[supervisord]\n[include]\n",
         "[supervisord]\n[include]\nfiles=nope.conf *.nope\n",
         "[supervisord]\n[include]\nfiles=%(nope)s\n", "[supervisord]\n[rpcinterface:x]\n",
         "[supervisord]\n[program:a b]\ncommand=x\n", "[supervisord]\n[program:a:b]\ncommand=x\n",
         "[supervisord]\n[program: a ]\ncommand=x\n", "[supervisord]\n[group:a b]\nprograms=\n"]

# In slotd-supervisor(7), with the reasons.
SUPERVISOR_ALONE_TAKES = {
    *(f"{option}={value}" for option in ("startsecs", "stopwaitsecs")
      for value in ("-1", "+3", "1_000")),
    "numprocs_start=99999999999", "priority=99999999999", "startretries=-1",
    "startretries=99999999999", "stdout_logfile_backups=-1", "stdout_logfile_backups=99999999999",
    "stopsignal=0", "command=/bin/date +%s", "port=9001", "port=:9001", "port=*:9001",
}
SLOTD_ALONE_TAKES = {
    'environment=A="50%%"', 'environment=A="%%(nope)s"',
    "startsecs=1.5", "stopwaitsecs=1.5", "stdout_logfile=/tmp/a%%b", "events=TICK_5,",
}


def cases():
    """(text of the whole file, the line in question, may it be one of many?)"""
    def programs(kind, table, more=""):
        for option, values in table.items():
            for value in values:
                yield (f"[supervisord]\n[{kind}:NAME]\ncommand=/bin/cat\n{more}{option}={value}\n",
                       f"{option}={value}", kind == "program")

    yield from programs("program", PROGRAM)
    yield from programs("eventlistener", LISTENER)
    yield from programs("fcgi-program", FCGI)
    for option, values in SUPERVISORD_SECTION.items():
        for value in values:
            yield f"[supervisord]\n{option}={value}\n", f"{option}={value}", False
    for kind, texts in [("unix", UNIX_SERVER), ("inet", INET_SERVER)]:
        for text in texts:
            yield f"[supervisord]\n[{kind}_http_server]\n{text}\n", text, False
    for text in GROUP:
        yield (f"[supervisord]\n[group:g]\n{text}\n[program:a]\ncommand=x\n[program:b]\ncommand=x\n"
               "[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/f\n[eventlistener:l]\ncommand=x\n"
               "events=TICK\n", text, False)
    for text in FILES:
        yield text, text, False


def supervisor_reads(paths):
    done = subprocess.run(["/usr/bin/python3", str(READER)], input=json.dumps(paths), text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def slotd_takes(path):
    return subprocess.run([str(SLOTD), "-t", "-c", path], capture_output=True,
                          timeout=60).returncode == 0


def plain(infos):
    """By name, without what only a running daemon knows."""
    for info in infos:
        for key in ("inuse", "autorestart"):
            info.pop(key, None)
        for key in ("stdout_logfile", "stderr_logfile"):
            info[key] = "auto" if "---supervisor-" in info[key] else info[key]
        for key in ("startsecs", "stopwaitsecs"):
            info[key] = min(info[key], 2**31 - 1)  # an <int> has no more
    return {f"{info['group']}:{info['name']}": info for info in infos}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """[(case, its path, does Supervisor take it, does slotd)]"""
    directory = tmp_path_factory.mktemp("files")
    named = []
    for n, case in enumerate(cases()):
        path = directory / f"{n}.conf"
        path.write_text(case[0].replace("NAME", f"p{n:03}"))
        named.append((case, path))
    theirs = supervisor_reads([str(path) for _, path in named])
    return [(case, path, isinstance(infos, list), slotd_takes(str(path)))
            for (case, path), infos in zip(named, theirs)]


@pytest.mark.plain_only  # beside a real supervisord, at its pace
def test_both_take_the_same_lines(played):
    theirs = {line for (_, line, _), _, they, we in played if they and not we}
    if os.geteuid() != 0:
        theirs = {line for line in theirs if not line.startswith("user=")}
    ours = {line for (_, line, _), _, they, we in played if we and not they}
    assert theirs == SUPERVISOR_ALONE_TAKES
    assert ours == SLOTD_ALONE_TAKES


@pytest.mark.plain_only
def test_they_mean_the_same_to_both(played, slotd):
    texts = [path.read_text().removeprefix("[supervisord]\n")
             for (_, line, many), path, they, we in played
             if many and they and we and "=-1" not in line]  # that of a size is told as 0
    body = "".join(re.sub(r"command=/bin/cat\n", "command=/bin/cat\nautostart=false\n", text)
                   for text in texts if "autostart" not in text)
    daemon = slotd("[supervisord]\nnodaemon=true\n" + body)
    reference = daemon.dir / "reference.conf"
    reference.write_text("[supervisord]\n" + body)
    theirs, = supervisor_reads([str(reference)])
    ours, theirs = plain(daemon.rpc.supervisor.getAllConfigInfo()), plain(theirs)
    assert len(theirs) > 150
    different = [f"{name}:\n  supervisor: {info}\n  slotd:      {ours.get(name)}"
                 for name, info in theirs.items() if ours.get(name) != info]
    assert not different, "\n".join(different)


@pytest.mark.plain_only
def test_the_common_environment_is_expanded_as_often(slotd):
    common = ['P="50%%%%"', 'D="%%%%(here)s"', 'H="%%(here)s"', 'N="%%(host_node_name)s"', "Q='%%%%d'",
              "K='a,b'"]
    text = ("[supervisord]\nnodaemon=true\nenvironment=" + ",".join(common) +
            "\n[program:echo]\nautostart=false\ncommand=/bin/echo "
            + " ".join(f"%(ENV_{pair[0]})s" for pair in common)
            + "\nstdout_logfile=/tmp/%%%%d.log\n")
    daemon = slotd(text)
    reference = daemon.dir / "reference.conf"
    reference.write_text(text)
    theirs = supervisor_reads([str(reference)])[0][0]
    ours = next(info for info in daemon.rpc.supervisor.getAllConfigInfo()
                if info["name"] == "echo")
    assert theirs["command"].split()[1] == "50%"
    for key in ("command", "stdout_logfile"):
        assert ours[key] == theirs[key]
