"""Events that travel rightwards between features.

A feature may call those to its left. When something on the left must have an effect on the right (a
changed endpoint changes instances), the left emits an event and `main.py` says who handles it.
Handlers run in the emitter's transaction, so either all of it commits or none.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

Event = TypeVar("Event")
Handler = Callable[[AsyncSession, Any], Awaitable[None]]


class Events:
    def __init__(self) -> None:
        self._handlers: dict[type, list[Handler]] = defaultdict(list)

    def on(self, event: type[Event], handler: Callable[[AsyncSession, Event], Awaitable[None]]) -> None:
        self._handlers[event].append(handler)

    async def emit(self, session: AsyncSession, event: object) -> None:
        for handler in self._handlers[type(event)]:
            await handler(session, event)
