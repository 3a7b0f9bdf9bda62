"""Wires the worker's loops and tasks. Run as many workers as you like: each round claims its own rows."""

import asyncio
from contextlib import ExitStack
from datetime import timedelta
from functools import partial

import procrastinate
import structlog
from psycopg.conninfo import make_conninfo

from crontopus_api.alerts import tasks as alert_tasks
from crontopus_api.alerts.telling import QUEUE as alert_queue
from crontopus_api.composition import Services, compose
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.identity import tasks as identity_tasks
from crontopus_api.identity.tenancy import tasks as tenancy_tasks
from crontopus_api.kit.database import libpq_url
from crontopus_api.kit.exposition import served
from crontopus_api.kit.heap import freeze_startup
from crontopus_api.kit.tracing import Tracing
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings
from crontopus_api.tenants import tasks as tenant_tasks
from crontopus_api.worker.gauges import Gauges
from crontopus_api.worker.loops import repeat
from crontopus_api.worker.repositories import RepositoryMaintenance, RepositoryUpkeep
from crontopus_api.worker.scanning import Scanner
from crontopus_api.worker.tasks import measured_task
from crontopus_api.worker.watchdog import Watchdog

log = structlog.get_logger()

# A look that finds nothing costs two milliseconds; people are told within a second of a deadline.
_SCAN_SECONDS = 0.2
# A round costs nearly the same for one change as for a hundred, of whichever tenants: fewer wait for the next one.
_CLAIM_SECONDS = 0.4
_MANY_CHANGES = 100
_REMIND_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_UPKEEP_SECONDS = 5.0
# Pings that make jobs within this time share a commit; a job must be there within 5 s.
_ADOPT_SECONDS = 2.0
_MAINTENANCE_SECONDS = 60.0
_WATCH_SECONDS = 5.0
_PARTITION_SECONDS = 600.0
_ROLLUP_SECONDS = 180.0
_RETENTION_SECONDS = 3600.0
_PURGE_SECONDS = 60.0
_STALLED_SECONDS = 15.0
_GAUGES_SECONDS = 15.0
_WATCHDOG_SECONDS = 60.0
_CONCURRENCY = 10
_DELIVERIES_AT_ONCE = 30


def queue_app(services: Services) -> procrastinate.App:
    """Procrastinate on its own connections, in a role that reaches its tables only."""
    conninfo = make_conninfo(
        libpq_url(services.database.direct_url), options="-c role=crontopus_queue", connect_timeout=5
    )
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo, max_size=5))
    alert_tasks.register(app, services.alerts.deliveries, services.alerts.proofs)
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


async def _work(app: procrastinate.App, queues: list[str], concurrency: int, tracing: Tracing | None) -> None:
    await app.run_worker_async(
        worker_middleware=[partial(measured_task, tracing=tracing)],
        queues=queues,
        concurrency=concurrency,
        install_signal_handlers=False,
        delete_jobs="successful",
        shutdown_graceful_timeout=timedelta(seconds=10).total_seconds(),
    )


async def run(settings: Settings) -> None:
    """Work until cancelled."""
    with ExitStack() as stack:
        database_url = stack.enter_context(ensure_database(settings))
        if settings.worker_metrics_port:
            stack.enter_context(served(settings.host, settings.worker_metrics_port, settings.metrics_readers))
        services = compose(settings, database_url)
        upkeep = RepositoryUpkeep(services)
        app = queue_app(services)
        scanner = Scanner(services.database)
        tracing = None
        if settings.otlp_endpoint is not None:
            tracing = Tracing("crontopus-worker", settings.otlp_endpoint, services.database.engine)
            stack.callback(tracing.close)
        services.ingest.writer.start()
        freeze_startup()
        try:
            async with app.open_async(), asyncio.TaskGroup() as group:
                if settings.watchdog_url is not None:
                    watchdog = Watchdog(services.database, scanner, settings.watchdog_url)
                    group.create_task(repeat("watchdog", _WATCHDOG_SECONDS, watchdog.round))
                group.create_task(repeat("gauges", _GAUGES_SECONDS, Gauges(services.database).round))
                group.create_task(repeat("scan", _SCAN_SECONDS, scanner.round))
                changes = services.incident_keeper.handle_changes
                group.create_task(
                    repeat("alerts", _CLAIM_SECONDS, changes, enough=_MANY_CHANGES, woken=scanner.found)
                )
                group.create_task(repeat("reminders", _REMIND_SECONDS, services.alerts.reminders.round))
                group.create_task(repeat("incidents", _LOOK_SECONDS, services.incident_keeper.look_around))
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
                group.create_task(repeat("endpoints", _WATCH_SECONDS, services.endpoint_watch.round))
                group.create_task(
                    repeat("endpoint events", _RETENTION_SECONDS, services.endpoint_watch.remove_old)
                )
                group.create_task(repeat("accounts", _RETENTION_SECONDS, services.account_upkeep.round))
                group.create_task(repeat("attempts", _RETENTION_SECONDS, services.alerts.sent.forget_old))
                group.create_task(repeat("stalled", _STALLED_SECONDS, lambda: _retry_stalled(app)))
                # Apart, so that receivers that take their time hold up nothing but each other.
                group.create_task(_work(app, [alert_queue], _DELIVERIES_AT_ONCE, tracing))
                group.create_task(_work(app, ["default"], _CONCURRENCY, tracing))
        finally:
            await services.ingest.writer.stop()
            await services.close()
