"""examples/payinv for uvicorn: every answer begins with the slot, the port and the pid."""

import asyncio
import os
from urllib.parse import parse_qs

TEXT = f"{os.environ['PAYINV_SLOT']} {os.environ['PAYINV_PORT']} {os.getpid()}\n".encode()


async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(int(parse_qs(scope["query_string"].decode())["ms"][0]) / 1000)
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-length", str(len(TEXT)).encode())]})
    await send({"type": "http.response.body", "body": TEXT})
