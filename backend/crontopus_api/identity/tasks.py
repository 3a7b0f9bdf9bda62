"""What the worker does for accounts."""

from datetime import timedelta
from typing import get_args
from uuid import UUID

import procrastinate
import structlog
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from crontopus_api.identity import accounts_repository, sessions_repository
from crontopus_api.identity.mails import MAIL, AccountMails, Kind
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope

log = structlog.get_logger()

# Seconds. Whoever waits for a link asks again after that, and a reset would be too old.
_WAITS = (5, 15, 30, 60, 120, 300, 600, 1200)
_UNCONFIRMED_FOR = timedelta(days=7)


class _Backoff(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= len(_WAITS):
            log.error("mail_given_up", kind=job.task_kwargs.get("kind"), error=str(exception))
            return None
        return RetryDecision(retry_in={"seconds": _WAITS[job.attempts]})


def register(app: procrastinate.App, mails: AccountMails) -> None:
    @app.task(name=MAIL, retry=_Backoff())
    async def mail(kind: Kind, user_id: str) -> None:
        assert kind in get_args(Kind)
        await mails.send(kind, UUID(user_id))


class AccountUpkeep:
    """Takes away registrations whose address nobody confirmed, which have no tenant and nothing in one, and sessions
    that are long over."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def round(self) -> int:
        async with self._database.session(Scope(role="crontopus_scanner")) as session:
            gone = await accounts_repository.delete_pending(session, self._clock.now() - _UNCONFIRMED_FOR)
            over = await sessions_repository.delete_over(session)
        if gone or over:
            log.info("accounts_tidied", unconfirmed=gone, sessions=over)
        return 0
