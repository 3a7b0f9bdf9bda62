"""What the worker does for alerts."""

from uuid import UUID

import procrastinate
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job

from crontopus_api.alerts.deliveries import DeliveryService
from crontopus_api.alerts.incidents import DELIVER

# Seconds: soon at first, then ever more patiently, for about five hours.
_WAITS = (2, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 3600, 7200)


class _Backoff(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        # Whatever it was, a refusal or the database gone in between: a delivery is never dropped at once.
        if job.attempts >= len(_WAITS):
            return None
        return RetryDecision(retry_in={"seconds": _WAITS[job.attempts]})


def register(app: procrastinate.App, deliveries: DeliveryService) -> None:
    @app.task(name=DELIVER, retry=_Backoff(), pass_context=True)
    async def deliver(context: JobContext, tenant_id: str, delivery_id: str) -> None:
        last = context.job.attempts >= len(_WAITS)
        await deliveries.deliver(UUID(tenant_id), UUID(delivery_id), last_attempt=last)
