#!/usr/bin/python3
"""websocket.py ADDRESS SLOT: echoes WebSocket frames; says SLOT in its 101, and to others."""

import asyncio
import base64
import hashlib
import resource
import signal
import sys

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455


async def echo(reader, writer):
    """Short frames only. A client's frame is masked, a server's is not."""
    while True:
        kind, length = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        data = await reader.readexactly(length & 127)
        writer.write(bytes([kind, len(data)]) + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
        await writer.drain()


async def serve(reader, writer, slot):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        fields = {name.lower(): value.strip()
                  for name, _, value in (line.partition(b":") for line in lines[1:])}
        if b"sec-websocket-key" in fields:
            key = hashlib.sha1(fields[b"sec-websocket-key"] + _GUID).digest()
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         b"Connection: Upgrade\r\nX-Slot: %s\r\nSec-WebSocket-Accept: %s\r\n\r\n"
                         % (slot, base64.b64encode(key)))
            await echo(reader, writer)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
                         % (len(slot), slot))
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    host, _, port = sys.argv[1].partition(":")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sys.exit)
    server = await asyncio.start_server(lambda r, w: serve(r, w, sys.argv[2].encode()), host,
                                        int(port), backlog=1024, limit=4096)
    await server.serve_forever()


asyncio.run(main())
