"""Transactions, and who they act for.

Every transaction names a PostgreSQL role and, for tenants' work, the tenant (or the few of them) and user in settings
that row-level security reads (`app.tenant_id`, `app.tenant_ids`, `app.user_id`). All are transaction-local, so a
pooled connection (PgBouncer included) carries nothing over to the next user of it.
"""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import set_json_loads
from sqlalchemy import MetaData, Row, TextClause, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from crontopus_api.kit.metrics import watch_pool

Role = Literal[
    "crontopus_app", "crontopus_alerts", "crontopus_ingest", "crontopus_scanner", "crontopus_operator"
]

# Several times as fast as the standard library, and JSON is in most of what is read in bulk.
set_json_loads(msgspec.json.decode)

_TRUSTED_SECONDS = 1.0
_ENTER = text(
    "SELECT set_config('role', :role, true), set_config('app.tenant_id', :tenant, true),"
    " set_config('app.tenant_ids', :tenants, true), set_config('app.user_id', :user, true)"
)


class Base(DeclarativeBase):
    """Base of every model; constraint names are predictable so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


@dataclass(frozen=True)
class Scope:
    """On whose behalf a transaction runs. `tenant_ids`: in the role of alerts, which sees these and no others."""

    role: Role = "crontopus_app"
    tenant_id: UUID | None = None
    user_id: UUID | None = None
    tenant_ids: tuple[UUID, ...] = ()

    @classmethod
    def together(cls, tenant_ids: Iterable[UUID]) -> "Scope":
        return cls(role="crontopus_alerts", tenant_ids=tuple(sorted(set(tenant_ids))))

    def parameters(self) -> dict[str, str]:
        return {
            "role": self.role,
            "tenant": str(self.tenant_id) if self.tenant_id else "",
            "tenants": f"{{{','.join(map(str, self.tenant_ids))}}}" if self.tenant_ids else "",
            "user": str(self.user_id) if self.user_id else "",
        }


async def enter(session: AsyncSession, scope: Scope) -> None:
    """Make the rest of the session's transaction act for `scope`."""
    await session.execute(_ENTER, scope.parameters())


def sqlalchemy_url(url: str) -> URL:
    """The psycopg 3 dialect whatever spelling of a PostgreSQL URL was given."""
    return make_url(url).set(drivername="postgresql+psycopg")


def libpq_url(url: str) -> str:
    """The same address for psycopg itself and Procrastinate."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _ping_after_idling(engine: AsyncEngine) -> None:
    """Ask a pooled connection whether it still lives, unless it has just been used: a change of a job takes four
    transactions, and asking before each costs as much as a statement."""

    def noted(_: Any, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    def checked(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get("used", 0.0) < _TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool then opens another one.
            raise DisconnectionError("the connection died while nobody used it") from error

    event.listen(engine.sync_engine, "connect", noted)
    event.listen(engine.sync_engine, "checkin", noted)
    event.listen(engine.sync_engine, "checkout", checked)


class Database:
    """The pool of one process. `direct_url` bypasses PgBouncer for LISTEN and the ingest writer."""

    def __init__(self, url: str, *, direct_url: str | None = None, pool_size: int = 10) -> None:
        self.url = libpq_url(url)
        self.direct_url = libpq_url(direct_url or url)
        # A PgBouncer in between (then the direct address differs) may give each transaction another server
        # connection, which does not know what the last one prepared.
        threshold = 5 if self.direct_url == self.url else None
        self.engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            hide_parameters=True,  # errors are logged, and parameters are digests, outputs, addresses
            connect_args={"prepare_threshold": threshold, "connect_timeout": 5},
        )
        _ping_after_idling(self.engine)
        assert isinstance(self.engine.pool, QueuePool)
        watch_pool(self.engine.pool)

    @asynccontextmanager
    async def session(self, scope: Scope | None = None) -> AsyncIterator[AsyncSession]:
        """One transaction, committed when the block ends well and rolled back when it does not."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            await enter(session, scope or Scope())
            yield session

    def tenant(
        self, tenant_id: UUID, user_id: UUID | None = None
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction that sees this tenant only."""
        return self.session(Scope(tenant_id=tenant_id, user_id=user_id))

    async def look_up(self, statement: TextClause, **parameters: Any) -> Row[Any] | None:
        """The first row that a lookup function answers: the reads that come before it is known who asks.

        One round trip and no transaction, where entering a scope and leaving it takes four. It runs under the
        connection's own role, so `statement` may be nothing else.
        """
        try:
            return await self._look_up(statement, parameters)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        # The pooled connection was dead: PostgreSQL has been restarted. All of the pool are new from here on.
        return await self._look_up(statement, parameters)

    async def _look_up(self, statement: TextClause, parameters: dict[str, Any]) -> Row[Any] | None:
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            return (await connection.execute(statement, parameters)).first()

    async def connect_direct(self, *, autocommit: bool = False) -> psycopg.AsyncConnection[Any]:
        """A raw connection outside the pool, not through PgBouncer. The caller closes it."""
        options: dict[str, Any] = conninfo_to_dict(self.direct_url)
        options.setdefault("connect_timeout", 5)
        return await psycopg.AsyncConnection.connect(autocommit=autocommit, **options)

    async def close(self) -> None:
        await self.engine.dispose()


async def raw_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection under a session, inside its transaction (COPY, Procrastinate)."""
    fairy = await (await session.connection()).get_raw_connection()
    connection = fairy.driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    return connection
