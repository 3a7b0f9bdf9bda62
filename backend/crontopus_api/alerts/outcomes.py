"""What comes of an attempt: of the deliveries that went in it, and of the channel."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import attempts_repository, channels_repository
from crontopus_api.alerts.attempts_repository import Taken
from crontopus_api.alerts.backing_off import FAILING_FOR, channel_break, expiry, next_try
from crontopus_api.alerts.channels.notification import DeliveryFailed, Receipt
from crontopus_api.alerts.deliveries_repository import Waiting
from crontopus_api.alerts.failing import ChannelWatch
from crontopus_api.alerts.models import Channel, DeliveryAttempt, IncidentEvent
from crontopus_api.alerts.timeline import address
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import Key, add_rows
from crontopus_api.live.topics import announce


@dataclass(frozen=True)
class Outcome:
    """Exactly one of `receipt` and `failed`."""

    tenant_id: UUID
    channel_id: UUID
    kind: str
    target: str
    message_id: UUID
    about: Sequence[Waiting]
    took_ms: int
    receipt: Receipt | None
    failed: DeliveryFailed | None
    attempt_id: UUID = field(default_factory=uuid7)


class Outcomes:
    def __init__(self, watch: ChannelWatch, clock: Clock) -> None:
        self._watch = watch
        self._clock = clock

    async def record_taken(self, session: AsyncSession, outcomes: Sequence[Outcome]) -> list[bool]:
        """Of messages of whatever tenants that were all taken. Answers for each whether that was all: what comes of a
        channel that was in trouble is its own tenant's (`record`)."""
        now = self._clock.now()
        messages = [_taken(each, now) for each in outcomes]
        noted = await attempts_repository.taken(session, messages, mending=False)
        return [Key(each.tenant_id, each.attempt_id) in noted for each in outcomes]

    async def record(self, session: AsyncSession, outcome: Outcome) -> None:
        now = self._clock.now()
        channel = await self._channel(session, outcome)
        if channel is None:
            # It was deleted meanwhile, and with it what was waiting.
            return
        if outcome.failed is None:
            await attempts_repository.taken(session, [_taken(outcome, now)], mending=True)
            await self._mend(session, channel, now)
        else:
            await add_rows(session, DeliveryAttempt, [_attempt(outcome, now)])
            await self._refused(session, channel, outcome, outcome.failed, now)
            await announce(session, outcome.tenant_id, "incidents")

    async def _mend(self, session: AsyncSession, channel: Channel, now: datetime) -> None:
        channel = await self._locked(session, channel)
        channel.failures, channel.failing_since, channel.open_until = 0, None, None
        channel.state, channel.problem = "ready", None
        await session.flush()
        await self._watch.working(session, channel, "A message was taken.", now)

    async def _refused(
        self,
        session: AsyncSession,
        channel: Channel,
        outcome: Outcome,
        failed: DeliveryFailed,
        now: datetime,
    ) -> None:
        given_up = await self._put_off(session, outcome, failed, now)
        if failed.of_target:
            # Nothing against the channel, until something was lost by it; the next message that is taken mends it.
            if given_up:
                channel = await self._locked(session, channel)
                channel.state, channel.problem = "broken", str(failed)
                await session.flush()
                await self._watch.failing(session, channel, str(failed), now)
            return
        channel = await self._locked(session, channel)
        channel.failures += 1
        channel.failing_since = channel.failing_since or now
        pause = channel_break(channel.failures, failed.retry_after)
        channel.open_until = None if pause is None else now + pause
        channel.problem = str(failed)
        if failed.hopeless:
            channel.state = "broken"
        await session.flush()
        if failed.hopeless or given_up or now - channel.failing_since >= FAILING_FOR:
            await self._watch.failing(session, channel, str(failed), now)

    async def _put_off(
        self, session: AsyncSession, outcome: Outcome, failed: DeliveryFailed, now: datetime
    ) -> bool:
        """Whether some of the deliveries were given up."""
        where = address(outcome.kind, outcome.target)
        pending: list[Waiting] = []
        over: list[Waiting] = []
        events = []
        for each in outcome.about:
            expired = now >= expiry(each.created_at, each.expires_at)
            (over if expired else pending).append(each)
            # Of many failures in a row the first is news; the delivery itself counts the rest, and says when it went.
            if each.attempts == 0 or expired:
                events.append(_event(outcome, each, f"{where} ({each.event}): {failed}", now))
        if over:
            ids = [each.id for each in over]
            await attempts_repository.note_attempt(
                session, outcome.tenant_id, ids, state="failed", last_error=str(failed), next_at=None
            )
        if pending:
            # A last try when the time is over, not after it.
            latest = min(expiry(each.created_at, each.expires_at) for each in pending)
            next_at = min(now + next_try(pending[0].attempts + 1, failed.retry_after), latest)
            ids = [each.id for each in pending]
            await attempts_repository.note_attempt(
                session, outcome.tenant_id, ids, last_error=str(failed), next_at=next_at
            )
        await add_rows(session, IncidentEvent, events)
        return bool(over)

    @staticmethod
    async def _channel(session: AsyncSession, outcome: Outcome) -> Channel | None:
        return await channels_repository.get(session, outcome.tenant_id, outcome.channel_id)

    @staticmethod
    async def _locked(session: AsyncSession, channel: Channel) -> Channel:
        """As it is now: others may be telling it things at the same time."""
        await session.refresh(channel, with_for_update=True)
        return channel


def _taken(outcome: Outcome, now: datetime) -> Taken:
    ids = outcome.receipt.ids if outcome.receipt is not None else None
    return Taken(_attempt(outcome, now), [each.id for each in outcome.about], ids or None)


def _attempt(outcome: Outcome, now: datetime) -> dict[str, object]:
    said = outcome.receipt or outcome.failed
    return {
        "tenant_id": outcome.tenant_id,
        "id": outcome.attempt_id,
        "channel_id": outcome.channel_id,
        "target": outcome.target,
        "message_id": outcome.message_id,
        "size": len(outcome.about),
        "at": now,
        "took_ms": outcome.took_ms,
        "ok": outcome.failed is None,
        "status": said.status if said else None,
        "response": said.response if said else None,
        "error": str(outcome.failed) if outcome.failed else None,
    }


def _event(outcome: Outcome, delivery: Waiting, words: str, now: datetime) -> dict[str, object]:
    return {
        "tenant_id": outcome.tenant_id,
        "id": uuid7(),
        "incident_id": delivery.incident_id,
        "at": now,
        "kind": "notify_failed",
        "message": words,
    }
