"""Addresses of email channels: each is written to only after somebody who reads it said yes, and until somebody there
says no."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import channels_repository as repository
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.signed import Address, SignedLinks
from crontopus_api.kit import audit, outbox
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import NotFound
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.mail import Mailer
from crontopus_api.tenants.service import TenantService

MAIL_PROOF = "alerts.mail_proof"
_TEXT = """\
Somebody in the tenant "{tenant}" of Crontopus wants to send notifications about scheduled jobs to this address, by
the channel "{channel}".

If that is right, open this link:

{link}

It is good for seven days. If you do not know what this is about, do nothing: you will get none.
"""


class AddressProofs:
    def __init__(
        self, database: Database, tenants: TenantService, links: SignedLinks, mailer: Mailer, clock: Clock
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._links = links
        self._mailer = mailer
        self._clock = clock

    async def queue(self, session: AsyncSession, channel: Channel) -> None:
        """A letter to every address that has not said yes."""
        for email in unproven(channel):
            await outbox.defer(
                session,
                MAIL_PROOF,
                queueing_lock=f"proof:{channel.id}:{email}",
                tenant_id=str(channel.tenant_id),
                channel_id=str(channel.id),
                email=email,
            )

    async def mail(self, tenant_id: UUID, channel_id: UUID, email: str) -> None:
        """The worker's part. Raises MailNotSent when it should be tried again."""
        async with self._database.tenant(tenant_id) as session:
            channel = await repository.get(session, tenant_id, channel_id)
            tenant = await self._tenants.find(session, tenant_id)
        if channel is None or tenant is None or email not in unproven(channel):
            return
        token = self._links.verify(Address(tenant_id, channel_id, email))
        link = f"{self._links.base_url}/verify-channel?token={token}"
        text = _TEXT.format(tenant=tenant.name, channel=channel.name, link=link)
        subject = f"May {tenant.name} send you notifications?"
        await self._mailer.send(self._mailer.compose(email, subject, text, uuid7()))

    async def prove(self, token: str) -> str:
        """Somebody reads it: the address. Raises Invalid, or NotFound when the channel has it no more."""
        address = self._links.read_verify(token)
        async with self._database.tenant(address.tenant_id) as session:
            channel = await repository.lock(session, address.tenant_id, address.channel_id)
            if channel is None or address.email not in channel.config.get("to", []):
                raise NotFound("The channel is gone, or this address is no longer in it.")
            if address.email not in channel.verified:
                channel.verified = [*channel.verified, address.email]
                channel.unsubscribed = [each for each in channel.unsubscribed if each != address.email]
                channel.verified_at = channel.verified_at or self._clock.now()
                channel.state = "ready" if channel.state == "unverified" else channel.state
                await session.flush()
                await self._record(session, "channel.address_verified", channel, address.email)
        return address.email

    async def unsubscribe(self, token: str) -> str:
        """Nothing more to this address by that channel: the address. Raises Invalid; twice is as good as once."""
        address = self._links.read_unsubscribe(token)
        async with self._database.tenant(address.tenant_id) as session:
            channel = await repository.lock(session, address.tenant_id, address.channel_id)
            if channel is not None and address.email not in channel.unsubscribed:
                channel.unsubscribed = [*channel.unsubscribed, address.email]
                await session.flush()
                await self._record(session, "channel.unsubscribed", channel, address.email)
        return address.email

    async def _record(self, session: AsyncSession, action: str, channel: Channel, email: str) -> None:
        await audit.record(
            session,
            action,
            # Not signed in: the link came by mail to that address.
            Actor("system", None, email),
            Subject("channel", channel.id, channel.name),
            at=self._clock.now(),
            tenant_id=channel.tenant_id,
            after={"address": email},
        )


def unproven(channel: Channel) -> list[str]:
    if channel.kind != "email":
        return []
    return [each for each in channel.config["to"] if each not in channel.verified]
