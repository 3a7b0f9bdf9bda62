"""With the tenant condition of any one query taken out, row-level security still lets nobody see or change the other's.

Every condition of every repository is taken out, one at a time. The intruder then gets from PostgreSQL, row by row,
what the intact query gives. That the condition was there for something is seen by whoever no policy holds: as
superuser, the same query finds or changes the other tenant's rows, too.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any, ClassVar, Self

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from crontopus_api.kit.database import Base, Scope, enter, sqlalchemy_url

from ..postgres import Cluster
from .mutations import Mutant, load, mutants, repositories
from .world import INTRUDER, VICTIM, calls, furnish, person

# Whose work it is that a policy holds: a tenant's own, and that of tenants together, of which they are the only one.
SCOPES = (Scope(tenant_id=INTRUDER, user_id=person(INTRUDER)), Scope.together([INTRUDER]))
Answers = list[tuple[str, list[tuple[Any, ...]]]]

# What the intruder reports gets the next number and the time of the clock: of those rows the victim's only.
ALL_ROWS = "SELECT " + ", ".join(
    f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table.name} t"
    f" WHERE t.tenant_id = '{VICTIM}' OR {table.name != 'pending_check_ins'})"
    for table in Base.metadata.sorted_tables
    if "tenant_id" in table.columns
)
WITHOUT_INTRUDERS_ROWS = (
    "SET LOCAL session_replication_role = replica",
    *(
        f"DELETE FROM {table.name} WHERE tenant_id = '{INTRUDER}'"
        for table in Base.metadata.sorted_tables
        if "tenant_id" in table.columns and table.name not in {"memberships", "repositories"}
    ),
    "SET LOCAL session_replication_role = origin",
)


class Recorder(psycopg.AsyncCursor[Any]):
    """Keeps what PostgreSQL answered, whatever is made of it afterwards."""

    answers: ClassVar[Answers] = []

    async def execute(self, *arguments: Any, **options: Any) -> Self:
        await super().execute(*arguments, **options)
        result = self.pgresult
        assert result is not None
        rows = [
            tuple(result.get_value(row, column) for column in range(result.nfields))
            for row in range(result.ntuples)
        ]
        status = self.statusmessage or ""
        # What an INSERT returns are sequences' next numbers, different each time.
        self.answers.append((status, [] if status.startswith("INSERT") else sorted(rows, key=repr)))
        return self


@pytest.fixture(scope="module")
def furnished(postgres_cluster: Cluster) -> Iterator[str]:
    """The superuser's address of a database with the two tenants."""
    name = postgres_cluster.create()
    with psycopg.connect(make_conninfo(postgres_cluster.admin_url, dbname=name)) as connection:
        furnish(connection)
        url = f"postgresql://{connection.info.user}@/{name}?host={connection.info.host}"
    yield url
    postgres_cluster.drop(name)


class Caller:
    """Calls repositories' functions, each in a transaction of its own that is rolled back.

    The login is the superuser's, so that it can be seen afterwards what has become of the victim's rows.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._intact: dict[tuple[str, str, Scope | None, bool], Answers] = {}

    @classmethod
    @asynccontextmanager
    async def on(cls, url: str) -> AsyncIterator[Self]:
        engine = create_async_engine(
            sqlalchemy_url(url), poolclass=NullPool, connect_args={"cursor_factory": Recorder}
        )
        async with engine.connect() as connection:
            yield cls(connection)
        await engine.dispose()

    async def leaks(self, mutant: Mutant, function: str, *, bare: bool = False) -> bool:
        """Whether it shows or changes anything else in a scope that row-level security holds."""
        return any([await self.differs(mutant, function, scope, bare=bare) for scope in SCOPES])

    async def differs(
        self, mutant: Mutant, function: str, scope: Scope | None, *, bare: bool = False
    ) -> bool:
        """Whether the function does anything else than with the condition. `scope`: None that of a superuser.

        `bare`: the intruder has nothing. What only asks whether there is any row shows it then.
        """
        key = (mutant.module, function, scope, bare)
        if key not in self._intact:
            self._intact[key] = await self._answers(load(mutant.module, None), function, scope, bare)
        return await self._answers(load(mutant.module, mutant), function, scope, bare) != self._intact[key]

    async def _answers(self, module: ModuleType, function: str, scope: Scope | None, bare: bool) -> Answers:
        """What PostgreSQL answers, and a digest of all rows afterwards."""
        call = getattr(module, function)
        async with (
            AsyncSession(self._connection, expire_on_commit=False) as session,
            session.begin() as begun,
        ):
            for statement in WITHOUT_INTRUDERS_ROWS if bare else ():
                await session.execute(text(statement))
            await enter(session, scope or SCOPES[0])
            if scope is None:
                await session.execute(text("RESET ROLE"))
            Recorder.answers = []
            for positional, named in calls(call, session):
                try:
                    async with session.begin_nested():
                        await call(*positional, **named)
                except (SQLAlchemyError, psycopg.Error) as error:
                    Recorder.answers.append((type(getattr(error, "orig", error)).__name__, []))
                except AssertionError:
                    Recorder.answers.append(("asserts", []))  # what it found is recorded by now
            await session.execute(text("RESET ROLE"))
            await session.execute(text(ALL_ROWS))
            await begun.rollback()
        answers, Recorder.answers = Recorder.answers, []
        return answers


@pytest.mark.parametrize("module", [module for module in repositories() if mutants(module)])
async def test_no_condition_is_all_there_is(furnished: str, module: str) -> None:
    leaks, without_effect = [], []
    async with Caller.on(furnished) as caller:
        for mutant in mutants(module):
            shown = False
            for function in mutant.functions:
                shown = shown or await caller.differs(mutant, function, None)
                leaking = await caller.leaks(mutant, function)
                if not shown:
                    shown = await caller.differs(mutant, function, None, bare=True)
                    leaking = leaking or await caller.leaks(mutant, function, bare=True)
                if leaking:
                    leaks.append(f"{mutant}, called by {function}")
            if not shown:
                without_effect.append(f"{mutant}, called by {', '.join(mutant.functions) or 'nobody'}")
    assert not leaks, "\n".join(leaks)
    # Else nothing has been tried: world.py makes no rows, or no arguments, that the condition tells apart.
    assert not without_effect, "\n".join(without_effect)


def test_there_are_conditions_to_take_out() -> None:
    assert sum(len(mutants(module)) for module in repositories()) > 100


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.role)
async def test_a_table_that_is_not_protected_is_noticed(furnished: str, scope: Scope) -> None:
    with psycopg.connect(furnished, autocommit=True) as superuser:
        superuser.execute("ALTER TABLE jobs DISABLE ROW LEVEL SECURITY")
        try:
            module = "crontopus_api.jobs.repository"
            mutant = next(each for each in mutants(module) if "subjects" in each.functions)
            async with Caller.on(furnished) as caller:
                assert await caller.differs(mutant, "subjects", scope)
        finally:
            superuser.execute("ALTER TABLE jobs ENABLE ROW LEVEL SECURITY")
