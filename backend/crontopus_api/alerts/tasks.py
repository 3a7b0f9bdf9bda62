"""What the worker does for alerts."""

from contextlib import suppress
from datetime import timedelta
from math import ceil
from uuid import UUID

import procrastinate
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from crontopus_api.alerts.deliveries import DeliveryService
from crontopus_api.alerts.proving import MAIL_PROOF, AddressProofs
from crontopus_api.alerts.telling import DELIVER, QUEUE, delivery_lock
from crontopus_api.kit.mail import MailNotSent

# Seconds: soon at first, then ever more patiently.
_WAITS = (2, 5, 15, 30, 60)
# Behind the jobs that come with news: of those that share a lock the first would otherwise hold the others up.
_BEHIND = -1
_MAIL = procrastinate.RetryStrategy(
    max_attempts=8, exponential_wait=4, retry_exceptions=[MailNotSent, OSError]
)


class _Backoff(BaseRetryStrategy):
    """The database went away, or there is a defect: what a medium refuses is no error here (`deliveries`)."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        seconds = _WAITS[min(job.attempts, len(_WAITS) - 1)]
        return RetryDecision(retry_in={"seconds": seconds}, priority=_BEHIND)


def register(app: procrastinate.App, deliveries: DeliveryService, proofs: AddressProofs) -> None:
    @app.task(name=DELIVER, retry=_Backoff())
    async def deliver(
        tenant_id: str, target: str, channel_id: str | None = None, channel: str | None = None
    ) -> None:
        """`channel`: of a job of the version before, which knew no channels."""
        if channel_id is None:
            assert channel == "email"
            await deliveries.deliver_old(UUID(tenant_id), target)
            return
        pause = await deliveries.deliver(UUID(tenant_id), UUID(channel_id), target)
        if pause is not None:
            await _later(app, pause, tenant_id=tenant_id, channel_id=channel_id, target=target)

    @app.task(name=MAIL_PROOF, retry=_MAIL)
    async def mail_proof(tenant_id: str, channel_id: str, email: str) -> None:
        await proofs.mail(UUID(tenant_id), UUID(channel_id), email)


async def _later(app: procrastinate.App, pause: timedelta, **whose: str) -> None:
    """Deliver what waits then. Of those that wait about as long one is enough, however many ask for it: one that
    waits longer must not keep this one away."""
    lock = delivery_lock(**whose)
    # A job has a second at least: one that starts within the pause would only ask again.
    seconds = max(1, ceil(pause.total_seconds()))
    deferrer = app.configure_task(
        DELIVER,
        queue=QUEUE,
        lock=lock,
        queueing_lock=f"later:{seconds.bit_length()}:{lock}",
        schedule_in={"seconds": seconds},
        priority=_BEHIND,
    )
    with suppress(procrastinate.exceptions.AlreadyEnqueued):
        await deferrer.defer_async(**whose)
