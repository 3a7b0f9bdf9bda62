"""What waits, and for how long, as Prometheus sees it. Every worker tells the same: take the maximum.

Read now and then and kept, not read when Prometheus comes: however many ask, the database is asked once.
"""

import structlog
from prometheus_client import Gauge

from crontopus_api.kit.database import Database
from crontopus_api.kit.overview import reading
from crontopus_api.worker import figures
from crontopus_api.worker.figures import Backlog

log = structlog.get_logger()

WAITING = Gauge("crontopus_waiting", "What is due and not done yet.", ("what",))
OLDEST = Gauge("crontopus_waiting_oldest_seconds", "How long the oldest of it has waited.", ("what",))
QUEUE = Gauge("crontopus_queue_jobs", "Jobs of the queue that are not waiting to be done now.", ("state",))
WORKERS = Gauge("crontopus_workers", "Workers whose heartbeat is not older than 30 s.")
REPOSITORIES = Gauge("crontopus_repositories", "Tenants' repositories.", ("state",))
ENDPOINTS = Gauge("crontopus_endpoints", "Machines with an agent.", ("state",))


class Gauges:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def round(self) -> int:
        """Read all figures. Answers 0: the next round has time."""
        async with reading(self._database) as session:
            queue = await figures.queue(session)
            schedule = await figures.schedule(session)
            git = await figures.git(session)
            alerts = await figures.alerts(session)
            endpoints = await figures.endpoints(session)
        _show("queue", queue.due)
        _show("deadlines", schedule.overdue)
        _show("status_changes", schedule.unclaimed)
        _show("git_changes", git.intents)
        _show("deliveries", alerts.pending)
        WORKERS.set(queue.workers)
        for state, jobs in {"later": queue.later, "running": queue.running, "failed": queue.failed}.items():
            QUEUE.labels(state).set(jobs)
        made = git.repositories - git.unmade - git.unprojected
        for state, count in {"projected": made, "unprojected": git.unprojected, "unmade": git.unmade}.items():
            REPOSITORIES.labels(state).set(count)
        for state, count in endpoints.items():
            ENDPOINTS.labels(state).set(count)
        return 0


def _show(what: str, backlog: Backlog) -> None:
    WAITING.labels(what).set(backlog.waiting)
    OLDEST.labels(what).set(backlog.oldest_seconds or 0)
