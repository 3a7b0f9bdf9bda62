"""Who the service logs in as: a role that owns nothing, and may do nothing before it enters another."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from crontopus_api.checkins.runs.partitions import PartitionKeeper
from crontopus_api.kit.clock import FixedClock
from crontopus_api.kit.database import Database
from crontopus_api.server.migrations import config_for, migrate
from crontopus_api.server.postgres import OWNER, SERVICE, EmbeddedPostgres, ensure_database
from crontopus_api.settings import Settings

from ..platform import Person, Platform
from ..postgres import service_url

ROLES = [
    SERVICE,
    "crontopus_alerts",
    "crontopus_app",
    "crontopus_ingest",
    "crontopus_scanner",
    "crontopus_operator",
    "crontopus_queue",
]


@pytest.fixture
def service(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(service_url(database_url), autocommit=True) as connection:
        yield connection


def test_nobody_who_serves_owns_or_bypasses_anything(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        powers = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " FROM pg_roles WHERE rolname = ANY(%s)",
            [ROLES],
        ).fetchall()
        assert len(powers) == len(ROLES)
        assert [role for role in powers if any(role[1:])] == []
        owned = connection.execute(
            """
            SELECT pg_describe_object(classid, objid, objsubid) FROM pg_shdepend
            WHERE deptype = 'o' AND refobjid = ANY(SELECT oid FROM pg_roles WHERE rolname = ANY(%s))
            UNION ALL SELECT nspname FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE rolname = ANY(%s)
            """,
            [ROLES, ROLES],
        ).fetchall()
        assert owned == []


def test_only_the_service_logs_in_and_inherits_nothing(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        can = connection.execute(
            "SELECT rolname, rolcanlogin, rolinherit FROM pg_roles WHERE rolname = ANY(%s) AND rolcanlogin",
            [ROLES],
        ).fetchall()
        assert can == [(SERVICE, True, False)]
        member_of = connection.execute(
            "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid"
            " WHERE m.member = %s::regrole ORDER BY 1",
            [SERVICE],
        ).fetchall()
        # Neither the owner of the tables nor that of the look-up functions.
        assert [row[0] for row in member_of] == sorted(ROLES[1:])


def test_before_a_role_is_entered_no_table_can_be_touched(service: psycopg.Connection) -> None:
    reachable = service.execute(
        """
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'S')
          AND (has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
        """
    ).fetchall()
    assert reachable == []
    for statement in (
        "SELECT * FROM jobs",
        "ALTER TABLE jobs DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE public.mine (x int)",
        "DROP POLICY own ON jobs",
        f"SET ROLE {OWNER}",
        "SET ROLE crontopus_lookup",
        "SELECT make_partition('runs', '2026-01-01')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute(statement)


@pytest.mark.parametrize("injected", ["RESET ROLE", "SET ROLE none", "SET SESSION AUTHORIZATION DEFAULT"])
async def test_a_way_back_that_is_injected_leads_nowhere(
    platform: Platform, ada: Person, injected: str
) -> None:
    await ada.put_job("default/secret")
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text(injected))
        with pytest.raises(ProgrammingError, match="permission denied for table jobs"):
            await session.execute(text("SELECT * FROM jobs"))


def test_partitions_are_made_by_the_scanner_alone_and_of_runs_alone(service: psycopg.Connection) -> None:
    service.execute("SET ROLE crontopus_app")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute("SELECT make_partition('runs', '2026-01-01')")
    service.execute("SET ROLE crontopus_scanner")
    assert service.execute("SELECT make_partition('runs', '2026-01-01')").fetchone() == (True,)
    assert service.execute("SELECT make_partition('runs', '2026-01-01')").fetchone() == (False,)
    for table, month in (
        ("jobs", "2026-01-01"),
        ("runs", "2026-01-02"),
        ("runs; DROP TABLE jobs", "2026-01-01"),
    ):
        for function in ("make_partition", "drop_partition"):
            with pytest.raises(psycopg.errors.InvalidParameterValue):
                service.execute(f"SELECT {function}(%s, %s)", (table, month))  # type: ignore[arg-type]
    assert service.execute("SELECT drop_partition('runs', '2026-01-01')").fetchone() == (True,)
    assert service.execute("SELECT drop_partition('runs', '2026-01-01')").fetchone() == (False,)


async def test_a_data_directory_from_before_goes_on_working(tmp_path: Path) -> None:
    """Made when there was no such role, with partitions that the service made as the owner."""
    settings = Settings(data_dir=tmp_path, database_url=None)
    before = EmbeddedPostgres(settings.postgres_dir)
    url = before.start()
    with psycopg.connect(before.admin_url, autocommit=True) as superuser:
        superuser.execute(f"DROP ROLE {SERVICE}")  # type: ignore[arg-type]
    command.upgrade(config_for(url), "0012")
    with psycopg.connect(url) as owner:
        owner.execute("CREATE TABLE runs_2024_01 (LIKE runs INCLUDING ALL)")
        owner.execute(
            "ALTER TABLE runs ATTACH PARTITION runs_2024_01 FOR VALUES FROM ('2024-01-01Z') TO ('2024-02-01Z')"
        )
    before.stop()
    with ensure_database(settings, owner=True) as owner_url:
        migrate(owner_url)
        with ensure_database(settings) as serving_url:
            database = Database(serving_url)
            keeper = PartitionKeeper(database, FixedClock(datetime(2026, 5, 1, tzinfo=UTC)))
            await keeper.round()
            assert "runs_2024_01" in await keeper.drop_before(datetime(2024, 3, 1, tzinfo=UTC))
            await database.close()
        with psycopg.connect(serving_url) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (SERVICE,)
            row = connection.execute("SELECT to_regclass('runs_2026_05')").fetchone()
            assert row is not None
            assert row[0] is not None
            assert connection.execute("SELECT to_regclass('runs_2024_01')").fetchone() == (None,)


def test_months_are_dates_of_utc(service: psycopg.Connection) -> None:
    service.execute("SET timezone = 'Pacific/Auckland'")
    service.execute("SET ROLE crontopus_scanner")
    service.execute("SELECT make_partition('runs', %s)", [date(2026, 1, 1)])
    service.execute("SET timezone = 'UTC'")
    row = service.execute(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'runs_2026_01'"
    ).fetchone()
    assert row == ("FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')",)
