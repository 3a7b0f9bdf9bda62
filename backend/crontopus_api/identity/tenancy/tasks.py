"""What the worker does for tenants and their members."""

from uuid import UUID

import procrastinate

from crontopus_api.identity.tenancy.ending_mail import MAIL_ENDING, EndingMail
from crontopus_api.kit.mail import MailNotSent

_MAIL = procrastinate.RetryStrategy(
    max_attempts=8, exponential_wait=4, retry_exceptions=[MailNotSent, OSError]
)


def register(app: procrastinate.App, ending: EndingMail) -> None:
    @app.task(name=MAIL_ENDING, retry=_MAIL)
    async def mail_ending(tenant_id: str, user_id: str) -> None:
        await ending.send(UUID(tenant_id), UUID(user_id))
