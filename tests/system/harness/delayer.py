#!/usr/bin/python3
"""delayer.py MILLISECONDS: two network namespaces, joined by two TUN devices and this process, which
passes each packet on after half of that round trip. Prints "PID FD": the first namespace is
/proc/PID/fd/FD (10.99.0.1), the second /proc/PID/ns/net (10.99.0.2). Ends with its standard input.
"""

import collections
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
LIBC = ctypes.CDLL(None, use_errno=True)


def namespace(address):
    """This process goes into a new one; its TUN device."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        sys.exit(f"unshare: {os.strerror(ctypes.get_errno())}")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    for command in ("link set lo up", f"addr add {address}/30 dev tun0",
                    "link set tun0 txqueuelen 10000", "link set tun0 up"):
        subprocess.run(["ip", *command.split()], check=True)
    return tun


def take(source, queue, delay):
    try:
        while True:
            queue.append((time.monotonic() + delay, os.read(source, 65536)))
    except BlockingIOError:
        pass


def give(queue, to):
    now = time.monotonic()
    while queue and queue[0][0] <= now:
        try:
            os.write(to, queue[0][1])
        except BlockingIOError:
            return
        except OSError:
            pass  # as a network does
        queue.popleft()


def main():
    delay = float(sys.argv[1]) / 2000
    first = namespace("10.99.0.1")
    kept = os.open("/proc/self/ns/net", os.O_RDONLY)
    second = namespace("10.99.0.2")
    print(os.getpid(), kept, flush=True)
    there, back = collections.deque(), collections.deque()
    poll = select.epoll()
    for fd in (first, second, 0):
        poll.register(fd, select.EPOLLIN | (select.EPOLLHUP if fd == 0 else 0))
    while True:
        due = min((queue[0][0] for queue in (there, back) if queue), default=None)
        timeout = -1 if due is None else max(0, due - time.monotonic())
        for fd, _ in poll.poll(timeout):
            if fd == first:
                take(first, there, delay)
            elif fd == second:
                take(second, back, delay)
            elif not os.read(0, 1):
                return
        give(there, second)
        give(back, first)


main()
