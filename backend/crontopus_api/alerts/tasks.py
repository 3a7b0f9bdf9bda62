"""What the worker does for alerts."""

from datetime import timedelta
from uuid import UUID

import procrastinate
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job

from crontopus_api.alerts.channels.notification import DeliveryFailed
from crontopus_api.alerts.deliveries import DeliveryService
from crontopus_api.alerts.incidents import DELIVER

tasks = procrastinate.Blueprint()

_WAITS = tuple(timedelta(seconds=s) for s in (2, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 3600, 7200))
MOST_ATTEMPTS = len(_WAITS) + 1


class _Backoff(BaseRetryStrategy):
    """Soon at first, then ever more patiently, for about five hours."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if not isinstance(exception, DeliveryFailed) or job.attempts >= len(_WAITS):
            return None
        return RetryDecision(retry_in={"seconds": int(_WAITS[job.attempts].total_seconds())})


# The library's own names are prefixed with the blueprint's when it is added: see worker.main.
@tasks.task(name=DELIVER, retry=_Backoff(), pass_context=True)
async def deliver(context: JobContext, tenant_id: str, delivery_id: str) -> None:
    service: DeliveryService = context.additional_context["deliveries"]
    last = context.job.attempts + 1 >= MOST_ATTEMPTS
    await service.deliver(UUID(tenant_id), UUID(delivery_id), last_attempt=last)
