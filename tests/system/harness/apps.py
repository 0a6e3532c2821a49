"""Configurations of services whose workers are tests/system/web.c or real gunicorn."""

from pathlib import Path
from typing import List

from .paths import ROOT, WEB

APPS = Path(__file__).resolve().parents[1] / "apps"
PYTHON = "/usr/bin/python3 -I -S"
PAYINV = ROOT / "examples/payinv/src"

# Servers that keep connections, all for 5 s, and answer as payinv does: "SLOT PORT PID".
KEEPING = {
    "gunicorn": "/usr/bin/gunicorn payinv.wsgi:application --bind 127.0.0.1:%(process_num)d "
                "-k gthread --threads 8 --keep-alive 5",
    "uvicorn": f"/usr/bin/uvicorn --app-dir {APPS} payinv_asgi:application "
               "--port %(process_num)d --timeout-keep-alive 5",
    "node": f"/usr/bin/env node {APPS}/payinv.js %(process_num)d",
}


def web_slot(program: str, ports: List[int], slot: str, arguments: str = "",
             options: str = "", app: str = "") -> str:
    """[program:...] with one web, or one of tests/system/apps, a port; startsecs=0."""
    worker = f"{PYTHON} {APPS}/{app}" if app else WEB
    return f"""
[program:{program}]
command={worker} 127.0.0.1:%(process_num)d {slot} {arguments}
process_name=%(program_name)s_%(process_num)d
numprocs={len(ports)}
numprocs_start={ports[0]}
startsecs=0
autostart=true
{options}
"""


def service(name: str, listen: str, options: str = "", health: str = "http /healthz") -> str:
    return f"""
[service:{name}]
listen={listen}
slot_a={name}-a
slot_b={name}-b
health={health}
health_interval=1
idle_keep=0
{options}
"""


def two_slots(name: str, listen: str, ports_a: List[int], ports_b: List[int], *,
              arguments: str = "", options: str = "", program: str = "",
              health: str = "http /healthz", app: str = "") -> str:
    """A service with web workers in both slots; answers say "a ..." or "b ..."."""
    return (web_slot(f"{name}-a", ports_a, "a", arguments, program, app)
            + web_slot(f"{name}-b", ports_b, "b", arguments, program, app)
            + service(name, listen, options, health))


def gunicorn_slot(program: str, ports: List[int], slot: str, arguments: str = "", *,
                  app: str = "payinv.wsgi:application", directory: Path = PAYINV) -> str:
    """The seed's program section, with its sync workers unless arguments say otherwise."""
    command = f"/usr/bin/gunicorn {app} --bind 127.0.0.1:%(process_num)d {arguments}"
    return payinv_slot(program, ports, slot, command, directory=directory)


def payinv_slot(program: str, ports: List[int], slot: str, command: str, hosts: str = "",
                options: str = "", *, directory: Path = PAYINV) -> str:
    hosts = f'PAYINV_HOSTS="{hosts}",' if hosts else ""
    return f"""
[program:{program}]
command={command}
directory={directory}
environment={hosts}PAYINV_SLOT="{slot}",PAYINV_PORT="%(process_num)d",PYTHONDONTWRITEBYTECODE="1"
process_name=%(program_name)s_%(process_num)d
numprocs={len(ports)}
numprocs_start={ports[0]}
stopasgroup=true
killasgroup=true
{options}
"""


def two_gunicorn_slots(name: str, listen: str, ports_a: List[int], ports_b: List[int],
                       arguments: str = "", options: str = "") -> str:
    return (gunicorn_slot(f"{name}-a", ports_a, "a", arguments)
            + gunicorn_slot(f"{name}-b", ports_b, "b", arguments)
            + service(name, listen, "health_host=payinv.example\n" + options))
