#!/usr/bin/python3
"""websockets.py HOST:PORT N: keeps N WebSockets open and opens one again as soon as it is ended.

SIGTERM: says what became of them as JSON. "ended": for each that was ended, when that was, when the
client was back (monotonic seconds), the slot before and after. "failed": what else happened.
"""

import asyncio
import gc
import json
import resource
import signal
import sys
import time
from collections import Counter

AT_ONCE = 200  # at the start; later each comes back at once
HEAD = ("GET /socket HTTP/1.1\r\nHost: payinv.example\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n").encode()
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 has this key and its answer
FRAME, ECHO = b"\x81\x82\0\0\0\0hi", b"\x81\x02hi"
RESULT = {"ended": [], "failed": Counter()}


async def open_one(host, port):
    """An open WebSocket over which one frame has gone there and back."""
    reader, writer = await asyncio.open_connection(host, port, limit=4096)
    writer.write(HEAD)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101 ") or ACCEPT not in head:
        raise ValueError(head.decode())
    back = time.monotonic()
    writer.write(FRAME)
    if await reader.readexactly(len(ECHO)) != ECHO:
        raise ValueError("another echo")
    return reader, writer, head.partition(b"X-Slot: ")[2][:1].decode(), back


async def client(host, port, begin):
    async with begin:
        reader, writer, slot, _ = await open_one(host, port)
    while True:
        try:
            if await reader.read(1):
                raise ValueError("a byte that was not asked for")
        except ConnectionResetError:
            pass
        ended, was = time.monotonic(), slot
        writer.close()
        reader, writer, slot, back = await open_one(host, port)
        RESULT["ended"].append((ended, back, was, slot))


async def watched(*args):
    try:
        await client(*args)
    except (OSError, EOFError, ValueError) as error:
        RESULT["failed"][f"{type(error).__name__}: {error}"] += 1


async def main():
    host, _, port = sys.argv[1].partition(":")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    gc.disable()  # it would stop everything for a while
    begin = asyncio.Semaphore(AT_ONCE)
    clients = [asyncio.ensure_future(watched(host, int(port), begin))
               for _ in range(int(sys.argv[2]))]
    await stop.wait()
    for one in clients:
        one.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    print(json.dumps(RESULT))


asyncio.run(main())
