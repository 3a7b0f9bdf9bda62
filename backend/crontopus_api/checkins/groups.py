"""How a group of check-ins gets into the database: what is remembered at once, the rest looked up."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import psycopg
import structlog

from crontopus_api.checkins import batches
from crontopus_api.checkins.announcer import Announcer
from crontopus_api.checkins.cache import QuickKey, StatusCache, quick
from crontopus_api.checkins.line import Waiting
from crontopus_api.checkins.metrics import BATCH_SECONDS, BATCH_SIZE, BATCH_WAIT
from crontopus_api.checkins.records import Answer, CheckIn
from crontopus_api.kit.clock import Clock

log = structlog.get_logger()

STATEMENT_SECONDS = 15.0
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    OSError,
    TimeoutError,
)
_DEADLOCK_TRIES = 5
# Of so many instances at least, one may be heard of again in a group without everything being looked up.
_FEW = 4

Connection = psycopg.AsyncConnection[Any]


class Groups:
    """Writes groups, each on a connection of its own at that time."""

    def __init__(self, cache: StatusCache, announcer: Announcer, clock: Clock) -> None:
        self._cache = cache
        self._announcer = announcer
        self._clock = clock

    async def write(self, connection: Connection, group: Sequence[Waiting]) -> list[Waiting]:
        """Answers what is to be written again, as it came second after another of the same instance.

        Raises one of AWAY when the database is away. A check-in that cannot be written fails alone, not its group.
        """
        BATCH_SIZE.observe(len(group))
        with BATCH_SECONDS.time():
            unknown, second = await self._write_remembered(connection, group)
            if unknown:
                await self.look_up(connection, unknown)
        BATCH_WAIT.observe(time.monotonic() - group[0].since)
        return second

    async def look_up(self, connection: Connection, group: Sequence[Waiting]) -> None:
        try:
            answers = await self._try_looked_up(connection, [each.check_in for each in group])
        except AWAY:
            raise
        except Exception:
            if len(group) == 1:
                log.exception("check_in_failed", event_id=str(group[0].check_in.event_id))
                group[0].refuse()
                return
            for each in group:
                await self.look_up(connection, [each])
        else:
            for each, answer in zip(group, answers, strict=True):
                each.settle(answer)

    async def _write_remembered(
        self, connection: Connection, group: Sequence[Waiting]
    ) -> tuple[list[Waiting], list[Waiting]]:
        """Those that must be looked up, as they are not remembered or remembered wrongly; and those that come second
        in a group, after one of the same instance."""
        known, unknown, second = self._sorted(group)
        if not known:
            return unknown, second
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                answers = await batches.write_known(
                    connection, self._cache, [found for _, found in known.values()], self._clock.now()
                )
        except AWAY as error:
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
                each.settle(answer)
        self._announcer.note({found.key[0] for _, found in known.values()})
        return unknown, second

    def _sorted(
        self, group: Sequence[Waiting]
    ) -> tuple[dict[QuickKey, tuple[Waiting, batches.Known]], list[Waiting], list[Waiting]]:
        """(remembered, one of each instance; unknown; second). Of one instance each comes after those before it."""
        known: dict[QuickKey, tuple[Waiting, batches.Known]] = {}
        unknown: list[Waiting] = []
        second: list[Waiting] = []
        behind_unknown: set[QuickKey | None] = set()
        behind_second: set[QuickKey | None] = set()
        for each in group:
            found = batches.remembered(self._cache, each.check_in)
            place = found.key if found is not None else self._cache.key_of(each.check_in.target)
            key = quick(place) if place is not None else None
            if key in behind_second or (found is not None and key in known and key not in behind_unknown):
                second.append(each)
                behind_second.add(key)
            elif found is None or key in behind_unknown:
                unknown.append(each)
                behind_unknown.add(key)
            elif key is not None:
                known[key] = (each, found)
        if len(second) > len(known) // _FEW:
            # A crowd of one instance: a look-up takes all of them at once, in their order.
            return {}, [*group], []
        return known, unknown, second

    async def _try_looked_up(self, connection: Connection, check_ins: Sequence[CheckIn]) -> list[Answer]:
        for attempt in range(1, _DEADLOCK_TRIES + 1):
            try:
                async with asyncio.timeout(STATEMENT_SECONDS):
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
