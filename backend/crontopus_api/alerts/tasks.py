"""What the worker does for alerts."""

from contextlib import suppress
from datetime import timedelta
from math import ceil
from uuid import UUID

import procrastinate
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from crontopus_api.alerts.deliveries import DeliveryService
from crontopus_api.alerts.incidents import DELIVER, delivery_lock

# Seconds: soon at first, then ever more patiently.
_WAITS = (2, 5, 15, 30, 60, 120, 300, 600)


class _Backoff(BaseRetryStrategy):
    """Until nothing waits for the target any more: each delivery is sent or, after a day, given up."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        # Whatever it was, a refusal or the database gone in between: a delivery is never dropped at once.
        return RetryDecision(retry_in={"seconds": _WAITS[min(job.attempts, len(_WAITS) - 1)]})


def register(app: procrastinate.App, deliveries: DeliveryService) -> None:
    @app.task(name=DELIVER, retry=_Backoff())
    async def deliver(tenant_id: str, channel: str, target: str) -> None:
        pause = await deliveries.deliver(UUID(tenant_id), channel, target)
        if pause is not None:
            await _later(app, pause, tenant_id=tenant_id, channel=channel, target=target)


async def _later(app: procrastinate.App, pause: timedelta, **whose: str) -> None:
    """Deliver what waits then. One such job is enough, however many ask for it."""
    lock = delivery_lock(**whose)
    # A job has a second at least: one that starts within the pause would only ask again.
    deferrer = app.configure_task(
        DELIVER,
        lock=lock,
        queueing_lock=f"later:{lock}",
        schedule_in={"seconds": ceil(pause.total_seconds())},
    )
    with suppress(procrastinate.exceptions.AlreadyEnqueued):
        await deferrer.defer_async(**whose)
