"""A WSGI application in a slot's directory, as its recipes need it (cwd: the slot's directory).

/ and POST / and /slow?ms=N answer "SLOT PORT PID", /page one line: the address of a hashed asset that
this slot's own manifest names, /client who the client is, /static/* that a front did not serve it.
/ws with Upgrade echoes whatever comes on the connection from there on.
"""

import json
import os
import time
from pathlib import Path

SLOT, PORT = os.environ["PAYINV_SLOT"], os.environ["PAYINV_PORT"]


def client(environ):
    told = {name: environ.get(name, "") for name in
            ("REMOTE_ADDR", "REMOTE_PORT", "HTTP_HOST", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")}
    return json.dumps(told)


def echo(environ):
    connection = environ["gunicorn.socket"]
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       b"Connection: Upgrade\r\n\r\n")
    while True:
        data = connection.recv(4096)
        if not data:
            break
        connection.sendall(data)
    raise StopIteration  # gunicorn: this connection has had its answer


def application(environ, start_response):
    path = environ["PATH_INFO"]
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if path == "/ws" and environ.get("HTTP_UPGRADE"):
        echo(environ)
    if path == "/slow":
        time.sleep(0.2)
    if path == "/page":
        text = "/static/" + json.loads(Path("static/staticfiles.json").read_text())["app.js"]
    elif path == "/client":
        text = client(environ)
    elif path.startswith("/static/"):
        text = "from the application"
    else:
        text = f"{SLOT} {PORT} {os.getpid()}"
    body = text.encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
