"""Members hear by mail that their tenant was deleted, while it can still be restored."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.tenancy import people
from crontopus_api.kit.database import Database
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.mail import Mailer
from crontopus_api.kit.outbox import defer_many
from crontopus_api.tenants.members import MemberService
from crontopus_api.tenants.service import TenantService

log = structlog.get_logger()

MAIL_ENDING = "tenants.mail_ending"
_PAGE = 500


class EndingMail:
    def __init__(
        self,
        database: Database,
        tenants: TenantService,
        members: MemberService,
        mailer: Mailer,
        base_url: str,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._members = members
        self._mailer = mailer
        self._base_url = base_url

    async def announce(self, session: AsyncSession, tenant_id: UUID) -> None:
        """One mail to each member, when this transaction commits."""
        if not self._mailer.configured:
            log.warning("no_mail_server", about="a deleted tenant", tenant_id=str(tenant_id))
            return
        after: UUID | None = None
        while page := await self._members.page(session, tenant_id, after, _PAGE):
            after = page[-1].user_id
            ids = [{"tenant_id": str(tenant_id), "user_id": str(member.user_id)} for member in page]
            await defer_many(session, MAIL_ENDING, [(f"ending/{each['user_id']}", each) for each in ids])

    async def send(self, tenant_id: UUID, user_id: UUID) -> None:
        """Does nothing when it was restored or they are gone meanwhile. Raises MailNotSent."""
        async with self._database.tenant(tenant_id) as session:
            tenant = await self._tenants.find(session, tenant_id)
            person = (await people.known(session, [user_id])).get(user_id)
        if tenant is None or tenant.delete_at is None or person is None:
            return
        text = _TEXT.format(
            username=person.username,
            tenant=tenant.name,
            ends=f"{tenant.delete_at:%d %B %Y, %H:%M} UTC",
            url=f"{self._base_url}/",
        )
        subject = f"{tenant.name} on Crontopus was deleted"
        await self._mailer.send(self._mailer.compose(person.email, subject, text, uuid7()))


_TEXT = """\
{username}, an owner has deleted the tenant "{tenant}" on Crontopus, of which you are a member.

It works on until {ends}. Then its repository, its runs and everything else in it are removed for good.

If that is a mistake, an owner can take it back until then, and an administrator can export what is in it:

{url}
"""
