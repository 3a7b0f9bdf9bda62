"""Sends what waits for a target, with no transaction open while a medium is spoken to.

What a message is made of is settled and committed before it is handed over. So if this process dies between sending
and recording, what is sent again is the same message under the same id, and who remembers ids gets it once.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import attempts_repository, channels_repository
from crontopus_api.alerts import deliveries_repository as repository
from crontopus_api.alerts.backing_off import PROBE
from crontopus_api.alerts.channels.media import Media
from crontopus_api.alerts.channels.medium import To
from crontopus_api.alerts.channels.notification import (
    DeliveryFailed,
    Digest,
    Message,
    Notification,
    Receipt,
    Thread,
)
from crontopus_api.alerts.choosing import MINUTE, Pace, choose
from crontopus_api.alerts.deliveries_repository import Waiting, Whose
from crontopus_api.alerts.metrics import DELIVERIES
from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.outcomes import Outcome, Outcomes
from crontopus_api.alerts.routing import owners_id
from crontopus_api.alerts.sealing import ChannelSecrets
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.grouping import Grouped
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import Key

log = structlog.get_logger()

_BATCH = 5000
# So many targets share a transaction; so long the first of them waits for the others, in seconds.
_TOGETHER = 50
_LINGER = 0.05


@dataclass(frozen=True)
class _Parcel:
    """A message and who gets it. `last`: nothing else waits."""

    channel: Channel
    target: str
    message: Message
    about: Sequence[Waiting]
    last: bool


# What to send; or how long to wait for it; None: nothing waits.
_Next = _Parcel | timedelta | None


@dataclass(frozen=True)
class _Chosen:
    """Deliveries that go in one message."""

    channel: Channel
    target: str
    deliveries: Sequence[Waiting]
    message_id: UUID
    last: bool


@dataclass(frozen=True)
class _Queue:
    """What waits for a target, and when it was told something within the last minute."""

    channel: Channel
    target: str
    waiting: Sequence[Waiting]
    sent: Sequence[datetime]
    now: datetime


class DeliveryService:
    def __init__(
        self,
        database: Database,
        media: Media,
        secrets: ChannelSecrets,
        outcomes: Outcomes,
        clock: Clock,
        base_url: str,
    ) -> None:
        self._database = database
        self._media = media
        self._secrets = secrets
        self._outcomes = outcomes
        self._clock = clock
        self._base_url = base_url
        # Whoever they are for: what many are told at once costs little more than what one is told.
        self._next = Grouped(self._next_of_each, linger_seconds=_LINGER, most=_TOGETHER)
        self._taken = Grouped(self._record_taken, linger_seconds=_LINGER, most=_TOGETHER)

    async def deliver(self, tenant_id: UUID, channel_id: UUID, target: str) -> timedelta | None:
        """Send what waits for a target. Answers how long to wait for the rest; None: nothing waits.

        Must not run twice at once for one target.
        """
        while True:
            found = await self._next(Whose(tenant_id, channel_id, target))
            if not isinstance(found, _Parcel):
                return found
            outcome = await self._send(found)
            if outcome.failed is not None or not await self._taken(outcome):
                async with self._database.tenant(tenant_id) as session:
                    await self._outcomes.record(session, outcome)
            if found.last and outcome.failed is None:
                # What has come meanwhile comes with a job of its own.
                return None

    async def deliver_old(self, tenant_id: UUID, target: str) -> timedelta | None:
        """The same for a job of the version before, which knew no channels."""
        async with self._database.tenant(tenant_id) as session:
            await repository.adopt(session, tenant_id, target, owners_id(tenant_id))
        return await self.deliver(tenant_id, owners_id(tenant_id), target)

    async def _record_taken(self, outcomes: Sequence[Outcome]) -> Sequence[bool]:
        async with self._database.session(Scope.together(each.tenant_id for each in outcomes)) as session:
            return await self._outcomes.record_taken(session, outcomes)

    async def _next_of_each(self, whose: Sequence[Whose]) -> Sequence[_Next]:
        async with self._database.session(Scope.together(each.tenant_id for each in whose)) as session:
            now = self._clock.now()
            channels = await channels_repository.known(session, {each.channel for each in whose})
            waiting = await repository.waiting(session, whose, _BATCH)
            sent = await attempts_repository.recent(session, list(waiting), now - MINUTE) if waiting else {}
            found: list[_Chosen | timedelta | None] = []
            for each in whose:
                channel = channels.get(each.channel)
                if channel is None:
                    found.append(None)
                    continue
                queue = _Queue(channel, each.target, waiting.get(each, []), sent.get(each, []), now)
                found.append(await self._choose(session, queue))
            await self._settle(session, [each for each in found if isinstance(each, _Chosen)])
            return [await self._pack(session, each) if isinstance(each, _Chosen) else each for each in found]

    @staticmethod
    async def _choose(session: AsyncSession, queue: _Queue) -> _Chosen | timedelta | None:
        channel, waiting, now = queue.channel, queue.waiting, queue.now
        if channel.open_until is not None and channel.open_until > now:
            return channel.open_until - now
        if waiting and queue.target in channel.unsubscribed:
            words = "The address was unsubscribed."
            await repository.give_up(session, channel.tenant_id, channel.id, queue.target, words)
            return None
        probing = channel.open_until is not None
        chosen = choose(waiting, now, Pace(channel.per_minute, queue.sent), probing=probing)
        if not isinstance(chosen, list):
            return chosen
        if channel.open_until is not None and not await channels_repository.claim_probe(
            session, channel.tenant_id, channel.id, channel.open_until, now + PROBE
        ):
            return PROBE
        # A message of one goes by the delivery's own id; one of many must not be taken for that of its first.
        message_id = chosen[0].message_id or (chosen[0].id if len(chosen) == 1 else uuid7())
        last = len(chosen) == len(waiting) < _BATCH
        return _Chosen(channel, queue.target, chosen, message_id, last)

    @staticmethod
    async def _settle(session: AsyncSession, chosen: Sequence[_Chosen]) -> None:
        messages = {
            Key(each.channel.tenant_id, delivery.id): each.message_id
            for each in chosen
            for delivery in each.deliveries
            if delivery.message_id is None
        }
        if messages:
            await repository.settle(session, messages)

    async def _pack(self, session: AsyncSession, chosen: _Chosen) -> _Parcel:
        channel, target, message_id = chosen.channel, chosen.target, str(chosen.message_id)
        threads = await self._threads(session, channel, target, chosen.deliveries)
        said = [
            self._notification(each, message_id, threads.get(each.incident_id)) for each in chosen.deliveries
        ]
        message = said[0] if len(said) == 1 else Digest(said, f"{self._base_url}/incidents")
        return _Parcel(channel, target, message, chosen.deliveries, chosen.last)

    @staticmethod
    async def _threads(
        session: AsyncSession, channel: Channel, target: str, chosen: Sequence[Waiting]
    ) -> dict[UUID, Thread]:
        """By incident, of those that were told of before, or are by this very message."""
        later = [each.incident_id for each in chosen if each.event != "opened"]
        if not later:
            return {}
        tenant_id = channel.tenant_id
        firsts = await repository.firsts(session, tenant_id, channel.id, target, later)
        ids = {incident: first.message_id or first.id for incident, first in firsts.items()}
        told = await repository.told_in(session, tenant_id, list(set(ids.values())))
        own = {each.id for each in chosen}
        return {
            incident: Thread(
                str(ids[incident]),
                first.receipt or {},
                shared=told.get(ids[incident], (1, 0))[0] > 1,
                live=told.get(ids[incident], (1, 0))[1] > 0,
            )
            for incident, first in firsts.items()
            # The first that they hear of it may be that it is over.
            if not (first.id in own and len(chosen) == 1)
        }

    def _notification(self, delivery: Waiting, message_id: str, thread: Thread | None) -> Notification:
        resolved = delivery.event == "resolved"
        return Notification(
            event=delivery.event,  # type: ignore[arg-type]  # the table's CHECK
            incident_id=delivery.incident_id,
            kind=delivery.kind,
            title=delivery.title,
            cause=delivery.cause or "unknown",
            severity=delivery.severity,
            opened_at=delivery.opened_at,
            resolved_at=delivery.resolved_at if resolved else None,
            acknowledged_by=delivery.acknowledged_by,
            url=f"{self._base_url}/incidents/{delivery.incident_id}",
            message_id=message_id,
            thread=thread,
        )

    async def _send(self, parcel: _Parcel) -> Outcome:
        began, channel = time.perf_counter(), parcel.channel
        failed: DeliveryFailed | None = None
        receipt: Receipt | None = None
        try:
            to = To(channel.tenant_id, channel.id, parcel.target, self._secrets.config(channel))
            receipt = await self._media[channel.kind].send(to, parcel.message)
        except DeliveryFailed as error:
            failed = error
        except Exception as error:
            # A defect of ours: what cannot be said must not stand before all others for ever.
            failed = DeliveryFailed(f"{type(error).__name__} in Crontopus")
            log.exception("delivery_broke", delivery_id=parcel.message.message_id, channel=channel.kind)
        if failed is not None:
            log.warning("delivery_failed", delivery_id=parcel.message.message_id, error=str(failed))
        DELIVERIES.labels(channel.kind, "sent" if failed is None else "failed").inc()
        return Outcome(
            tenant_id=channel.tenant_id,
            channel_id=channel.id,
            kind=channel.kind,
            target=parcel.target,
            message_id=UUID(parcel.message.message_id),
            about=parcel.about,
            took_ms=round((time.perf_counter() - began) * 1000),
            receipt=receipt,
            failed=failed,
        )
