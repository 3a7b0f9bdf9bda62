"""Durable before acknowledged, in groups.

Check-ins that arrive while a transaction is in flight wait for the next one, which takes them all. One
task, one transaction at a time: the busier it gets, the larger the groups, and no two writers of this
process ever wait for each other's row locks.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
import structlog

from crontopus_api.checkins import store
from crontopus_api.checkins.fold import Fold
from crontopus_api.checkins.metrics import BATCH_SECONDS, BATCH_SIZE
from crontopus_api.checkins.records import Answer, CheckIn, Target
from crontopus_api.checkins.withdrawing import withdraw
from crontopus_api.checkins.writing import Written, write
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Unavailable
from crontopus_api.live.topics import announce_raw

log = structlog.get_logger()

MOST_PER_BATCH = 500
# Beyond this many waiting check-ins the database is not keeping up: better to say so than to grow.
MOST_WAITING = 20_000
_DEADLOCK_TRIES = 5


@dataclass(frozen=True)
class _Waiting:
    check_in: CheckIn
    answer: "asyncio.Future[Answer]"


class CheckInWriter:
    """The one way a check-in gets into the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(MOST_WAITING)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._drain(), name="check-in writer")

    async def stop(self) -> None:
        """Write what is waiting, then end."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._queue.join(), 5)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def submit(self, check_in: CheckIn) -> Answer:
        """Answers once the check-in is committed. Raises Unavailable when it could not be."""
        return (await self.submit_all([check_in]))[0]

    async def submit_all(self, check_ins: Sequence[CheckIn]) -> list[Answer]:
        """The same for several, in order."""
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(check_in, loop.create_future()) for check_in in check_ins]
        if self._queue.qsize() + len(waiting) > MOST_WAITING:
            raise Unavailable("Too many check-ins are waiting.", retry_after_seconds=2)
        for each in waiting:
            self._queue.put_nowait(each)
        return await asyncio.gather(*(each.answer for each in waiting))

    async def _drain(self) -> None:
        connection: psycopg.AsyncConnection | None = None
        while True:
            batch = await self._next_batch()
            try:
                if connection is None or connection.closed:
                    connection = await self._database.connect_direct()
                await self._write_or_split(connection, batch)
            except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
                log.warning("check_ins_not_written", count=len(batch), error=str(error))
                if connection is not None:
                    await connection.close()
                connection = None
                self._fail(batch)
            for _ in batch:
                self._queue.task_done()

    async def _write_or_split(self, connection: psycopg.AsyncConnection, batch: Sequence[_Waiting]) -> None:
        """Raises when the database is away. A check-in that cannot be written fails alone, not its group."""
        try:
            answers = await self._write(connection, [each.check_in for each in batch])
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError):
            raise
        except Exception:
            if len(batch) == 1:
                log.exception("check_in_failed", event_id=str(batch[0].check_in.event_id))
                self._fail(batch)
                return
            for each in batch:
                await self._write_or_split(connection, [each])
        else:
            for each, answer in zip(batch, answers, strict=True):
                if not each.answer.done():
                    each.answer.set_result(answer)

    async def _next_batch(self) -> list[_Waiting]:
        batch = [await self._queue.get()]
        while len(batch) < MOST_PER_BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    @staticmethod
    def _fail(batch: Sequence[_Waiting]) -> None:
        for each in batch:
            if not each.answer.done():
                each.answer.set_exception(
                    Unavailable("The check-in could not be stored. Send it again.", retry_after_seconds=5)
                )

    @staticmethod
    async def _write(connection: psycopg.AsyncConnection, check_ins: Sequence[CheckIn]) -> list[Answer]:
        BATCH_SIZE.observe(len(check_ins))
        for attempt in range(1, _DEADLOCK_TRIES + 1):
            try:
                with BATCH_SECONDS.time():
                    async with connection.transaction():
                        return await write_batch(connection, check_ins)
            except psycopg.errors.DeadlockDetected:
                # A projection locks the rows of one job after another, in another order than ours. PostgreSQL
                # ended us so that it could go on: nothing was written, the same again will do.
                if attempt == _DEADLOCK_TRIES:
                    raise
        raise AssertionError("unreachable: the last try returns or raises")


async def write_batch(connection: psycopg.AsyncConnection, check_ins: Sequence[CheckIn]) -> list[Answer]:
    """Apply check-ins in order within the caller's transaction."""
    now = await store.enter_role(connection, "crontopus_ingest")
    keys = await _resolve(connection, check_ins)
    lives = await store.load(connection, {key for key in keys if key is not None})
    wanted = {
        (*key, identifier)
        for key, check_in in zip(keys, check_ins, strict=True)
        if key is not None
        for identifier in (check_in.event_id, check_in.run_key)
        if identifier is not None
    }
    fold = Fold(now, await store.find_keys(connection, wanted))
    answers = []
    touched = set()
    for key, check_in in zip(keys, check_ins, strict=True):
        live = lives.get(key) if key is not None else None
        if live is None or not _may(check_in.target, live.endpoint_id):
            answers.append(Answer(check_in.event_id, "unknown"))
            continue
        answer = fold.add(check_in, live)
        answers.append(answer)
        if answer.status == "accepted" and key is not None:
            touched.add(key)
    if touched:
        written = Written(
            [lives[key] for key in touched], list(fold.runs.values()), fold.new_keys, fold.changes
        )
        await write(connection, written, now)
        if fold.withdrawn:
            await withdraw(connection, fold.withdrawn)
        await announce_raw(connection, {key[0] for key in touched}, ("runs", "jobs"))
    return answers


async def _resolve(
    connection: psycopg.AsyncConnection, check_ins: Sequence[CheckIn]
) -> list[store.Key | None]:
    digests = [check_in.target.digest for check_in in check_ins if check_in.target.digest is not None]
    by_digest = await store.resolve_digests(connection, digests) if digests else {}
    return [_key(check_in.target, by_digest) for check_in in check_ins]


def _key(target: Target, by_digest: dict[bytes, store.Key]) -> store.Key | None:
    if target.digest is not None:
        return by_digest.get(target.digest)
    assert target.tenant_id is not None
    assert target.instance_id is not None
    return target.tenant_id, target.instance_id


def _may(target: Target, endpoint_id: object) -> bool:
    return target.endpoint_id is None or target.endpoint_id == endpoint_id
