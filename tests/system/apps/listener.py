#!/usr/bin/python3
"""An event listener written with Supervisor's own childutils.

    listener.py FILE [hang|die|lie|fail-once]

Appends "EVENTNAME SERIAL PAYLOAD" to FILE for each event. hang: never answers the first one; die:
ends on it; lie: breaks the protocol; fail-once: rejects the first one.
"""

import os
import sys
import time

from supervisor import childutils

path, how = sys.argv[1], (sys.argv[2:] + [""])[0]
with open(path, "a", encoding="utf-8") as out:
    while True:
        headers, payload = childutils.listener.wait()
        if how == "hang":
            time.sleep(1000)
        if how == "die":
            os._exit(1)
        if how == "lie":
            sys.stdout.write("I am no listener\n")
            sys.stdout.flush()
            time.sleep(1000)
        if how == "fail-once":
            how = ""
            childutils.listener.fail()
            continue
        out.write(f"{headers['eventname']} {headers['serial']} {payload!r}\n")
        out.flush()
        childutils.listener.ok()
