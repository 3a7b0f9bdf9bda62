"""Sends what waits for a target, with no transaction open while a medium is spoken to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from crontopus_api.alerts import repository
from crontopus_api.alerts.channels.email import EmailChannel
from crontopus_api.alerts.channels.notification import DeliveryFailed, Digest, Notification
from crontopus_api.alerts.metrics import DELIVERIES
from crontopus_api.alerts.models import IncidentEvent
from crontopus_api.alerts.repository import Waiting
from crontopus_api.alerts.timeline import address
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import add_rows
from crontopus_api.live.topics import announce

log = structlog.get_logger()

# What waits longer than this for its target is given up.
GIVE_UP = timedelta(hours=24)
# Of more than this many that wait at once, one message tells.
MOST_SINGLE = 5
# After such a message the next one waits so long: while everything breaks, one every few seconds tells enough.
DIGEST_PAUSE = timedelta(seconds=5)
_BATCH = 5000


class DeliveryService:
    def __init__(self, database: Database, email: EmailChannel, clock: Clock, base_url: str) -> None:
        self._database = database
        self._email = email
        self._clock = clock
        self._base_url = base_url
        self._paused: dict[tuple[UUID, str, str], datetime] = {}

    async def deliver(self, tenant_id: UUID, channel: str, target: str) -> timedelta | None:
        """Send everything that waits for a target, oldest first. Answers how long to wait when it is too soon for that.

        Must not run twice at once for one target. Raises DeliveryFailed at the first message that the medium does
        not take: the others wait behind it, to be tried again later.
        """
        whose = (tenant_id, channel, target)
        pause = self._pause(whose)
        if pause is not None:
            return pause
        while True:
            async with self._database.tenant(tenant_id) as session:
                waiting = await repository.waiting(session, tenant_id, channel, target, _BATCH)
            if len(waiting) > MOST_SINGLE:
                await self._send(tenant_id, channel, target, waiting)
                self._paused[whose] = self._clock.now() + DIGEST_PAUSE
                return DIGEST_PAUSE
            for each in waiting:
                await self._send(tenant_id, channel, target, [each])
            if not waiting:
                return None

    def _pause(self, whose: tuple[UUID, str, str]) -> timedelta | None:
        """What is left of a target's pause, as this process knows of it."""
        now = self._clock.now()
        self._paused = {each: until for each, until in self._paused.items() if until > now}
        until = self._paused.get(whose)
        return None if until is None else until - now

    async def _send(self, tenant_id: UUID, channel: str, target: str, about: Sequence[Waiting]) -> None:
        """One message."""
        said = [self._notification(delivery) for delivery in about]
        message = said[0] if len(said) == 1 else Digest(said, f"{self._base_url}/incidents")
        try:
            await self._email.send(target, message)
        except Exception as error:
            # A defect of ours counts as well: what cannot be said must not stand before all others for ever.
            words = (
                str(error) if isinstance(error, DeliveryFailed) else f"{type(error).__name__} in Crontopus"
            )
            DELIVERIES.labels(channel, "failed").inc()
            log.warning("delivery_failed", delivery_id=message.message_id, error=words)
            await self._record(tenant_id, address(channel, target), about, error=words)
            raise
        DELIVERIES.labels(channel, "sent").inc()
        await self._record(tenant_id, address(channel, target), about, error=None)

    def _notification(self, delivery: Waiting) -> Notification:
        resolved = delivery.event == "resolved"
        return Notification(
            event="resolved" if resolved else "opened",
            title=delivery.title,
            cause=delivery.cause or "unknown",
            severity=delivery.severity,
            opened_at=delivery.opened_at,
            resolved_at=delivery.resolved_at if resolved else None,
            url=f"{self._base_url}/incidents/{delivery.incident_id}",
            message_id=str(delivery.id),
            thread_id=str(delivery.thread_id),
        )

    async def _record(
        self, tenant_id: UUID, where: str, about: Sequence[Waiting], *, error: str | None
    ) -> None:
        now = self._clock.now()
        by_state: dict[str, list[UUID]] = {}
        events = []
        for delivery in about:
            state = "sent" if error is None else "pending"
            if error is not None and now - delivery.created_at > GIVE_UP:
                state = "failed"
            by_state.setdefault(state, []).append(delivery.id)
            # Of many failures in a row the first is news; the delivery itself counts the rest, and says when it went.
            if error is not None and (delivery.attempts == 0 or state == "failed"):
                events.append(
                    {
                        "tenant_id": tenant_id,
                        "id": uuid7(),
                        "incident_id": delivery.incident_id,
                        "at": now,
                        "kind": "notify_failed",
                        "message": f"{where} ({delivery.event}): {error}",
                    }
                )
        async with self._database.tenant(tenant_id) as session:
            for state, ids in by_state.items():
                sent_at = now if state == "sent" else None
                await repository.note_attempt(
                    session, tenant_id, ids, state=state, error=error, sent_at=sent_at
                )
            await add_rows(session, IncidentEvent, events)
            await announce(session, tenant_id, "incidents")
