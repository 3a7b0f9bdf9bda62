"""An ASGI application on a real port, in the test's own event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from crontopus_api.kit.http.connections import GuardedConnection


@asynccontextmanager
async def served(
    app: Any, connection: type[GuardedConnection] = GuardedConnection, **options: Any
) -> AsyncIterator[int]:
    """The port."""
    config = uvicorn.Config(
        app, http=connection, ws="none", lifespan="off", log_config=None, proxy_headers=False, **options
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            server.force_exit = True
            await task


async def talk(port: int, *parts: bytes) -> bytes:
    """Send the parts one after another; what comes back until the server closes, or nothing more comes for a while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                while piece := await reader.read(65536):
                    answer += piece
    finally:
        writer.transport.abort()
    return answer


def status_of(answer: bytes) -> int:
    """0: the connection was closed without a word."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
