"""The deadline scanner: notices what did not happen.

Any number of workers may run it: each claims overdue instances with SKIP LOCKED, and moves them together
with the status-change rows that alerts wait for, in one transaction per batch.
"""

from datetime import datetime

import psycopg

from crontopus_api.checkins import store
from crontopus_api.checkins.engine import Change, on_deadline
from crontopus_api.checkins.metrics import DEADLINES, SCANNER_LAG
from crontopus_api.checkins.records import Live, RunRow
from crontopus_api.checkins.writing import Written, write
from crontopus_api.kit.ids import uuid7
from crontopus_api.live.topics import announce_raw

BATCH = 500


async def scan_once(connection: psycopg.AsyncConnection) -> int:
    """Handle one batch of passed deadlines; how many there were. Opens its own transaction."""
    async with connection.transaction():
        now = await store.enter_role(connection, "crontopus_scanner")
        overdue = await store.claim_overdue(connection, now, BATCH)
        if not overdue:
            SCANNER_LAG.set(0)
            return 0
        changes: list[tuple[Live, Change]] = []
        missed: list[RunRow] = []
        for live in overdue:
            assert live.status is not None
            _observe(live.status.deadline_at, now)
            moved, slots = on_deadline(live.status, live.expectation, now)
            changes += [(live, change) for change in moved]
            missed += [_missed_run(live, slot) for slot in slots]
        await write(connection, Written(overdue, missed, changes=changes), now)
        await announce_raw(connection, {live.tenant_id for live in overdue}, ("runs", "jobs"))
    DEADLINES.inc(len(overdue))
    return len(overdue)


def _observe(deadline_at: datetime | None, now: datetime) -> None:
    if deadline_at is not None:
        SCANNER_LAG.set((now - deadline_at).total_seconds())


def _missed_run(live: Live, slot: datetime) -> RunRow:
    """A run that did not take place, so that it stands in the history where it is missing."""
    return RunRow(
        tenant_id=live.tenant_id,
        partition_at=slot,
        id=uuid7(slot),
        instance_id=live.instance_id,
        job_id=live.job_id,
        endpoint_id=live.endpoint_id,
        state="missed",
        source="agent" if live.endpoint_id is not None else "ping",
        slot_at=slot,
        message="no run was reported in time",
    )
