"""What stands in front of slotd on real servers: nginx, haproxy and Apache as reverse proxies."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Sequence

import pytest

from .procs import wait_for

NGINX = """\
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log info; {user}
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  keepalive_requests 1000000; keepalive_timeout 60s;
  upstream back {{ server {back}; keepalive 32; keepalive_requests 1000000; }}
  server {{
    listen {front} backlog=1024;
    location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_set_header Host payinv.example; }}
  }}
}}
"""

HAPROXY = """\
global
  maxconn 4096
defaults
  mode http
  http-reuse {reuse}
  option redispatch
  retries 0
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend f
  bind {front} backlog 1024
  default_backend b
backend b
  http-request set-header Host payinv.example
  server s {back} pool-max-conn 64
"""

APACHE = """\
ServerRoot {dir}
PidFile {dir}/pid
ErrorLog {dir}/error.log
LogLevel info
Mutex file:{dir}
Listen {front}
ServerName localhost
KeepAliveTimeout 60
MaxKeepAliveRequests 0
{modules}
ProxyPass / http://{back}/
RequestHeader set Host payinv.example
ProxyPreserveHost On
"""
APACHE_MODULES = Path("/usr/lib/apache2/modules")


def is_listening(address: str, wrap: Sequence[str] = ()) -> bool:
    host, _, port = address.rpartition(":")
    return subprocess.run([*wrap, "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


class Front:
    """A proxy, ended by close(); what it logged about its connections to slotd is in log()."""

    def __init__(self, command: list, address: str, log: Path, wrap: Sequence[str]) -> None:
        self.address, self._log = address, log
        self._output = open(f"{log}.output", "wb")
        self.process = subprocess.Popen([*wrap, *command], stdin=subprocess.DEVNULL, stdout=self._output,
                                        stderr=subprocess.STDOUT)
        wait_for(lambda: is_listening(address, wrap), f"{command[0]} listens", 20)

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._output.close()


def program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


def nginx(directory: Path, front: str, back: str, wrap: Sequence[str] = ()) -> Front:
    path = program("nginx")
    config = directory / "nginx.conf"
    config.write_text(NGINX.format(dir=directory, front=front, back=back,
                                   user="user root;" if os.geteuid() == 0 else ""))
    return Front([path, "-c", str(config), "-p", str(directory)], front, directory / "error.log",
                 wrap)


def haproxy(reuse: str):
    def start(directory: Path, front: str, back: str, wrap: Sequence[str] = ()) -> Front:
        path = program("haproxy")
        config = directory / "haproxy.cfg"
        config.write_text(HAPROXY.format(reuse=reuse, front=front, back=back))
        return Front([path, "-db", "-f", str(config)], front, directory / "haproxy.log",
                     wrap)

    return start


def apache(directory: Path, front: str, back: str, wrap: Sequence[str] = ()) -> Front:
    path = program("apache2")
    modules = "\n".join(f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so"
                        for name in ("mpm_event", "authz_core", "headers", "proxy", "proxy_http"))
    if os.geteuid() == 0:
        modules += "\nUser www-data\nGroup www-data"
    config = directory / "apache.conf"
    config.write_text(APACHE.format(dir=directory, front=front, back=back, modules=modules))
    return Front([path, "-DFOREGROUND", "-f", str(config)], front, directory / "error.log",
                 wrap)


FRONTS = {"nginx": nginx, "haproxy always": haproxy("always"), "haproxy safe": haproxy("safe"),
          "apache": apache}
