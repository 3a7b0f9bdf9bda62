"""The deadline scanner: notices what did not happen.

Any number of workers may run it: each claims overdue instances with SKIP LOCKED, and moves them together
with the status-change rows that alerts wait for, in one transaction per batch.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import psycopg

from crontopus_api.checkins import heartbeats, store
from crontopus_api.checkins.engine import Change, LostRun, Outage, on_deadline
from crontopus_api.checkins.metrics import DEADLINES, SCANNER_LAG
from crontopus_api.checkins.records import Live, RunRow, absence_id
from crontopus_api.checkins.writing import Written, write
from crontopus_api.live.topics import announce_raw

BATCH = 500


async def scan_once(connection: psycopg.AsyncConnection, batch: int = BATCH) -> int:
    """Handle one batch of passed deadlines; how many there were. Opens its own transaction."""
    async with connection.transaction():
        now = await store.enter_role(connection, "crontopus_scanner")
        outages = await heartbeats.known_outages(connection, now)
        if outages is None:
            return 0  # nobody can report: what is missing may be our fault
        overdue = await store.claim_overdue(connection, now, batch)
        if not overdue:
            SCANNER_LAG.set(0)
            return 0
        SCANNER_LAG.set(_lag(overdue[0], now))
        changes: list[tuple[Live, Change]] = []
        runs: list[RunRow] = []
        for live in overdue:
            changes += [(live, change) for change in _judge(live, outages, now, runs)]
        await write(connection, Written(overdue, runs, changes=changes), now)
        await announce_raw(connection, {live.tenant_id for live in overdue}, ("runs", "jobs"))
    DEADLINES.inc(len(overdue))
    return len(overdue)


def _lag(oldest: Live, now: datetime) -> float:
    """Seconds since the deadline that passed first."""
    assert oldest.status is not None
    assert oldest.status.deadline_at is not None
    return (now - oldest.status.deadline_at).total_seconds()


def _judge(live: Live, outages: Sequence[Outage], now: datetime, runs: list[RunRow]) -> list[Change]:
    """The changes of one instance; what its history says of it goes to `runs`."""
    assert live.status is not None
    passed = on_deadline(live.status, live.expectation, now, outages)
    runs += [_absence(live, slot, "missed", "no run was reported in time") for slot in passed.missed]
    forgiven = "Crontopus could not be reached when a run could have been reported"
    runs += [_absence(live, slot, "skipped", forgiven) for slot in passed.forgiven]
    runs += [_lost_run(live, lost, now) for lost in passed.lost]
    return passed.changes


def _absence(live: Live, slot: datetime, state: str, message: str) -> RunRow:
    """A run that did not take place, so that it stands in the history where it is missing."""
    row = _row(live, slot, absence_id(live.instance_id, slot), state)
    row.slot_at, row.message = slot, message
    return row


def _lost_run(live: Live, lost: LostRun, now: datetime) -> RunRow:
    row = _row(live, lost.run.partition_at, lost.run.run_id, "lost")
    row.finished_at, row.message = now, lost.message
    return row


def _row(live: Live, partition_at: datetime, run_id: UUID, state: str) -> RunRow:
    return RunRow(
        tenant_id=live.tenant_id,
        partition_at=partition_at,
        id=run_id,
        instance_id=live.instance_id,
        job_id=live.job_id,
        endpoint_id=live.endpoint_id,
        state=state,
        source="agent" if live.endpoint_id is not None else "ping",
    )
