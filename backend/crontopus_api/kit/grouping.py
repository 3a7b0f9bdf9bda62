"""Calls that come at about the same time, done as one: a transaction for each would cost most of what it does."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Grouped(Generic[T, R]):
    """`work` gets what several callers ask, `most` at once, and answers each in their order. It is called again for
    each alone when it fails for all of them: what is wrong with one is no trouble of the others.

    `linger_seconds`: so long the first one waits for others.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Awaitable[Sequence[R]]], *, linger_seconds: float, most: int
    ) -> None:
        self._work = work
        self._linger_seconds = linger_seconds
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._rounds: asyncio.Task[None] | None = None

    async def __call__(self, asked: T) -> R:
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._rounds is None:
            # In a context of its own: what is done for all is not part of the first one's trace.
            self._rounds = asyncio.create_task(self._go_round(), context=Context())
        return await answer

    async def _go_round(self) -> None:
        some: list[tuple[T, asyncio.Future[R]]] = []
        try:
            while self._waiting:
                await asyncio.sleep(self._linger_seconds)
                some, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer(some)
        finally:
            self._rounds = None
            # When this is cancelled: nobody waits for what does not come.
            for _, answer in (*some, *self._waiting):
                answer.cancel()

    async def _answer(self, some: Sequence[tuple[T, "asyncio.Future[R]"]]) -> None:
        try:
            answers = await self._work([asked for asked, _ in some])
        except Exception as error:
            if len(some) > 1:
                for each in some:
                    await self._answer([each])
            elif not some[0][1].done():
                some[0][1].set_exception(error)
            return
        for (_, future), answer in zip(some, answers, strict=True):
            # Who was cancelled meanwhile does not wait any more.
            if not future.done():
                future.set_result(answer)
