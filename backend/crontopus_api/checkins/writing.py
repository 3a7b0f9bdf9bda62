"""Everything that a batch of check-ins changes, written by one statement.

One round trip, and outside a transaction block a transaction of its own. The rows travel as JSON, which
PostgreSQL takes apart faster than a client in Python can put arrays together. What was concluded from a status row
is written only if the row is still the one that was read (`xmin`); the statement answers which were not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from crontopus_api.checkins.engine import Change, Status
from crontopus_api.checkins.records import Live, RunRow
from crontopus_api.kit.prepared import Prepared

Connection = psycopg.AsyncConnection[Any]
Key = tuple[UUID, UUID]
"""(tenant id, instance id)"""
KeyRow = tuple[UUID, UUID, UUID, UUID, datetime, datetime]
"""(tenant id, instance id, key, run id, partition_at, created_at)"""


@dataclass
class Written:
    """What is to be written. Runs of an instance that has no status row are written in any case.

    `fresh`: nothing is stored of any of the runs, so PostgreSQL need not look. If it is, nothing is written.
    """

    lives: Sequence[Live] = ()
    runs: Sequence[RunRow] = ()
    keys: Sequence[KeyRow] = ()
    changes: Sequence[tuple[Live, Change]] = ()
    fresh: bool = False


_STATUS = {
    "tenant_id": "uuid",
    "instance_id": "uuid",
    "seen": "xid",
    "state": "text",
    "since": "timestamptz",
    "version": "bigint",
    "due_at": "timestamptz",
    "deadline_at": "timestamptz",
    "last_seen_at": "timestamptz",
    "failures": "int",
    "successes": "int",
    "open_runs": "jsonb",
    "missed_slot_at": "timestamptz",
    "excused_until": "timestamptz",
    "warnings": "jsonb",
    "last_run_id": "uuid",
    "last_run_state": "text",
    "last_run_started_at": "timestamptz",
    "last_run_finished_at": "timestamptz",
    "last_run_duration_ms": "bigint",
    "last_run_exit_code": "int",
}
_OF_STATUS = [name for name in _STATUS if hasattr(Status, name)]
_RUN = {
    "tenant_id": "uuid",
    "partition_at": "timestamptz",
    "id": "uuid",
    "instance_id": "uuid",
    "job_id": "uuid",
    "endpoint_id": "uuid",
    "state": "text",
    "source": "text",
    "slot_at": "timestamptz",
    "started_at": "timestamptz",
    "finished_at": "timestamptz",
    "duration_ms": "bigint",
    "exit_code": "int",
    "commit_id": "text",
    "message": "text",
    "output_bytes": "int",
    "output_total_bytes": "bigint",
    "output_truncated": "boolean",
    "host": "text",
    "environment": "text",
    "metrics": "jsonb",
}
_KEY = {
    "tenant_id": "uuid",
    "instance_id": "uuid",
    "key": "uuid",
    "run_id": "uuid",
    "partition_at": "timestamptz",
    "created_at": "timestamptz",
}
_CHANGE = {
    "tenant_id": "uuid",
    "instance_id": "uuid",
    "version": "bigint",
    "job_id": "uuid",
    "endpoint_id": "uuid",
    "from_state": "text",
    "to_state": "text",
    "reason": "text",
    "run_id": "uuid",
    "at": "timestamptz",
    "recorded_at": "timestamptz",
}


def _rows(parameter: int, columns: dict[str, str]) -> str:
    """A parameter of the statement, an array of JSON objects, as a table."""
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"json_to_recordset(${parameter}::json) AS w({typed})"


# What is not sent is this; anything else that is not sent is NULL.
_DEFAULTS = {
    "failures": "0",
    "successes": "0",
    "open_runs": "'[]'",
    "warnings": "'[]'",
    "output_truncated": "false",
}


def _value(name: str) -> str:
    return f"coalesce(w.{name}, {_DEFAULTS[name]})" if name in _DEFAULTS else f"w.{name}"


# Not what was concluded from a row that has changed.
_MINE = "(loose OR (tenant_id, instance_id) IN (SELECT tenant_id, instance_id FROM moved))"


def _also(parameter: int, table: str, columns: dict[str, str], otherwise: str = "") -> str:
    names, sent = ", ".join(columns), _rows(parameter, {**columns, "loose": "boolean"})
    return f""",
    new_{table} AS (
        INSERT INTO {table} ({names}) SELECT {names} FROM {sent} WHERE {_MINE} {otherwise}
    )"""  # noqa: S608 - names of our own columns


def _statement(*, keys: bool, changes: bool, fresh: bool) -> str:
    """What there is none of is left out: to find that there is nothing to do takes PostgreSQL a while too."""
    kept = [name for name in _STATUS if not name.startswith("last_run_")]
    plain = [f"{name} = {_value(name)}" for name in kept if name not in {"tenant_id", "instance_id", "seen"}]
    last = [
        f"{name} = CASE WHEN w.last_run_id IS NULL THEN h.{name} ELSE w.{name} END"
        for name in _STATUS
        if name.startswith("last_run_")
    ]
    more = _also(3, "run_keys", _KEY, "ON CONFLICT DO NOTHING") if keys else ""
    more += _also(4 if keys else 3, "status_changes", _CHANGE) if changes else ""
    # cross-tenant: a batch holds check-ins of any tenants, each row with its own
    return f"""
    WITH moved AS (
        -- In the order they are sent, which is that of their ids, as everybody locks them: see `store.by_keys`.
        UPDATE instance_status h SET {", ".join(plain + last)} FROM {_rows(1, _STATUS)}
        WHERE h.tenant_id = w.tenant_id AND h.instance_id = w.instance_id AND h.xmin = w.seen
        RETURNING h.tenant_id, h.instance_id, h.xmin
    ),
    mine AS MATERIALIZED (
        SELECT * FROM {_rows(2, {**_RUN, "content": "text", "loose": "boolean"})} WHERE {_MINE}
    ),
    new_runs AS (
        INSERT INTO runs AS r ({", ".join(_RUN)}) SELECT {", ".join(_value(name) for name in _RUN)} FROM mine w
        {"" if fresh else _onto_runs()}
    ),
    new_outputs AS (
        INSERT INTO run_outputs (tenant_id, partition_at, run_id, content)
        SELECT tenant_id, partition_at, id, decode(content, 'base64') FROM mine WHERE content IS NOT NULL
        {"" if fresh else "ON CONFLICT (tenant_id, partition_at, run_id) DO UPDATE SET content = excluded.content"}
    ){more}
    SELECT max(xmin::text), string_agg(uuid_send(instance_id), '') FROM moved
    """  # noqa: S608 - names of our own columns


def _onto_runs() -> str:
    """What is stored of a run is kept where nothing newer is known."""
    fixed = {"tenant_id", "partition_at", "id", "instance_id", "job_id", "endpoint_id", "source"}
    own_rule = {"state", "started_at", "output_truncated"}
    taken = [f"{name} = coalesce(excluded.{name}, r.{name})" for name in _RUN if name not in fixed | own_rule]
    return f"""ON CONFLICT (tenant_id, partition_at, id) DO UPDATE SET
            -- A start that arrives after its own finish must not reopen the run.
            state = CASE WHEN excluded.state = 'running' THEN r.state ELSE excluded.state END,
            started_at = coalesce(r.started_at, excluded.started_at),
            output_truncated = r.output_truncated OR excluded.output_truncated,
            {", ".join(taken)}"""


@cache
def _prepared(*, keys: bool, changes: bool, fresh: bool) -> Prepared:
    name = f"write_check_ins{'_keys' * keys}{'_changes' * changes}{'_fresh' * fresh}"
    return Prepared(name, _statement(keys=keys, changes=changes, fresh=fresh))


_encode = msgspec.json.Encoder().encode


class Versions(NamedTuple):
    """`now`: what the status rows that were written are now, see `Live.seen`. `stale`: instances whose row was not
    the one seen any more; of these nothing was written."""

    now: str
    stale: frozenset[UUID]


async def write(connection: Connection, written: Written, now: datetime) -> Versions:
    statement = _prepared(keys=bool(written.keys), changes=bool(written.changes), fresh=written.fresh)
    [(version, moved)] = await statement.execute(connection, parameters(written, now))
    return Versions((version or b"").decode(), _others(written.lives, moved or b""))


def _others(lives: Sequence[Live], moved: bytes) -> frozenset[UUID]:
    """The instances with a status whose ids are not among `moved`, which holds 16 bytes of each."""
    sent = [live.instance_id for live in lives if live.status is not None]
    if len(moved) == 16 * len(sent):
        return frozenset()
    return frozenset(sent) - {UUID(bytes=moved[start : start + 16]) for start in range(0, len(moved), 16)}


def parameters(written: Written, now: datetime) -> list[bytes]:
    loose = {live.instance_id for live in written.lives if live.status is None}
    in_order = sorted(written.lives, key=lambda live: live.instance_id.int)
    data = [
        _encode([_status_row(live) for live in in_order if live.status is not None]),
        _encode(written.runs),
    ]
    if written.keys:
        data.append(_encode([_key_row(key, loose) for key in written.keys]))
    if written.changes:
        data.append(_encode([_change_row(live, change, now) for live, change in written.changes]))
    return data


def _status_row(live: Live) -> dict[str, Any]:
    status, last = live.status, live.last_run
    assert status is not None
    row: dict[str, Any] = {
        "tenant_id": live.tenant_id,
        "instance_id": live.instance_id,
        "seen": live.seen,
    }
    for name in _OF_STATUS:
        value = getattr(status, name)
        if value:
            row[name] = value
    if last is not None:
        row["last_run_id"], row["last_run_state"] = last.id, last.state
        for name, value in (
            ("last_run_started_at", last.started_at),
            ("last_run_finished_at", last.finished_at),
            ("last_run_duration_ms", last.duration_ms),
            ("last_run_exit_code", last.exit_code),
        ):
            if value is not None:
                row[name] = value
    return row


def _key_row(key: KeyRow, loose: set[UUID]) -> dict[str, Any]:
    return {**dict(zip(_KEY, key, strict=True)), "loose": key[1] in loose}


def _change_row(live: Live, change: Change, now: datetime) -> dict[str, Any]:
    return {
        "tenant_id": live.tenant_id,
        "instance_id": live.instance_id,
        "job_id": live.job_id,
        "endpoint_id": live.endpoint_id,
        "version": change.version,
        "from_state": change.from_state,
        "to_state": change.to_state,
        "reason": change.reason,
        "run_id": change.run_id,
        "at": change.at,
        "recorded_at": now,
    }
