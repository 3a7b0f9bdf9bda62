"""Figures of Git, whichever host keeps the repositories."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

OPERATIONS = Counter(
    "crontopus_git_operations_total", "What Git clients and the API asked for.", ("operation", "result")
)
SECONDS = Histogram(
    "crontopus_git_operation_seconds",
    "Time it took.",
    ("operation",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300),
)
BEHIND = Gauge(
    "crontopus_repositories_behind", "Repositories whose HEAD was not the projected one at the last look."
)

_SERVICES = {"/git-upload-pack": "fetch", "/git-receive-pack": "push", "/info/refs": "list"}
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def observe(operation: str, result: str, seconds: float) -> None:
    OPERATIONS.labels(operation, result).inc()
    SECONDS.labels(operation).observe(seconds)


class Measured:
    """A Git door, with what passes through it counted."""

    def __init__(self, door: Any) -> None:
        self._door = door

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        operation = next((name for end, name in _SERVICES.items() if scope["path"].endswith(end)), "other")
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._door(scope, receive, noting)
        finally:
            observe(operation, _result(status), time.perf_counter() - began)


def _result(status: int) -> str:
    if status < 400:
        return "ok"
    return "refused" if status < 500 else "failed"
