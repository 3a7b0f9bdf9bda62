"""What the worker does for alerts."""

from uuid import UUID

import procrastinate
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from crontopus_api.alerts.deliveries import DeliveryService
from crontopus_api.alerts.incidents import DELIVER

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
        await deliveries.deliver(UUID(tenant_id), channel, target)
