"""A vendor's API on this machine: it judges what it is sent by a schema of ours, and can be told to misbehave."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from crontopus_api.kit.http.asgi import Receive, Scope, Send

from ..http.serving import served

SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """`after`: waits for that before it answers. `reset`: takes the request and cuts the connection."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after: asyncio.Event | None = None
    reset: bool = False


Answers = Callable[[Asked], Reply]


class Receiver:
    """`schemas`: by the end of the path, the file that a request to it must fit."""

    def __init__(self, answers: Answers, schemas: dict[str, str] | None = None) -> None:
        self._answers = answers
        self._validators = {
            end: jsonschema.Draft202012Validator(json.loads((SCHEMAS / name).read_text(encoding="utf-8")))
            for end, name in (schemas or {}).items()
        }
        self.asked: list[Asked] = []
        self.next: deque[Reply] = deque()
        self.always: Reply | None = None
        self.complaints: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        asked = Asked(scope["method"], scope["path"] + (f"?{query}" if query else ""), headers, body)
        reply = self.next.popleft() if self.next else self.always
        if reply is None:
            self._judge(asked)
            self.asked.append(asked)
            reply = self._answers(asked)
        elif reply.reset:
            self.asked.append(asked)
            raise ConnectionResetError("told to")
        if reply.after is not None:
            await reply.after.wait()
        sent = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": sent})
        await send({"type": "http.response.body", "body": reply.body})

    def _judge(self, asked: Asked) -> None:
        for end, validator in self._validators.items():
            if asked.path.split("?")[0].endswith(end):
                self.complaints += [
                    f"{asked.path}: {each.json_path}: {each.message}"
                    for each in validator.iter_errors(asked.json)
                ]
                return
        if self._validators:
            self.complaints.append(f"{asked.path}: nothing is known of this")


def said(values: dict[str, Any], status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(values).encode(), {"content-type": "application/json", **headers})


@asynccontextmanager
async def running(receiver: Receiver) -> AsyncIterator[Receiver]:
    async with served(receiver) as receiver.port:
        yield receiver
