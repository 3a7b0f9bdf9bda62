"""From news of incidents to deliveries: rows and the jobs that send them, in the transaction of the news."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import deliveries_repository, held_repository
from crontopus_api.alerts.backing_off import GIVE_UP
from crontopus_api.alerts.models import Delivery, IncidentEvent, Reminder
from crontopus_api.alerts.routing import About, Router, Target, reminders_repository
from crontopus_api.alerts.routing.planning import Plan
from crontopus_api.alerts.routing.times import Held
from crontopus_api.kit import outbox
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import Key, add_rows

DELIVER = "alerts.deliver"
QUEUE = "deliveries"
# Where it makes a difference: the others would only repeat to everybody what somebody did.
_ACKNOWLEDGING = {"slack", "pagerduty", "opsgenie", "webhook"}
Row = dict[str, Any]


class News(NamedTuple):
    """`event`: opened, acknowledged or resolved."""

    incident: Key
    event: str
    about: About


class Saying(NamedTuple):
    """One thing to be said to one target; `held`: not now."""

    incident: Key
    event: str
    target: Target
    held: Held | None = None


class Teller:
    def __init__(self, router: Router, clock: Clock) -> None:
        self._router = router
        self._clock = clock

    async def tell(self, session: AsyncSession, news: Sequence[News]) -> None:
        """Who heard that it opened hears how it goes on, whatever the routes say meanwhile. However many news of
        however many tenants: it takes the same few statements."""
        now = self._clock.now()
        over = [each.incident for each in news if each.event == "resolved"]
        if over:
            await self._end(session, over, now)
        plans = await self._plans(session, [each for each in news if each.event == "opened"])
        told = await self._told(session, [each for each in news if each.event != "opened"])
        said: list[Saying] = []
        for each in news:
            if each.event == "opened":
                said += [
                    Saying(each.incident, "opened", one.target, one.held) for one in plans[each.incident].told
                ]
            else:
                said += _concerned(each, told.get(each.incident, []))
        await self.say(session, said)
        await add_rows(session, IncidentEvent, [*_held_events(said, now)])
        await add_rows(session, Reminder, [*_reminders(plans, now)])

    async def say(self, session: AsyncSession, said: Sequence[Saying]) -> None:
        now = self._clock.now()
        await add_rows(session, Delivery, [_delivery(each, now) for each in said])
        await wake(session, {(each.incident.tenant_id, each.target) for each in said if each.held is None})

    async def remind_at(
        self, session: AsyncSession, tenant_id: UUID, incident_id: UUID, at: datetime
    ) -> None:
        """Everybody who was told is told again then, if it is still open: a snooze is over."""
        await reminders_repository.forget_snooze(session, tenant_id, incident_id)
        row = _reminder(Key(tenant_id, incident_id), at) | {"kind": "snooze"}
        await add_rows(session, Reminder, [row])

    async def _plans(self, session: AsyncSession, opened: Sequence[News]) -> dict[Key, Plan]:
        if not opened:
            return {}
        plans = await self._router.plans(session, [(each.incident.tenant_id, each.about) for each in opened])
        return {each.incident: plan for each, plan in zip(opened, plans, strict=True)}

    @staticmethod
    async def _end(session: AsyncSession, incidents: Sequence[Key], now: datetime) -> None:
        """Who was not told yet that it opened need not hear that it is over."""
        await reminders_repository.forget(session, incidents)
        spared = await held_repository.withdraw_held(session, incidents)
        reasons = dict.fromkeys((each.incident, each.held) for each in spared)
        events = [event_row(*incident, now, "held", f"not told: {why}") for incident, why in reasons]
        await add_rows(session, IncidentEvent, events)

    @staticmethod
    async def _told(session: AsyncSession, news: Sequence[News]) -> dict[Key, list[Target]]:
        found: dict[Key, list[Target]] = {}
        if news:
            for row in await deliveries_repository.told(session, {each.incident for each in news}):
                incident = Key(row.tenant_id, row.incident_id)
                found.setdefault(incident, []).append(Target(row.channel_id, row.channel, row.target))
        return found


def _concerned(news: News, told: Sequence[Target]) -> Iterable[Saying]:
    for target in told:
        if news.event != "acknowledged" or target.kind in _ACKNOWLEDGING:
            yield Saying(news.incident, news.event, target)


def _delivery(said: Saying, now: datetime) -> Row:
    return {
        "tenant_id": said.incident.tenant_id,
        "id": uuid7(),
        "incident_id": said.incident.id,
        "event": said.event,
        "channel": said.target.kind,
        "channel_id": said.target.channel_id,
        "target": said.target.target,
        "state": "pending",
        "attempts": 0,
        "created_at": now,
        "next_at": said.held.until if said.held else None,
        "held": said.held.why if said.held else None,
        "expires_at": (said.held.until if said.held else now) + GIVE_UP,
    }


def _held_events(said: Sequence[Saying], now: datetime) -> Iterable[Row]:
    for incident, held in dict.fromkeys((each.incident, each.held) for each in said if each.held):
        words = f"told from {held.until:%Y-%m-%d %H:%M} UTC on: {held.why}"
        yield event_row(*incident, now, "held", words)


def _reminders(plans: dict[Key, Plan], now: datetime) -> Iterable[Row]:
    for incident, plan in plans.items():
        if not (plan.repeats or plan.steps):
            continue
        # Nobody can be late with what they have not been told yet.
        began = min((each.held.until if each.held else now for each in plan.told), default=now)
        for repeat in plan.repeats:
            yield _reminder(incident, began + repeat.every) | {
                "kind": "repeat",
                "route": repeat.route,
                "channels": repeat.channels,
                "every_seconds": int(repeat.every / timedelta(seconds=1)),
            }
        for step in plan.steps:
            yield _reminder(incident, began + step.after) | {
                "kind": "escalate",
                "route": step.route,
                "step": step.number,
                "channels": step.channels,
                "every_seconds": int(step.after / timedelta(seconds=1)),
            }


def _reminder(incident: Key, due_at: datetime) -> Row:
    return {
        "tenant_id": incident.tenant_id,
        "id": uuid7(),
        "incident_id": incident.id,
        "kind": "repeat",
        "due_at": due_at,
        "step": 0,
        "route": None,
        "channels": (),
        "every_seconds": None,
    }


def event_row(tenant_id: UUID, incident_id: UUID, at: datetime, kind: str, message: str) -> Row:
    return {
        "tenant_id": tenant_id,
        "id": uuid7(),
        "incident_id": incident_id,
        "at": at,
        "kind": kind,
        "message": message,
    }


async def wake(session: AsyncSession, targets: set[tuple[UUID, Target]]) -> None:
    """One job for all that wait for a target, which comes with its tenant. Of a target's jobs one runs at a time."""
    wanted = [
        (
            delivery_lock(str(tenant_id), str(each.channel_id), each.target),
            {"tenant_id": str(tenant_id), "channel_id": str(each.channel_id), "target": each.target},
        )
        for tenant_id, each in sorted(targets)
    ]
    await outbox.defer_many(session, DELIVER, wanted, queue=QUEUE)


def delivery_lock(tenant_id: str, channel_id: str, target: str) -> str:
    """Of the jobs that share it one runs at a time."""
    return f"alerts:{tenant_id}:{channel_id}:{target}"
