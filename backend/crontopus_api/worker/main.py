"""Wires the worker's loops and tasks. Run as many workers as you like: each round claims its own rows."""

import asyncio
from datetime import timedelta

import procrastinate
import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from crontopus_api.alerts import tasks as alert_tasks
from crontopus_api.checkins.scanner import scan_once
from crontopus_api.composition import Services, compose
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.identity import tasks as identity_tasks
from crontopus_api.identity.tenancy import tasks as tenancy_tasks
from crontopus_api.kit.database import Database, libpq_url
from crontopus_api.kit.heap import freeze_startup
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings
from crontopus_api.tenants import tasks as tenant_tasks
from crontopus_api.worker.loops import repeat
from crontopus_api.worker.repositories import RepositoryMaintenance, RepositoryUpkeep

log = structlog.get_logger()

# A look that finds nothing costs two milliseconds; people are told within a second of a deadline.
_SCAN_SECONDS = 0.2
_CLAIM_SECONDS = 0.2
_UPKEEP_SECONDS = 5.0
# Pings that make jobs within this time share a commit; a job must be there within 5 s.
_ADOPT_SECONDS = 2.0
_MAINTENANCE_SECONDS = 60.0
_PARTITION_SECONDS = 600.0
_ROLLUP_SECONDS = 180.0
_RETENTION_SECONDS = 3600.0
_PURGE_SECONDS = 60.0
_STALLED_SECONDS = 15.0
_CONCURRENCY = 10


class Scanner:
    """Keeps one direct connection for the deadline scanner."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.AsyncConnection | None = None

    async def round(self) -> int:
        if self._connection is None or self._connection.closed:
            self._connection = await self._database.connect_direct()
        try:
            return await scan_once(self._connection)
        except psycopg.Error:
            await self._connection.close()
            raise


def queue_app(services: Services) -> procrastinate.App:
    """Procrastinate on its own connections, in a role that reaches its tables only."""
    conninfo = make_conninfo(
        libpq_url(services.database.direct_url), options="-c role=crontopus_queue", connect_timeout=5
    )
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo, max_size=5))
    alert_tasks.register(app, services.deliveries)
    tenant_tasks.register(app, services.invitations)
    tenancy_tasks.register(app, services.ending_mail)
    identity_tasks.register(app, services.account_mails)
    return app


async def _retry_stalled(app: procrastinate.App) -> int:
    """Jobs of a worker that was killed: Procrastinate finds them, but leaves them to us."""
    stalled = list(await app.job_manager.get_stalled_jobs())
    for job in stalled:
        await app.job_manager.retry_job(job)
        log.warning("stalled_job_retried", job_id=job.id, task=job.task_name)
    return 0


async def run(settings: Settings) -> None:
    """Work until cancelled."""
    with ensure_database(settings) as database_url:
        services = compose(settings, database_url)
        upkeep = RepositoryUpkeep(services)
        app = queue_app(services)
        services.writer.start()
        freeze_startup()
        try:
            async with app.open_async(), asyncio.TaskGroup() as group:
                group.create_task(repeat("scan", _SCAN_SECONDS, Scanner(services.database).round))
                group.create_task(repeat("alerts", _CLAIM_SECONDS, services.incident_keeper.handle_changes))
                group.create_task(repeat("pending jobs", _ADOPT_SECONDS, services.adopter.round))
                group.create_task(repeat("repositories", _UPKEEP_SECONDS, upkeep.round))
                if isinstance(services.git, EmbeddedGitHost):
                    maintenance = RepositoryMaintenance(services, services.git)
                    group.create_task(repeat("maintenance", _MAINTENANCE_SECONDS, maintenance.round))
                group.create_task(repeat("intents", _UPKEEP_SECONDS, services.changes.finish_stale))
                group.create_task(repeat("partitions", _PARTITION_SECONDS, services.partitions.round))
                group.create_task(repeat("rollups", _ROLLUP_SECONDS, services.rollups.round))
                group.create_task(repeat("retention", _RETENTION_SECONDS, services.retention.round))
                group.create_task(repeat("tenants", _PURGE_SECONDS, services.purger.round))
                group.create_task(repeat("audit log", _RETENTION_SECONDS, services.audit.remove_old))
                group.create_task(repeat("accounts", _RETENTION_SECONDS, services.account_upkeep.round))
                group.create_task(repeat("stalled", _STALLED_SECONDS, lambda: _retry_stalled(app)))
                group.create_task(
                    app.run_worker_async(
                        concurrency=_CONCURRENCY,
                        install_signal_handlers=False,
                        delete_jobs="successful",
                        shutdown_graceful_timeout=timedelta(seconds=10).total_seconds(),
                    )
                )
        finally:
            await services.writer.stop()
            await services.close()
