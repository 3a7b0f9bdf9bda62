"""The ping door: Healthchecks' protocol, a raw ASGI app in front of the rest.

`/ping/{key}` with `/start`, `/fail`, `/log` or `/{0-255}`; HEAD, GET and POST; `?rid=` names the run.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from crontopus_api.checkins.metrics import RECEIVED
from crontopus_api.checkins.records import CheckIn, Output, Target
from crontopus_api.checkins.writer import CheckInWriter
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.errors import Unavailable
from crontopus_api.kit.ids import uuid7

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_LIMIT = 64 * 1024
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PATH = re.compile(
    rf"/ping/(?P<key>{_UUID.pattern})(?:/(?P<action>start|fail|log|[0-9]{{1,3}}))?/?", re.IGNORECASE
)
_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"access-control-allow-origin", b"*"),
    (b"ping-body-limit", str(BODY_LIMIT).encode()),
]


class PingApp:
    def __init__(self, writer: CheckInWriter, keyring: Keyring) -> None:
        self._writer = writer
        self._keyring = keyring

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        status, text = await self._answer(scope, receive)
        RECEIVED.labels("ping", "ok" if status < 300 else str(status)).inc()
        extra = [(b"retry-after", b"5")] if status == 503 else []
        body = b"" if scope["method"] == "HEAD" else text.encode()
        await send({"type": "http.response.start", "status": status, "headers": [*_HEADERS, *extra]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: MutableMapping[str, Any], receive: Receive) -> tuple[int, str]:
        if scope["method"] not in {"GET", "POST", "HEAD"}:
            return 405, "method not allowed"
        match = _PATH.fullmatch(scope["path"])
        exit_code = int(match["action"]) if match and (match["action"] or "").isdigit() else 0
        if match is None or exit_code > 255:
            return 400, "invalid url format"
        query = parse_qs(scope["query_string"].decode("latin-1"))
        run_key = query.get("rid", [None])[0]
        if run_key is not None and not _UUID.fullmatch(run_key):
            return 400, "invalid uuid format"
        check_in = self._check_in(
            match["key"].lower(),
            (match["action"] or "").lower(),
            UUID(run_key) if run_key else None,
            await _read_output(receive),
        )
        try:
            answer = await self._writer.submit(check_in)
        except Unavailable:
            return 503, "try again"
        return (404, "not found") if answer.status == "unknown" else (200, "OK")

    def _check_in(self, key: str, action: str, run_key: UUID | None, output: Output | None) -> CheckIn:
        exit_code = int(action) if action.isdigit() else None
        failed = action == "fail" or bool(exit_code)
        return CheckIn(
            event_id=uuid7(),
            minted=True,
            at=self._writer.now(),
            target=Target(digest=self._keyring.lookup(key)),
            kind="start" if action == "start" else "log" if action == "log" else "finish",
            source="ping",
            run_key=run_key,
            outcome="failure" if failed else "success",
            exit_code=exit_code,
            output=output,
        )


async def _read_output(receive: Receive) -> Output | None:
    """The request's body as the run's output: what fits, and how much there was."""
    kept, total = bytearray(), 0
    more = True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        total += len(chunk)
        kept += chunk[: max(0, BODY_LIMIT - len(kept))]
        more = message.get("more_body", False)
    return Output(bytes(kept), total, total > len(kept)) if total else None
