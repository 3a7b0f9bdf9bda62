"""Work that must happen because a transaction committed: Procrastinate jobs deferred inside it.

A feature declares its tasks on `tasks` (a Blueprint) in its own `tasks.py`; the worker collects them.
Arguments are ids only: the task reads the rest from the database, in its own tenant's scope.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import procrastinate
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit.database import raw_connection

# Only for building INSERTs on a caller's connection: it is never opened and owns no pool.
_deferring = procrastinate.App(connector=procrastinate.PsycopgConnector())


async def defer(
    session: AsyncSession,
    task: str,
    *,
    at: datetime | None = None,
    lock: str | None = None,
    queueing_lock: str | None = None,
    queue: str = "default",
    **arguments: Any,
) -> None:
    """Queue `task` to run after this transaction commits (not at all if it rolls back).

    `lock`: jobs sharing it run one after the other. `queueing_lock`: at most one such job waits.
    """
    deferrer = _deferring.configure_task(
        name=task,
        allow_unknown=True,
        schedule_at=at,
        lock=lock,
        queueing_lock=queueing_lock,
        queue=queue,
        connection=await raw_connection(session),
    )
    if queueing_lock is None:
        await deferrer.defer_async(**arguments)
        return
    # A refused duplicate raises in PostgreSQL too: without a savepoint it would abort the transaction.
    try:
        async with session.begin_nested():
            await deferrer.defer_async(**arguments)
    except procrastinate.exceptions.AlreadyEnqueued:
        return


async def defer_many(
    session: AsyncSession, task: str, wanted: Sequence[tuple[str, dict[str, Any]]], *, queue: str = "default"
) -> None:
    """Queue the task once for each (lock, arguments), in one statement."""
    jobs = [
        _deferring.configure_task(
            name=task, allow_unknown=True, lock=lock, queue=queue, task_kwargs=arguments
        ).job
        for lock, arguments in wanted
    ]
    if jobs:
        await _deferring.job_manager.batch_defer_jobs_async(jobs, connection=await raw_connection(session))
