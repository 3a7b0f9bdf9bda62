"""Around every job of the queue."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from crontopus_api.kit.metrics import TASK_SECONDS, TASKS
from crontopus_api.kit.tracing import Tracing


async def measured_task(
    process: Callable[[], Awaitable[Any]], context: Any, _: Any, *, tracing: Tracing | None
) -> Any:
    """Procrastinate's middleware around each job: its log lines name it, its time is counted."""
    job, began, result = context.job, time.perf_counter(), "failed"
    try:
        with structlog.contextvars.bound_contextvars(task=job.task_name, task_id=job.id):
            if tracing is None:
                answer = await process()
            else:
                with tracing.task(job.task_name, {"crontopus.task_id": job.id}):
                    answer = await process()
        result = "ok"
    finally:
        TASKS.labels(job.task_name, result).inc()
        TASK_SECONDS.labels(job.task_name).observe(time.perf_counter() - began)
    return answer
