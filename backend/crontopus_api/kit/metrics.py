"""Figures every process has. Features keep their own in their `metrics.py`."""

from collections.abc import MutableMapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy.pool import QueuePool

REQUESTS = Counter("crontopus_http_requests_total", "Requests answered.", ("method", "route", "status"))
SECONDS = Histogram("crontopus_http_request_seconds", "Time to answer.", ("method", "route"))

_STREAMS = ("/events", "/stream", "/tail")


def observe_request(scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
    """Count a request under its route's template, never its path: paths are without number."""
    route = getattr(scope.get("route"), "path", None) or ("console" if status < 400 else "unknown")
    REQUESTS.labels(scope["method"], route, status).inc()
    if not route.endswith(_STREAMS):
        SECONDS.labels(scope["method"], route).observe(seconds)


CONNECTIONS = Gauge(
    "crontopus_database_connections", "Pooled connections to PostgreSQL of this process.", ("state",)
)


def watch_pool(pool: QueuePool) -> None:
    """Shown as it is whenever somebody looks."""
    CONNECTIONS.labels("in_use").set_function(pool.checkedout)
    CONNECTIONS.labels("idle").set_function(pool.checkedin)


TASKS = Counter("crontopus_tasks_total", "Jobs of the queue that were worked on.", ("task", "result"))
TASK_SECONDS = Histogram("crontopus_task_seconds", "Time of one.", ("task",))
LOOP_ERRORS = Counter("crontopus_worker_round_errors_total", "Worker rounds that failed.", ("loop",))
