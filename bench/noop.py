"""The least an ASGI server can do with a check-in: read it and say OK."""

import argparse
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from crontopus_api.server.api import serve
from crontopus_api.settings import Settings

Message = MutableMapping[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"OK"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    serve(app, Settings(port=parser.parse_args().port), lifespan="off")
