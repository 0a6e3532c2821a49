"""Files as people have them for Laravel, gunicorn and FastCGI mean the same to both, without a word.

What a plain file is told at -t and by import-check is nothing; what getAllConfigInfo tells of it is
what Supervisor's own code makes of it.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.paths import SLOTCTL, SLOTD
from harness.procs import wait_for
from harness.reference import SUPERVISORD

READER = Path(__file__).with_name("supervisor_config.py")

pytestmark = [
    pytest.mark.skipif(not Path(SUPERVISORD).exists(),
                       reason="the package supervisor is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="user= wants root"),
]

HEAD = """
[unix_http_server]
file=%(here)s/supervisor.sock
chmod=0770
[supervisord]
nodaemon=true
logfile=%(here)s/supervisord.log ; (main log file;default $CWD/supervisord.log)
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s
environment=DJANGO_SETTINGS_MODULE="proj.settings",PYTHONPATH="%(here)s/src:%(here)s/lib"
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/supervisor.sock
"""

LARAVEL = """
[program:laravel-worker]
process_name=%(program_name)s_%(process_num)02d
command=/usr/bin/tail -f /dev/null queue:work sqs --sleep=3 --tries=3 --max-time=3600
autostart=true
autorestart=true
stopasgroup=true
killasgroup=true
user=www-data
numprocs=8
redirect_stderr=true
stdout_logfile=%(here)s/worker.log
stopwaitsecs=3600
[program:schedule]
command=bash -c 'while [ ! true ]; do x; done; (true schedule:run --verbose &); exec sleep 1000'
user=www-data
redirect_stderr=true
stdout_logfile=%(here)s/%(program_name)s.log
"""

GUNICORN = """
[program:web]
command=
    /usr/bin/tail -f /dev/null
    --workers %(ENV_WEB_CONCURRENCY)s
    --bind unix:%(here)s/web.sock
    --access-logformat '%%(h)s %%(l)s "%%(r)s" %%(s)s'
    proj.wsgi:application
directory=%(here)s
environment=
    PATH="%(here)s/venv/bin:%(ENV_PATH)s",
    PYTHONUNBUFFERED="1",
    APP_SECRET="a,b;c=d%%e"
stopsignal=QUIT
stopasgroup=true
umask=007
redirect_stderr=true
stdout_logfile=%(here)s/%(program_name)s.log
[program:celery]
; Set full path to celery program if using virtualenv
command=/usr/bin/tail -f /dev/null -A proj -n worker%(process_num)d@%%h -Q default,emails
numprocs=2
process_name=%(program_name)s-%(process_num)s
stdout_logfile=%(here)s/celery-%(process_num)d.log
stderr_logfile=%(here)s/celery-%(process_num)d.log
startsecs=10
; Need to wait for currently executing tasks to finish at shutdown.
stopwaitsecs = 600
priority=998
[program:beat]
command=/usr/bin/tail -f /dev/null --schedule %(here)s/celerybeat-schedule
[group:proj]
programs=celery,beat
priority=10
"""

FCGI = """
[fcgi-program:django]
socket=unix://%(here)s/%(program_name)s.sock
socket_owner=www-data:www-data
socket_mode=0770
process_name=%(program_name)s_%(process_num)02d
command=/usr/bin/python3 -c "import os, socket, sys; s = socket.socket(fileno=0);
  name = s.getsockname(); st = os.stat(name);
  print(os.path.basename(name), oct(st.st_mode), st.st_uid == os.getuid(), st.st_gid);
  sys.stdout.flush(); s.accept()"
numprocs=2
user=www-data
redirect_stderr=true
stdout_logfile=%(here)s/%(process_num)d.log
"""

ENVIRONMENT = {"WEB_CONCURRENCY": "3"}


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=60, env={**os.environ, **ENVIRONMENT})


def plain(infos):
    """By name, without what only a running daemon knows."""
    for info in infos:
        for key in ("inuse", "autorestart"):
            info.pop(key, None)
        for key in ("stdout_logfile", "stderr_logfile"):
            info[key] = "auto" if "---supervisor-" in info[key] else info[key]
        info["command"] = info["command"].lstrip()  # slotd-supervisor(7)
    return {f"{info['group']}:{info['name']}": info for info in infos}


@pytest.mark.plain_only
@pytest.mark.parametrize("text", [LARAVEL, GUNICORN, FCGI], ids=["laravel", "gunicorn", "fcgi"])
def test_it_means_the_same_to_both(slotd, text):
    daemon = slotd("", start=False, env=ENVIRONMENT)
    own = daemon.config.read_text()
    theirs = daemon.dir / "theirs.conf"
    theirs.write_text(HEAD + text)
    checked = run(SLOTD, "-t", "-c", theirs)
    assert checked.returncode == 0
    assert not re.search(r"\.conf:\d+: ", checked.stderr), checked.stderr
    imported = run(SLOTCTL, "import-check", theirs)
    assert imported.returncode == 0, imported.stdout

    read = subprocess.run(["/usr/bin/python3", str(READER)], input=json.dumps([str(theirs)]),
                          capture_output=True, text=True, timeout=60,
                          env={**os.environ, **ENVIRONMENT})
    # slotd's directories, and its client's socket, come after everything that stands in the file
    daemon.config.write_text(HEAD + text + own)
    daemon.start()
    assert plain(daemon.rpc.supervisor.getAllConfigInfo()) == plain(json.loads(read.stdout)[0])
    if text == FCGI:
        wait_for(lambda: "\n" in daemon.read("0.log") and "\n" in daemon.read("1.log"),
                 "the workers have looked")
        gid = (daemon.dir / "django.sock").stat().st_gid
        assert daemon.read("0.log") == daemon.read("1.log") \
            == f"django.sock 0o140770 True {gid}\n"
