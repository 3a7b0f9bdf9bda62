"""Sends what is due: one delivery at a time, with no transaction open while a medium is spoken to."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository
from crontopus_api.alerts.channels.email import EmailChannel
from crontopus_api.alerts.channels.notification import DeliveryFailed, Notification
from crontopus_api.alerts.metrics import DELIVERIES
from crontopus_api.alerts.models import Delivery, IncidentEvent
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.ids import uuid7
from crontopus_api.live.topics import announce

log = structlog.get_logger()


class DeliveryService:
    def __init__(self, database: Database, email: EmailChannel, clock: Clock, base_url: str) -> None:
        self._database = database
        self._email = email
        self._clock = clock
        self._base_url = base_url

    async def deliver(self, tenant_id: UUID, delivery_id: UUID, *, last_attempt: bool) -> None:
        """Send it unless it was sent. Raises DeliveryFailed when it should be tried again."""
        async with self._database.tenant(tenant_id) as session:
            delivery = await repository.get_delivery(session, tenant_id, delivery_id)
            if delivery is None or delivery.state != "pending":
                return
            notification = await self._notification(session, delivery)
        try:
            await self._email.send(delivery.target, notification)
        except DeliveryFailed as error:
            DELIVERIES.labels(delivery.channel, "failed").inc()
            log.warning("delivery_failed", delivery_id=str(delivery_id), error=str(error))
            await self._record(delivery, error=str(error), state="failed" if last_attempt else "pending")
            if not last_attempt:
                raise
            return
        DELIVERIES.labels(delivery.channel, "sent").inc()
        await self._record(delivery, error=None, state="sent")

    async def _notification(self, session: AsyncSession, delivery: Delivery) -> Notification:
        incident = await repository.get(session, delivery.tenant_id, delivery.incident_id)
        first = await repository.first_delivery(
            session, delivery.tenant_id, delivery.incident_id, delivery.target
        )
        assert incident is not None
        assert first is not None
        return Notification(
            event="resolved" if delivery.event == "resolved" else "opened",
            title=incident.title,
            cause=incident.cause or "unknown",
            severity=incident.severity,
            opened_at=incident.opened_at,
            resolved_at=incident.resolved_at if delivery.event == "resolved" else None,
            url=f"{self._base_url}/incidents/{incident.id}",
            message_id=str(delivery.id),
            thread_id=str(first.id),
        )

    async def _record(self, delivery: Delivery, *, error: str | None, state: str) -> None:
        now = self._clock.now()
        kind, words = ("notify_failed", error) if error else ("notified", "told")
        async with self._database.tenant(delivery.tenant_id) as session:
            await repository.change_delivery(
                session,
                delivery.tenant_id,
                delivery.id,
                state=state,
                attempts=delivery.attempts + 1,
                last_error=error,
                sent_at=None if error else now,
            )
            event = IncidentEvent(
                tenant_id=delivery.tenant_id,
                id=uuid7(),
                incident_id=delivery.incident_id,
                at=now,
                kind=kind,
                message=f"{delivery.channel} to {delivery.target} ({delivery.event}): {words}",
            )
            # Of many failures in a row the first is news; the delivery itself counts the rest.
            if error is None or delivery.attempts == 0 or state == "failed":
                await repository.add(session, event)
                await announce(session, delivery.tenant_id, "incidents")
