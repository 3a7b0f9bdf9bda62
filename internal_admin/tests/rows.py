"""Rows as the rest of Crontopus would write them. Times are SQL, so that they and the admin share one clock."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

Connection = psycopg.Connection[dict[str, Any]]


def insert(connection: Connection, table: str, times: dict[str, str] | None = None, **values: Any) -> None:
    """`times`: columns set to SQL expressions."""
    times = times or {}
    columns = sql.SQL(", ").join(map(sql.Identifier, [*values, *times]))
    contents = [sql.Placeholder()] * len(values) + [sql.SQL(text) for text in times.values()]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table), columns, sql.SQL(", ").join(contents)
    )
    connection.execute(statement, list(values.values()))


def ago(interval: str) -> str:
    return f"clock_timestamp() - interval '{interval}'"


def tenant_id(connection: Connection, slug: str) -> UUID:
    row = connection.execute("SELECT id FROM tenants WHERE slug = %s", [slug]).fetchone()
    assert row is not None
    found: UUID = row["id"]
    return found


def endpoint(connection: Connection, tenant: UUID, name: str, seen: str, *, revoked: bool = False) -> UUID:
    """`seen`: how long ago."""
    identifier = uuid4()
    insert(
        connection,
        "endpoints",
        {"enrolled_at": ago("9 days"), "last_seen_at": ago(seen)}
        | ({"revoked_at": ago("1 minute")} if revoked else {}),
        tenant_id=tenant,
        id=identifier,
        name=name,
        hostname=f"{name}.example.org",
        platform="linux",
        arch="amd64",
        agent_version="1.2.3",
        labels="{}",
        machine_id=uuid4().hex,
        public_key=b"\x01" * 32,
        spool_pending=0,
    )
    return identifier


def job(connection: Connection, tenant: UUID, name: str, *, deleted: bool = False) -> UUID:
    identifier = uuid4()
    insert(
        connection,
        "jobs",
        {"created_at": ago("1 day"), "updated_at": ago("1 day"), "changed_at": ago("1 day")}
        | ({"deleted_at": ago("1 hour")} if deleted else {}),
        tenant_id=tenant,
        id=identifier,
        namespace="default",
        name=name,
        path=f"default/{name}.yaml",
        mode="ping",
        manifest="{}",
        source="",
        labels="{}",
        schedule=["0 2 * * *"],
        timezone="UTC",
        enabled=True,
        paused=False,
        blob_id="b" * 40,
        commit_id="c" * 40,
        violations="[]",
        changed_by="ada",
    )
    return identifier


def instance(connection: Connection, tenant: UUID, job_id: UUID, deadline: str | None = None) -> UUID:
    """`deadline`: SQL of the instant by which a run was to be reported."""
    identifier = uuid4()
    insert(
        connection,
        "instances",
        {"created_at": ago("1 day")},
        tenant_id=tenant,
        id=identifier,
        job_id=job_id,
        expectation="{}",
    )
    insert(
        connection,
        "instance_status",
        {"since": ago("1 day")} | ({"deadline_at": deadline} if deadline else {}),
        tenant_id=tenant,
        instance_id=identifier,
        state="healthy",
        version=1,
        failures=0,
        successes=0,
        open_runs="[]",
    )
    return identifier


def status_change(connection: Connection, tenant: UUID, instance_id: UUID, version: int, at: str) -> None:
    insert(
        connection,
        "status_changes",
        {"at": at, "recorded_at": at},
        tenant_id=tenant,
        instance_id=instance_id,
        version=version,
        job_id=uuid4(),
        from_state="healthy",
        to_state="missed",
        reason="no run",
    )


def run(connection: Connection, tenant: UUID, state: str, at: str) -> None:
    insert(
        connection,
        "runs",
        {"partition_at": at},
        tenant_id=tenant,
        id=uuid4(),
        instance_id=uuid4(),
        job_id=uuid4(),
        state=state,
        source="ping",
        output_truncated=False,
    )


def run_key(connection: Connection, tenant: UUID, at: str) -> None:
    insert(
        connection,
        "run_keys",
        {"created_at": at, "partition_at": at},
        tenant_id=tenant,
        instance_id=uuid4(),
        key=uuid4(),
        run_id=uuid4(),
    )


def incident(
    connection: Connection, tenant: UUID, instance_id: UUID, title: str, state: str = "open"
) -> UUID:
    identifier = uuid4()
    insert(
        connection,
        "incidents",
        {"opened_at": ago("3 hours")},
        tenant_id=tenant,
        id=identifier,
        kind="missed",
        state=state,
        severity="critical",
        title=title,
        instance_id=instance_id,
    )
    return identifier


def delivery(
    connection: Connection, tenant: UUID, incident_id: UUID, state: str, at: str, error: str | None = None
) -> None:
    insert(
        connection,
        "deliveries",
        {"created_at": at} | ({"sent_at": at} if state == "sent" else {}),
        tenant_id=tenant,
        id=uuid4(),
        incident_id=incident_id,
        event="opened",
        channel="email",
        target="ada@example.org",
        state=state,
        attempts=1,
        last_error=error,
    )


def git_intent(connection: Connection, tenant: UUID, state: str, at: str) -> None:
    insert(
        connection,
        "git_intents",
        {"created_at": at},
        tenant_id=tenant,
        id=uuid4(),
        author_name="ada",
        author_email="ada@example.org",
        message="m",
        edits="{}",
        expect="{}",
        state=state,
    )


def queued(
    connection: Connection, status: str, scheduled: str | None = None, deferred: str | None = None
) -> None:
    """A job of Procrastinate's. Its trigger notes when it was deferred; `deferred` puts that into the past."""
    insert(
        connection,
        "procrastinate_jobs",
        {"scheduled_at": scheduled} if scheduled else {},
        queue_name="default",
        task_name="t",
        status=status,
    )
    if deferred:
        connection.execute(
            f"UPDATE procrastinate_events SET at = {deferred}"
            " WHERE job_id = (SELECT max(id) FROM procrastinate_jobs)"
        )
