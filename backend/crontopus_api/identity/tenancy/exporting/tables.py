"""What of the database is exported: every table of tenants, row by row, but nothing secret.

What is secret is stored as bytes, sealed or as a digest, and bytes are never exported; what runs printed is the one
exception. So a new table is in the export, and a new secret is not, without anybody thinking of it.
"""

import base64
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import LargeBinary, RowMapping, Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit.database import Base, Database, Scope, enter
from crontopus_api.kit.schemas import utc_text

# What is on its way or only remembered, and what is nothing without the secret in it.
_LEFT_OUT = {
    "endpoint_nonces",
    "git_intents",
    "job_ping_keys",
    "pending_check_ins",
    "pending_jobs",
    "run_keys",
    "tenant_ping_keys",
}
_OUTPUTS = "run_outputs"
# An output may be long: few of them are in memory at a time.
_ROWS, _OUTPUT_ROWS = 1_000, 16


def exported() -> list[Table]:
    """Tables of tenants in the order of what refers to what."""
    return [
        table
        for table in Base.metadata.sorted_tables
        if "tenant_id" in table.columns and table.name not in _LEFT_OUT
    ]


@asynccontextmanager
async def snapshot(database: Database, scope: Scope) -> AsyncIterator[AsyncSession]:
    """A transaction that sees one instant, whatever is written meanwhile, and writes nothing."""
    async with AsyncSession(database.engine) as session, session.begin():
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        await session.connection(execution_options=options)
        await enter(session, scope)
        yield session


async def pages(session: AsyncSession, table: Table, tenant_id: UUID) -> AsyncIterator[Sequence[RowMapping]]:
    """The tenant's rows in the order of the key, some at a time."""
    outputs = table.name == _OUTPUTS
    columns = [
        column
        for column in table.columns
        if column.name != "tenant_id" and (outputs or not isinstance(column.type, LargeBinary))
    ]
    size = _OUTPUT_ROWS if outputs else _ROWS
    query = select(*columns).where(table.c.tenant_id == tenant_id).order_by(*table.primary_key.columns)
    result = await session.stream(query, execution_options={"yield_per": size})
    async for page in result.mappings().partitions(size):
        yield page


def lines(table: Table, rows: Sequence[RowMapping]) -> bytes:
    """One JSON document per row."""
    shown = _output if table.name == _OUTPUTS else _row
    return b"".join(msgspec.json.encode(shown(row)) + b"\n" for row in rows)


def _row(row: RowMapping | dict[str, Any]) -> dict[str, Any]:
    return {name: utc_text(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _output(row: RowMapping) -> dict[str, Any]:
    """Text where it is text, else base64."""
    raw = zlib.decompress(row["content"])
    try:
        content, encoding = raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        content, encoding = base64.b64encode(raw).decode("ascii"), "base64"
    return _row({**row, "content": content, "encoding": encoding})
