"""What the worker does for tenants."""

from uuid import UUID

import procrastinate

from crontopus_api.kit.mail import MailNotSent
from crontopus_api.tenants.invitations import MAIL_INVITATION, InvitationService

# About nine hours in all. What is still unsent then says so in the list, and can be sent again by hand.
_MAIL = procrastinate.RetryStrategy(
    max_attempts=8, exponential_wait=4, retry_exceptions=[MailNotSent, OSError]
)


def register(app: procrastinate.App, invitations: InvitationService) -> None:
    @app.task(name=MAIL_INVITATION, retry=_MAIL)
    async def mail_invitation(tenant_id: str, invitation_id: str) -> None:
        await invitations.mail(UUID(tenant_id), UUID(invitation_id))
