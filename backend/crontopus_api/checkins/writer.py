"""Durable before acknowledged, in groups.

Check-ins that arrive while a statement is in flight wait for the next one, which takes them all. One task, one
statement at a time: the busier it gets, the larger the groups, and no two writers of this process ever wait for
each other's row locks. While the database is away, a journal on the disk takes what it can vouch for.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import structlog

from crontopus_api.checkins import batches
from crontopus_api.checkins.announcer import Announcer
from crontopus_api.checkins.cache import StatusCache
from crontopus_api.checkins.journal import Journal
from crontopus_api.checkins.metrics import BATCH_SECONDS, BATCH_SIZE, BATCH_WAIT, JOURNAL_BYTES, JOURNALED
from crontopus_api.checkins.records import Answer, CheckIn
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Unavailable

log = structlog.get_logger()

MOST_PER_BATCH = 500
# Beyond this many waiting check-ins, or bytes of them, the database is not keeping up: better to say so than to grow.
MOST_WAITING = 20_000
MOST_WAITING_BYTES = 32 << 20
# Passes of the event loop that bring no further check-in: from socket to queue it takes two.
_QUIET_PASSES = 3
_DEADLOCK_TRIES = 5
# Of so many instances at least, one may be heard of again in a batch without everything being looked up.
_FEW = 4
_RETRY_SECONDS = 0.5
_STATEMENT_SECONDS = 15.0
_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    OSError,
    TimeoutError,
)


@dataclass(slots=True)
class _Waiting:
    check_in: CheckIn
    answer: "asyncio.Future[Answer]"
    since: float = field(default_factory=time.monotonic)


class CheckInWriter:
    """The one way a check-in gets into the database. `journal_directory` None: nothing outlives the process here."""

    def __init__(self, database: Database, journal_directory: Path | None = None) -> None:
        self._database = database
        self._cache = StatusCache()
        self._journal = Journal(journal_directory) if journal_directory is not None else None
        self._announcer = Announcer(self._wake)
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._ahead = timedelta()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._drain(), name="check-in writer")

    async def stop(self) -> None:
        """Write what is waiting, then end."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.settled(), 5)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._disconnect()
        if self._journal is not None:
            self._journal.close()

    async def settled(self) -> None:
        """Returns when nothing waits, neither in memory nor on the disk."""
        await self._idle.wait()

    def now(self) -> datetime:
        """The database's time, as far as this process knows it."""
        return datetime.now(UTC) + self._ahead

    async def submit(self, check_in: CheckIn) -> Answer:
        """Answers once the check-in is safe. Raises Unavailable when it could not be made so."""
        return await self._enqueue(check_in)

    async def submit_all(self, check_ins: Sequence[CheckIn]) -> list[Answer]:
        """The same for several, in order."""
        return await asyncio.gather(*[self._enqueue(check_in) for check_in in check_ins])

    def _enqueue(self, check_in: CheckIn) -> "asyncio.Future[Answer]":
        size = len(check_in.output.content) if check_in.output else 0
        if len(self._queue) >= MOST_WAITING or self._bytes + size > MOST_WAITING_BYTES:
            raise Unavailable("Too many check-ins are waiting.", retry_after_seconds=2)
        waiting = _Waiting(check_in, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._bytes += size
        self._wake()
        return waiting.answer

    def _wake(self) -> None:
        self._idle.clear()
        self._something.set()

    async def _drain(self) -> None:
        if self._journal is not None:
            await asyncio.to_thread(self._journal.adopt)
        while True:
            if self._journal is not None and self._journal.pending:
                await self._catch_up(self._journal)
            else:
                await self._write_next()

    async def _write_next(self) -> None:
        if not self._queue and not self._announcer.due:
            self._idle.set()
            await self._something.wait()
        self._something.clear()
        await self._take_in()
        batch = self._next_batch()
        try:
            connection = await self._connected()
            if batch:
                await self._write_or_split(connection, batch)
            if self._announcer.due:
                await self._announcer.send(connection)
        except _AWAY as error:
            log.warning("check_ins_not_written", count=len(batch), error=str(error))
            await self._disconnect()
            self._announcer.forget()
            await self._keep([each for each in batch if not each.answer.done()])

    async def _take_in(self) -> None:
        """Let what has reached the process come as far as the queue: this thread is what limits it, not PostgreSQL,
        and a statement costs a millisecond however few it writes."""
        waiting, quiet = 0, 0
        while quiet < _QUIET_PASSES and waiting < MOST_PER_BATCH:
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._queue) == waiting else 0
            waiting = len(self._queue)

    async def _catch_up(self, journal: Journal) -> None:
        """What waits on the disk goes first; whatever comes meanwhile queues up behind it."""
        try:
            connection = await self._connected()
            chunk = await asyncio.to_thread(journal.next_chunk, MOST_PER_BATCH)
            if chunk:
                await self._write_again(connection, chunk)
                await asyncio.to_thread(journal.done)
            JOURNAL_BYTES.set(journal.waiting_bytes)
        except _AWAY as error:
            log.warning("journal_waits", error=str(error))
            await self._disconnect()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._something.wait(), _RETRY_SECONDS)
        self._something.clear()
        while self._queue:
            await self._keep(self._next_batch())

    async def _keep(self, batch: Sequence[_Waiting]) -> None:
        """Into the journal, those that are sure to find their instance later; the others are told to try again."""
        sure = [
            each for each in batch if self._journal is not None and self._cache.knows(each.check_in.target)
        ]
        if sure and self._journal is not None:
            try:
                await asyncio.to_thread(self._journal.append, [each.check_in for each in sure])
            except OSError as error:
                log.exception("journal_refused", error=str(error), count=len(sure))
            else:
                JOURNALED.inc(len(sure))
                JOURNAL_BYTES.set(self._journal.waiting_bytes)
                for each in sure:
                    _answer(each, Answer(each.check_in.event_id, "journaled"))
        _refuse(batch)

    def _next_batch(self) -> list[_Waiting]:
        batch = [self._queue.popleft() for _ in range(min(MOST_PER_BATCH, len(self._queue)))]
        self._bytes -= _size(batch)
        return batch

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            async with asyncio.timeout(_STATEMENT_SECONDS):
                connection = await self._database.connect_direct(autocommit=True)
                self._connection = connection
                await connection.execute("SET ROLE crontopus_ingest")
                cursor = await connection.execute("SELECT clock_timestamp()")
                row = await cursor.fetchone()
            assert row is not None
            self._ahead = row[0] - datetime.now(UTC)
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _write_or_split(
        self, connection: psycopg.AsyncConnection[Any], batch: Sequence[_Waiting]
    ) -> None:
        """Raises when the database is away. A check-in that cannot be written fails alone, not its group."""
        BATCH_SIZE.observe(len(batch))
        with BATCH_SECONDS.time():
            unknown, second = await self._write_remembered(connection, batch)
            if unknown:
                await self._look_up(connection, unknown)
        BATCH_WAIT.observe(time.monotonic() - batch[0].since)
        if second:
            self._queue.extendleft(reversed(second))
            self._bytes += _size(second)
            self._wake()

    async def _write_remembered(
        self, connection: psycopg.AsyncConnection[Any], batch: Sequence[_Waiting]
    ) -> tuple[list[_Waiting], list[_Waiting]]:
        """Those that must be looked up, as they are not remembered or remembered wrongly; and those that come second
        in a batch, after one of the same instance."""
        known, unknown, second = self._sorted(batch)
        if not known:
            return unknown, second
        try:
            async with asyncio.timeout(_STATEMENT_SECONDS):
                answers = await batches.write_known(
                    connection, self._cache, [found for _, found in known.values()], self.now()
                )
        except _AWAY as error:
            if not isinstance(error, psycopg.errors.DeadlockDetected):
                raise
            answers = [None] * len(known)
        except Exception:
            log.exception("check_ins_split", count=len(known))
            answers = [None] * len(known)
        for (each, _), answer in zip(known.values(), answers, strict=True):
            if answer is None:
                unknown.insert(0, each)  # before those of the same instance that came later
            else:
                _answer(each, answer)
        self._announcer.note({found.key[0] for _, found in known.values()})
        return unknown, second

    def _sorted(
        self, batch: Sequence[_Waiting]
    ) -> tuple[dict[batches.Key, tuple[_Waiting, batches.Known]], list[_Waiting], list[_Waiting]]:
        """(remembered, one of each instance; unknown; second). Of one instance each comes after those before it."""
        known: dict[batches.Key, tuple[_Waiting, batches.Known]] = {}
        unknown: list[_Waiting] = []
        second: list[_Waiting] = []
        behind_unknown: set[batches.Key | None] = set()
        behind_second: set[batches.Key | None] = set()
        for each in batch:
            found = batches.remembered(self._cache, each.check_in)
            key = found.key if found is not None else self._cache.key_of(each.check_in.target)
            if key in behind_second or (found is not None and key in known and key not in behind_unknown):
                second.append(each)
                behind_second.add(key)
            elif found is None or key in behind_unknown:
                unknown.append(each)
                behind_unknown.add(key)
            else:
                known[found.key] = (each, found)
        if len(second) > len(known) // _FEW:
            # A crowd of one instance: a look-up takes all of them at once, in their order.
            return {}, [*batch], []
        return known, unknown, second

    async def _look_up(self, connection: psycopg.AsyncConnection[Any], batch: Sequence[_Waiting]) -> None:
        try:
            answers = await self._try_looked_up(connection, [each.check_in for each in batch])
        except _AWAY:
            raise
        except Exception:
            if len(batch) == 1:
                log.exception("check_in_failed", event_id=str(batch[0].check_in.event_id))
                _refuse(batch)
                return
            for each in batch:
                await self._look_up(connection, [each])
        else:
            for each, answer in zip(batch, answers, strict=True):
                _answer(each, answer)

    async def _try_looked_up(
        self, connection: psycopg.AsyncConnection[Any], check_ins: Sequence[CheckIn]
    ) -> list[Answer]:
        for attempt in range(1, _DEADLOCK_TRIES + 1):
            try:
                async with asyncio.timeout(_STATEMENT_SECONDS):
                    answers, tenants = await batches.write_looked_up(connection, self._cache, check_ins)
            except psycopg.errors.DeadlockDetected:
                # A projection locks the rows of one job after another, in another order than ours. PostgreSQL
                # ended us so that it could go on: nothing was written, the same again will do.
                if attempt == _DEADLOCK_TRIES:
                    raise
            else:
                self._announcer.note(tenants)
                return answers
        raise AssertionError("unreachable: the last try returns or raises")

    async def _write_again(
        self, connection: psycopg.AsyncConnection[Any], check_ins: Sequence[CheckIn]
    ) -> None:
        """From the journal: acknowledged long ago, so nobody waits for the answer."""
        loop = asyncio.get_running_loop()
        replayed = [_Waiting(check_in, loop.create_future()) for check_in in check_ins]
        await self._look_up(connection, replayed)
        for each in replayed:
            if each.answer.exception() is None and each.answer.result().status == "unknown":
                log.warning("journaled_check_in_unknown", event_id=str(each.check_in.event_id))


def _size(waiting: Sequence[_Waiting]) -> int:
    return sum(len(each.check_in.output.content) for each in waiting if each.check_in.output)


def _answer(each: _Waiting, answer: Answer) -> None:
    if not each.answer.done():
        each.answer.set_result(answer)


def _refuse(batch: Sequence[_Waiting]) -> None:
    for each in batch:
        if not each.answer.done():
            each.answer.set_exception(
                Unavailable("The check-in could not be stored. Send it again.", retry_after_seconds=5)
            )
