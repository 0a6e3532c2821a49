"""payinv, reduced to what a supervisor sees of it: a WSGI application that knows its own name.

Like Django it answers 400 to a Host that is not in ALLOWED_HOSTS, so a health check must send the
right one (health_host=). Every answer begins with the slot, the port and the pid that gave it.
"""

import os
import time
from urllib.parse import parse_qs

ALLOWED_HOSTS = os.environ.get("PAYINV_HOSTS", "payinv.example").split(",")
SLOT = os.environ.get("PAYINV_SLOT", "?")
PORT = os.environ.get("PAYINV_PORT", "?")


def _front(environ):
    return "200 OK", f"{SLOT} {PORT} {os.getpid()}\n"


def _slow(environ):
    milliseconds = int(parse_qs(environ.get("QUERY_STRING", "")).get("ms", ["200"])[0])
    time.sleep(milliseconds / 1000)
    return _front(environ)


_PAGES = {"/": _front, "/healthz": _front, "/slow": _slow}


def application(environ, start_response):
    host = environ.get("HTTP_HOST", "").rpartition(":")[0] or environ.get("HTTP_HOST", "")
    page = _PAGES.get(environ.get("PATH_INFO", "/"))
    if host not in ALLOWED_HOSTS:
        status, text = "400 Bad Request", f"Invalid HTTP_HOST header: '{host}'\n"
    elif page:
        status, text = page(environ)
    else:
        status, text = "404 Not Found", "no such page\n"
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
