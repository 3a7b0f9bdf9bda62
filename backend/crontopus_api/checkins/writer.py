"""Durable before acknowledged, in groups.

Check-ins that arrive while groups are on their way wait for the next one, which takes them all: the busier it gets,
the larger the groups. Two may be on their way at once, so that this process reads requests while PostgreSQL writes,
but nothing of one instance is in both. While the database is away, a journal on the disk takes what it can vouch for.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from crontopus_api.checkins import store
from crontopus_api.checkins.announcer import Announcer
from crontopus_api.checkins.cache import StatusCache
from crontopus_api.checkins.groups import AWAY, STATEMENT_SECONDS, Connection, Groups
from crontopus_api.checkins.journal import Journal
from crontopus_api.checkins.line import Line, Waiting
from crontopus_api.checkins.metrics import JOURNAL_BYTES, JOURNALED
from crontopus_api.checkins.records import Answer, CheckIn
from crontopus_api.kit.database import Database

log = structlog.get_logger()

MOST_PER_GROUP = 500
# More than two wait for each other's locks and for the disk, and take processor time from this process.
_LANES = 2
# A statement costs PostgreSQL half a millisecond however few it writes: fewer than these are not worth a second one.
_FEW = 6
# Passes of the event loop that bring no further check-in: from socket to queue it takes two.
_QUIET_PASSES = 3
_RETRY_SECONDS = 0.5


class _Lane:
    """A connection for one group at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None

    async def connected(self) -> tuple[Connection, timedelta | None]:
        """With how far the database's clock is ahead of ours, when it was asked."""
        if self._connection is not None and not self._connection.closed:
            return self._connection, None
        async with asyncio.timeout(STATEMENT_SECONDS):
            connection = await self._database.connect_direct(autocommit=True)
            self._connection = connection
            await store.by_keys(connection)
            await connection.execute("SET ROLE crontopus_ingest")
            cursor = await connection.execute("SELECT clock_timestamp()")
            row = await cursor.fetchone()
        assert row is not None
        return connection, row[0] - datetime.now(UTC)

    async def disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


class CheckInWriter:
    """The one way a check-in gets into the database. `journal_directory` None: nothing outlives the process here."""

    def __init__(self, database: Database, journal_directory: Path | None = None) -> None:
        self._cache = StatusCache()
        self._line = Line(self._cache)
        self._journal = Journal(journal_directory) if journal_directory is not None else None
        self._keeping = asyncio.Lock()
        self._announcer = Announcer(self._wake)
        self._groups = Groups(self._cache, self._announcer, self)
        self._free = [_Lane(database) for _ in range(_LANES)]
        self._under_way: set[asyncio.Task[None]] = set()
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
        tasks = [self._task, *self._under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in self._free:
            await lane.disconnect()
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
        return await self.enqueue(check_in)

    async def submit_all(self, check_ins: Sequence[CheckIn]) -> list[Answer]:
        """The same for several, in order."""
        return await asyncio.gather(*[self.enqueue(check_in) for check_in in check_ins])

    def enqueue(self, check_in: CheckIn) -> "asyncio.Future[Answer]":
        """As `submit`, for who is no coroutine."""
        answer = self._line.add(check_in)
        self._wake()
        return answer

    def _wake(self) -> None:
        self._idle.clear()
        self._something.set()

    async def _drain(self) -> None:
        if self._journal is not None:
            await asyncio.to_thread(self._journal.adopt)
        while True:
            if self._journal is not None and self._journal.pending:
                await self._catch_up(self._journal)
            elif self._free and (self._line or self._announcer.due) and await self._send():
                continue
            else:
                await self._something_new()

    async def _something_new(self) -> None:
        """A check-in has come, a group has landed, or pages are to be told."""
        if not self._something.is_set() and not self._under_way:
            self._idle.set()
        await self._something.wait()
        self._something.clear()

    async def _send(self) -> bool:
        """Start the next group. False: whatever waits is of instances that are being written."""
        await self._take_in()
        group = self._line.take(self._share())
        if not group and not self._announcer.due:
            return False
        task = asyncio.create_task(self._fly(self._free.pop(), group))
        self._under_way.add(task)
        task.add_done_callback(self._landed)
        return True

    async def _take_in(self) -> None:
        """Let what has reached the process come as far as the line: this thread is what limits it, not PostgreSQL,
        and a statement costs a millisecond however few it writes."""
        waiting, quiet = 0, 0
        while quiet < _QUIET_PASSES and waiting < MOST_PER_GROUP:
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._line) == waiting else 0
            waiting = len(self._line)

    def _share(self) -> int:
        """Of many, half: the answers to one half bring the next check-ins while the other is being written."""
        together = len(self._line) + self._line.on_their_way
        return min(MOST_PER_GROUP, max(_FEW, -(-together // _LANES)))

    async def _fly(self, lane: _Lane, group: Sequence[Waiting]) -> None:
        again: Sequence[Waiting] = ()
        try:
            connection = await self._connected(lane)
            if group:
                again = await self._groups.write(connection, group)
            if self._announcer.due:
                await self._announcer.send(connection)
        except AWAY as error:
            log.warning("check_ins_not_written", count=len(group), error=str(error))
            await lane.disconnect()
            self._announcer.forget()
            await self._keep([each for each in group if not each.answer.done()])
        except BaseException:
            for each in group:
                each.refuse()
            raise
        finally:
            self._line.landed(group, again)
            self._free.append(lane)

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._something.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("check_in_group_failed", exc_info=error)

    async def _connected(self, lane: _Lane) -> Connection:
        connection, ahead = await lane.connected()
        if ahead is not None:
            self._ahead = ahead
        return connection

    async def _catch_up(self, journal: Journal) -> None:
        """What waits on the disk goes first; whatever comes meanwhile queues up behind it."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        try:
            connection = await self._connected(self._free[0])
            chunk = await asyncio.to_thread(journal.next_chunk, MOST_PER_GROUP)
            if chunk:
                await self._write_again(connection, chunk)
                await asyncio.to_thread(journal.done)
            JOURNAL_BYTES.set(journal.waiting_bytes)
        except AWAY as error:
            log.warning("journal_waits", error=str(error))
            await self._free[0].disconnect()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._something.wait(), _RETRY_SECONDS)
        self._something.clear()
        while group := self._line.take(MOST_PER_GROUP):
            await self._keep(group)
            self._line.landed(group)

    async def _write_again(self, connection: Connection, check_ins: Sequence[CheckIn]) -> None:
        """From the journal: acknowledged long ago, so nobody waits for the answer."""
        loop = asyncio.get_running_loop()
        replayed = [Waiting(check_in, loop.create_future()) for check_in in check_ins]
        await self._groups.look_up(connection, replayed)
        for each in replayed:
            if each.answer.exception() is None and each.answer.result().status == "unknown":
                log.warning("journaled_check_in_unknown", event_id=str(each.check_in.event_id))

    async def _keep(self, group: Sequence[Waiting]) -> None:
        """Into the journal, those that are sure to find their instance later; the others are told to try again."""
        sure = [
            each for each in group if self._journal is not None and self._cache.knows(each.check_in.target)
        ]
        if sure and self._journal is not None:
            try:
                async with self._keeping:
                    await asyncio.to_thread(self._journal.append, [each.check_in for each in sure])
            except OSError as error:
                log.exception("journal_refused", error=str(error), count=len(sure))
            else:
                JOURNALED.inc(len(sure))
                JOURNAL_BYTES.set(self._journal.waiting_bytes)
                for each in sure:
                    each.settle(Answer(each.check_in.event_id, "journaled"))
        for each in group:
            each.refuse()
