"""How figures of the whole installation are read: in the operators' role, read-only, and never for long."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit.database import Database, Scope

TIMEOUT_SECONDS = 5
"""A page of figures must not slow down the check-ins it reports on."""


@asynccontextmanager
async def reading(database: Database) -> AsyncIterator[AsyncSession]:
    """One read-only transaction across all tenants."""
    async with database.session(Scope(role="crontopus_operator")) as session:
        await session.execute(
            text(
                "SELECT set_config('transaction_read_only', 'on', true),"
                " set_config('statement_timeout', :timeout, true)"
            ),
            {"timeout": f"{TIMEOUT_SECONDS}s"},
        )
        yield session
