"""The database itself keeps tenants apart, whatever a query forgets."""

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from crontopus_api.jobs.models import Job
from crontopus_api.kit.database import Base, Scope

from ..platform import Person, Platform


def test_every_table_of_tenants_forces_row_level_security(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            """
            SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity
            FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
            """
        ).fetchall()
    assert len(rows) > 15
    assert [row for row in rows if not (row[1] and row[2])] == []
    unlisted = {table.name for table in Base.metadata.sorted_tables if "tenant_id" in table.columns}
    assert unlisted <= {row[0] for row in rows}


async def test_a_query_without_a_tenant_filter_sees_one_tenant(platform: Platform, ada: Person) -> None:
    grace = await platform.register("grace")
    await ada.put_job("default/ada")
    await grace.put_job("default/grace")
    async with platform.services.database.tenant(ada.tenant_id) as session:
        assert list(await session.scalars(select(Job.name))) == ["ada"]
    async with platform.services.database.session() as session:
        assert list(await session.scalars(select(Job.name))) == []


async def test_a_tenant_cannot_write_into_another(platform: Platform, ada: Person) -> None:
    grace = await platform.register("grace")
    await grace.put_job("default/grace")
    async with platform.services.database.tenant(ada.tenant_id) as session:
        result = await session.execute(text("UPDATE jobs SET name = 'stolen' RETURNING 1"))
        assert result.all() == []
        with pytest.raises(ProgrammingError, match="row-level security"):
            await session.execute(
                text("INSERT INTO repositories (tenant_id, slug) VALUES (:id, 'x')"), {"id": grace.tenant_id}
            )


async def test_cross_tenant_roles_reach_their_tables_only(platform: Platform, ada: Person) -> None:
    async with platform.services.database.session(Scope(role="crontopus_ingest")) as session:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await session.execute(text("SELECT * FROM tokens"))
    async with platform.services.database.session(Scope(role="crontopus_scanner")) as session:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await session.execute(text("SELECT * FROM users"))


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/default/secret",
        "/jobs/default/secret/next-runs",
        "/runs/{run}",
        "/runs/{run}/output",
        "/incidents/{incident}",
        "/endpoints/{endpoint}",
        "/runs?job=default/secret",
        "/instances?job=default/secret",
    ],
)
async def test_what_belongs_to_another_tenant_is_not_found(
    platform: Platform, ada: Person, path: str
) -> None:
    job = await ada.put_job("default/secret")
    await platform.ping(job["ping_url"] + "/fail", "private words")
    await platform.services.incident_keeper.handle_changes()
    enrol = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    body = {
        "token": enrol,
        "hostname": "web-1",
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1",
        "public_key": "A" * 43 + "=",
        "machine_id": "m",
    }
    endpoint = (await platform.client().post("/api/v1/endpoints/enroll", json=body)).json()["endpoint_id"]
    run = (await ada.get("/runs"))["items"][0]["id"]
    incident = (await ada.get("/incidents"))["items"][0]["id"]
    url = "/api/v1" + path.format(run=run, incident=incident, endpoint=endpoint)
    assert (await ada.api.get(url)).status_code == 200
    grace = await platform.register("grace")
    answer = await grace.api.get(url)
    assert answer.status_code == 404, answer.text
    assert "private" not in answer.text
    for collection in ("/jobs", "/runs", "/incidents", "/endpoints", "/instances"):
        assert (await grace.get(collection))["items"] == []


async def test_tenants_together_are_seen_and_no_others(platform: Platform, ada: Person) -> None:
    grace, eve = await platform.register("grace"), await platform.register("eve")
    for person, name in ((ada, "ada"), (grace, "grace"), (eve, "eve")):
        await person.put_job(f"default/{name}")
    together = Scope.together([ada.tenant_id, grace.tenant_id])
    async with platform.services.database.session(together) as session:
        assert sorted(await session.scalars(select(Job.name))) == ["ada", "grace"]
    async with platform.services.database.session(Scope.together([])) as session:
        assert list(await session.scalars(select(Job.name))) == []
    # Nor may it write what is no business of incidents, or anything in another's name.
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with platform.services.database.session(together) as session:
            await session.execute(text("UPDATE jobs SET name = 'x'"))
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with platform.services.database.session(together) as session:
            await session.execute(
                text(
                    "INSERT INTO incident_events (tenant_id, id, incident_id, at, kind, message)"
                    " VALUES (:tenant, gen_random_uuid(), gen_random_uuid(), now(), 'x', 'x')"
                ),
                {"tenant": eve.tenant_id},
            )
