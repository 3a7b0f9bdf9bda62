"""Deliveries as people see them, and sending again what was given up."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import attempts_repository, channels_repository
from crontopus_api.alerts import deliveries_repository as repository
from crontopus_api.alerts.backing_off import GIVE_UP
from crontopus_api.alerts.channel_schemas import AttemptOut, DeliveryDetail, DeliveryOut, DeliveryQuery
from crontopus_api.alerts.models import Delivery
from crontopus_api.alerts.routing import Target
from crontopus_api.alerts.telling import wake
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import Conflict, NotFound
from crontopus_api.live.topics import announce

_MOST_TRIES = 100
# What came back is of use while somebody looks into it.
_ATTEMPTS_KEPT = timedelta(days=30)
_BATCH = 5_000


class SentService:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def page(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        query: DeliveryQuery,
        after: UUID | None,
        limit: int,
    ) -> Sequence[DeliveryOut]:
        found = await repository.page(
            session,
            tenant_id,
            channel_id=query.channel_id,
            incident_id=query.incident_id,
            state=query.state,
            after=after,
            limit=limit,
        )
        return [_out(each) for each in found]

    async def get(self, session: AsyncSession, tenant_id: UUID, delivery_id: UUID) -> DeliveryDetail:
        """Raises NotFound."""
        delivery = await repository.get(session, tenant_id, delivery_id)
        if delivery is None:
            raise _missing()
        message_id = delivery.message_id or delivery.id
        tries = await attempts_repository.attempts(session, tenant_id, message_id, _MOST_TRIES)
        shown = [AttemptOut.model_validate(each) for each in tries]
        return DeliveryDetail(**dict(_out(delivery)), tries=shown)

    async def resend(
        self, session: AsyncSession, tenant_id: UUID, actor: Actor, delivery_id: UUID
    ) -> DeliveryDetail:
        """Another day for what was given up. Raises NotFound, or Conflict when it was not or the channel is gone."""
        delivery = await repository.lock(session, tenant_id, delivery_id)
        if delivery is None:
            raise _missing()
        if delivery.state != "failed":
            raise Conflict(f"This delivery is {delivery.state}, not given up.", code="not_failed")
        channel = None
        if delivery.channel_id is not None:
            channel = await channels_repository.get(session, tenant_id, delivery.channel_id)
        if channel is None or delivery.target in channel.unsubscribed:
            raise Conflict("Where this was to go is gone.", code="channel_gone")
        now = self._clock.now()
        delivery.state, delivery.next_at, delivery.expires_at = "pending", None, now + GIVE_UP
        delivery.held = None
        # By itself: of the message that it shared with others a receiver may have taken it for known.
        delivery.message_id = delivery.id
        await session.flush()
        await wake(session, {(tenant_id, Target(channel.id, channel.kind, delivery.target))})
        subject = Subject("delivery", delivery.id, f"{channel.name} ({delivery.target})")
        await audit.record(session, "delivery.sent_again", actor, subject, at=now, tenant_id=tenant_id)
        await announce(session, tenant_id, "incidents")
        return await self.get(session, tenant_id, delivery_id)

    async def forget_old(self) -> int:
        """Attempts of long ago; how many. Answers 0 when there may be none left."""
        before = self._clock.now() - _ATTEMPTS_KEPT
        async with self._database.session(Scope(role="crontopus_scanner")) as session:
            count = await attempts_repository.forget_attempts(session, before, _BATCH)
        return count if count == _BATCH else 0


def _out(delivery: Delivery) -> DeliveryOut:
    known = {name: getattr(delivery, name) for name in DeliveryOut.model_fields if name != "kind"}
    return DeliveryOut(**known, kind=delivery.channel)


def _missing() -> NotFound:
    return NotFound("There is no such delivery.")
