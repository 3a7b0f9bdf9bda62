"""What can have changed. An event names topics only: receivers refetch what they show."""

import json
from collections.abc import Iterable
from typing import Any, Final, Literal
from uuid import UUID

import psycopg
from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

Topic = Literal["jobs", "runs", "incidents", "endpoints", "head"]
ALL: Final[frozenset[Topic]] = frozenset({"jobs", "runs", "incidents", "endpoints", "head"})
CHANNEL: Final = "crontopus_live"

# A NOTIFY payload holds 8,000 bytes; beyond this many tenants everybody is told to look.
_MOST_TENANTS = 150


def encode(tenant_ids: Iterable[UUID], topics: Iterable[Topic]) -> str:
    tenants = sorted({str(tenant_id) for tenant_id in tenant_ids})
    return json.dumps(
        {"tenants": tenants if len(tenants) <= _MOST_TENANTS else None, "topics": sorted(set(topics))}
    )


def decode(payload: str) -> tuple[set[UUID] | None, frozenset[Topic]]:
    """(tenants, or None for all of them; topics)."""
    message = json.loads(payload)
    tenants = message["tenants"]
    return None if tenants is None else {UUID(each) for each in tenants}, frozenset(message["topics"])


# For the RETURNING of a statement that is sent anyway, with `announcement` among its parameters.
ANNOUNCE: Final = func.pg_notify(CHANNEL, bindparam("announcement", type_=Text))
_ALONE: Final = select(ANNOUNCE)


def announcement(tenant_id: UUID, *topics: Topic) -> dict[str, str]:
    return {"announcement": encode([tenant_id], topics)}


async def announce(session: AsyncSession, tenant_id: UUID, *topics: Topic) -> None:
    """Tell every process, when this transaction commits, that something of the tenant changed."""
    await announce_each(session, [tenant_id], *topics)


async def announce_each(session: AsyncSession, tenant_ids: Iterable[UUID], *topics: Topic) -> None:
    """The same of several tenants: one NOTIFY."""
    await session.execute(_ALONE, {"announcement": encode(tenant_ids, topics)})


async def announce_raw(
    connection: psycopg.AsyncConnection[Any], tenant_ids: Iterable[UUID], topics: Iterable[Topic]
) -> None:
    """The same for a batch of several tenants on a raw connection: one NOTIFY, whatever the batch holds."""
    await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, encode(tenant_ids, topics)))
