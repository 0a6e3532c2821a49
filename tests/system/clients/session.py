#!/usr/bin/python3
"""session.py HOST:PORT CLIENTS THINK_MS [once]: as agent.js, with http.client's kept-alive connections;
once: with one for each request.

A connection that the server closed between two requests counts as failed: "closed by the server".
"""

import http.client
import json
import random
import select
import signal
import sys
import threading
import time
from collections import Counter

STOP = threading.Event()
LOCK = threading.Lock()
ONCE = sys.argv[4:] == ["once"]
RESULT = {"ok": 0, "failed": Counter(), "slots": Counter(), "longest_ms": 0}


def ended(connection):
    return connection.sock and select.select([connection.sock], [], [], 0)[0]


def client(number, host, port, think):
    connection = http.client.HTTPConnection(host, port, timeout=30)
    think *= 60 if number % 4 == 3 else 1
    while not STOP.is_set():
        method = "POST" if number % 2 else "GET"
        path = "/" if number % 15 else "/slow?ms=200"
        number += 1
        try:
            if not ONCE and ended(connection):
                connection.close()
                with LOCK:
                    RESULT["failed"]["closed by the server"] += 1
            began = time.monotonic()
            connection.request(method, path, b"body of a post" if method == "POST" else None,
                               {"Host": "payinv.example", **({"Connection": "close"} if ONCE else {})})
            answer = connection.getresponse()
            body = answer.read().decode()
            if answer.status != 200:
                raise http.client.HTTPException(f"status {answer.status}")
            took = (time.monotonic() - began) * 1000
            with LOCK:
                RESULT["ok"] += 1
                RESULT["longest_ms"] = max(RESULT["longest_ms"], took)
                RESULT["slots"][body.split()[0]] += 1
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            with LOCK:
                RESULT["failed"][f"{type(error).__name__} {error} {method}"] += 1
        STOP.wait(think * random.uniform(0.5, 1.5))
    connection.close()


def main():
    host, _, port = sys.argv[1].partition(":")
    think = int(sys.argv[3]) / 1000
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())
    threads = [threading.Thread(target=client, args=(i, host, int(port), think))
               for i in range(int(sys.argv[2]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(RESULT))


main()
