#!/usr/bin/python3
"""Prints numbered lines until SIGTERM, then the number of the last one to the file.

    printer.py FILE LINES-A-SECOND [WIDTH]
"""

import os
import signal
import sys
import time

path, rate = sys.argv[1], float(sys.argv[2])
width = int(sys.argv[3]) if len(sys.argv) > 3 else 0
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
number, due = 0, time.monotonic()
while not ended:
    number += 1
    line = f"line {number} ".ljust(width, "x") + "\n"
    data = line.encode()
    while data:
        data = data[os.write(1, data):]
    due += 1 / rate
    time.sleep(max(0, due - time.monotonic()))
with open(path + ".new", "w") as out:
    out.write(f"{number}\n")
os.rename(path + ".new", path)
