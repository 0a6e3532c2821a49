#!/usr/bin/python3
"""An event listener that needs no package, as Supervisor's documentation shows how to write one.

    plain_listener.py FILE [result]

Appends the header line and the payload of each event to FILE, as a Python literal. result: what
it answers; "echo" for the payload itself, else OK.
"""

import sys

path, answer = sys.argv[1], (sys.argv[2:] + ["OK"])[0]
with open(path, "a", encoding="utf-8") as out:
    while True:
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        line = sys.stdin.readline()
        headers = dict(token.split(":") for token in line.split())
        payload = sys.stdin.read(int(headers["len"]))
        out.write(f"{(line, payload)!r}\n")
        out.flush()
        result = payload if answer == "echo" else answer
        sys.stdout.write(f"RESULT {len(result.encode())}\n{result}")
        sys.stdout.flush()
