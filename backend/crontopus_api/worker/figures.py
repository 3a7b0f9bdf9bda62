"""The figures that the work itself leaves in the database, one function per area: for the operators' health page and
for /metrics. Read in the operators' role; ages are seconds by the database's own clock."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.service import OFFLINE_AFTER

WORKER_SILENCE_SECONDS = 30
"""Procrastinate's workers write a heartbeat every 10 s and count as stalled after 30."""
RUNNERS = 2
"""Of the queue, in each worker process: one for deliveries, one for everything else. Procrastinate counts them."""


@dataclass(frozen=True)
class DatabaseFigures:
    version: str
    size_bytes: int
    connections: int
    max_connections: int
    standbys: int
    replay_lag_seconds: float | None
    revision: str | None


@dataclass(frozen=True)
class Backlog:
    """Rows that wait, and how long the oldest has."""

    waiting: int
    oldest_seconds: float | None


@dataclass(frozen=True)
class QueueFigures:
    due: Backlog
    later: int
    running: int
    failed: int
    workers: int
    last_heartbeat_seconds: float | None


@dataclass(frozen=True)
class ScheduleFigures:
    overdue: Backlog
    unclaimed: Backlog


@dataclass(frozen=True)
class IngestFigures:
    check_ins: int
    last_check_in_seconds: float | None
    runs: int
    failed_runs: int


@dataclass(frozen=True)
class GitFigures:
    intents: Backlog
    repositories: int
    unmade: int
    unprojected: int


@dataclass(frozen=True)
class AlertFigures:
    pending: Backlog
    sent: int
    failed: int
    last_error: str | None


async def _one(session: AsyncSession, statement: str, **parameters: Any) -> Row[*tuple[Any, ...]]:
    return (await session.execute(text(statement), parameters)).one()


async def database(session: AsyncSession) -> DatabaseFigures:
    # Without pg_monitor a role sees how many backends there are, not what they do: that is all it needs.
    row = await _one(
        session,
        """
        SELECT current_setting('server_version') AS version,
               pg_database_size(current_database()) AS size_bytes,
               (SELECT coalesce(sum(numbackends), 0)::integer FROM pg_stat_database) AS connections,
               current_setting('max_connections')::integer AS max_connections,
               (SELECT count(*) FROM pg_stat_replication) AS standbys,
               (SELECT extract(epoch FROM max(replay_lag)) FROM pg_stat_replication)::float AS replay_lag_seconds,
               (SELECT max(version_num) FROM alembic_version) AS revision
        """,
    )
    return DatabaseFigures(*row)


async def queue(session: AsyncSession) -> QueueFigures:
    # cross-tenant: figures of the whole installation
    row = await _one(
        session,
        """
        WITH jobs AS (
            SELECT j.status, greatest(j.scheduled_at, (
                       SELECT max(e.at) FROM procrastinate_events e
                       WHERE e.job_id = j.id AND e.type IN ('deferred', 'deferred_for_retry')
                   )) AS due_at
            FROM procrastinate_jobs j
            WHERE j.status IN ('todo', 'doing', 'failed')
        )
        SELECT count(*) FILTER (WHERE status = 'todo' AND (due_at > clock_timestamp()) IS NOT TRUE) AS due,
               extract(epoch FROM clock_timestamp()
                   - min(due_at) FILTER (WHERE status = 'todo' AND due_at <= clock_timestamp()))::float AS oldest,
               count(*) FILTER (WHERE status = 'todo' AND due_at > clock_timestamp()) AS later,
               count(*) FILTER (WHERE status = 'doing') AS running,
               count(*) FILTER (WHERE status = 'failed') AS failed
        FROM jobs
        """,
    )
    workers = await _one(
        session,
        """
        SELECT ceil(count(*) FILTER (WHERE last_heartbeat > clock_timestamp() - make_interval(secs => :silence))
                   / :runners ::float)::integer AS alive,
               extract(epoch FROM clock_timestamp() - max(last_heartbeat))::float AS last_heartbeat
        FROM procrastinate_workers
        """,
        silence=WORKER_SILENCE_SECONDS,
        runners=RUNNERS,
    )
    return QueueFigures(Backlog(row.due, row.oldest), row.later, row.running, row.failed, *workers)


async def schedule(session: AsyncSession) -> ScheduleFigures:
    # cross-tenant: figures of the whole installation
    overdue = await _one(
        session,
        """
        SELECT count(*), extract(epoch FROM clock_timestamp() - min(deadline_at))::float
        FROM instance_status WHERE deadline_at <= clock_timestamp()
        """,
    )
    # cross-tenant: figures of the whole installation
    unclaimed = await _one(
        session,
        """
        SELECT count(*), extract(epoch FROM clock_timestamp() - min(recorded_at))::float
        FROM status_changes WHERE claimed_at IS NULL
        """,
    )
    return ScheduleFigures(Backlog(*overdue), Backlog(*unclaimed))


async def ingest(session: AsyncSession) -> IngestFigures:
    # cross-tenant: figures of the whole installation
    keys = await _one(
        session,
        """
        SELECT count(*), extract(epoch FROM clock_timestamp() - max(created_at))::float
        FROM run_keys WHERE created_at >= clock_timestamp() - interval '1 hour'
        """,
    )
    # cross-tenant: figures of the whole installation
    runs = await _one(
        session,
        """
        SELECT count(*), count(*) FILTER (WHERE state NOT IN ('running', 'success', 'skipped'))
        FROM runs WHERE partition_at >= clock_timestamp() - interval '1 hour'
        """,
    )
    return IngestFigures(*keys, *runs)


async def git(session: AsyncSession) -> GitFigures:
    # cross-tenant: figures of the whole installation
    intents = await _one(
        session,
        """
        SELECT count(*), extract(epoch FROM clock_timestamp() - min(created_at))::float
        FROM git_intents WHERE state = 'pending'
        """,
    )
    # cross-tenant: figures of the whole installation
    repositories = await _one(
        session,
        """
        SELECT count(*), count(*) FILTER (WHERE ready_at IS NULL),
               count(*) FILTER (WHERE ready_at IS NOT NULL AND projected_commit IS NULL)
        FROM repositories
        """,
    )
    return GitFigures(Backlog(*intents), *repositories)


async def endpoints(session: AsyncSession) -> dict[str, int]:
    """How many there are in each state."""
    # cross-tenant: figures of the whole installation
    rows = await session.execute(
        text(
            """
            SELECT CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
                        WHEN last_seen_at >= clock_timestamp() - make_interval(secs => :silence) THEN 'online'
                        ELSE 'offline' END AS state, count(*)
            FROM endpoints GROUP BY 1
            """
        ),
        {"silence": OFFLINE_AFTER.total_seconds()},
    )
    return {"online": 0, "offline": 0, "revoked": 0} | {row[0]: row[1] for row in rows}


async def alerts(session: AsyncSession) -> AlertFigures:
    # cross-tenant: figures of the whole installation
    row = await _one(
        session,
        """
        SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
               extract(epoch FROM clock_timestamp() - min(created_at) FILTER (WHERE state = 'pending'))::float
                   AS oldest,
               count(*) FILTER (WHERE state = 'sent' AND sent_at >= clock_timestamp() - interval '24 hours')
                   AS sent,
               count(*) FILTER (WHERE state = 'failed' AND created_at >= clock_timestamp() - interval '24 hours')
                   AS failed,
               (array_agg(last_error ORDER BY created_at DESC) FILTER (WHERE last_error IS NOT NULL
                   AND state <> 'sent' AND created_at >= clock_timestamp() - interval '24 hours'))[1] AS last_error
        FROM deliveries
        """,
    )
    return AlertFigures(Backlog(row.pending, row.oldest), row.sent, row.failed, row.last_error)


async def projected_heads(session: AsyncSession, limit: int) -> list[tuple[str, str]]:
    """(slug, projected commit) of repositories, to be compared with where they stand in Git."""
    # cross-tenant: figures of the whole installation
    rows = await session.execute(
        text(
            "SELECT slug, projected_commit FROM repositories"
            " WHERE projected_commit IS NOT NULL ORDER BY slug LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [(row.slug, row.projected_commit) for row in rows]
