"""The worker's rounds over what is to be told later: reminders, escalation, and what quiet hours and windows held."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import deliveries_repository, held_repository
from crontopus_api.alerts.held_repository import HeldBack, Judged
from crontopus_api.alerts.models import Incident, IncidentEvent, Reminder
from crontopus_api.alerts.routing import reminders_repository as repository
from crontopus_api.alerts.routing.planning import Book, default_channels, names_of, plan
from crontopus_api.alerts.routing.reminders_repository import Due, Postponed
from crontopus_api.alerts.routing.router import Router
from crontopus_api.alerts.routing.targets import About, Target
from crontopus_api.alerts.routing.times import Held, held
from crontopus_api.alerts.telling import Saying, Teller, event_row, wake
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.events import RoutingChanged
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.sql import Key, add_rows
from crontopus_api.live.topics import announce
from crontopus_api.schedules import format_duration

_BATCH = 500
_TENANTS = 100
_LEFT_ALONE = timedelta(minutes=1)
# What keeps people from being reminded may end sooner than it was to: a window is ended, a mute is taken back.
_LOOK_AGAIN = timedelta(minutes=5)


class Silence(NamedTuple):
    """Nobody is told of the incident now; `until` None: and never again of this."""

    until: datetime | None


def silence(incident: Incident, kind: str, now: datetime) -> Silence | None:
    """Whether an incident is not to be told of again, or to others. The one place that says so."""
    if incident.state == "resolved":
        return Silence(None)
    if incident.parent_id is not None or incident.muted:
        return Silence(now + _LOOK_AGAIN)
    # Its first message says that it flaps, and is the last one until it has been well for a while.
    if incident.flapping and kind != "opened":
        return Silence(now + _LOOK_AGAIN)
    if incident.acknowledged_at is not None and kind in {"repeat", "escalate"}:
        return Silence(None)
    if incident.snoozed_until is not None and incident.snoozed_until > now:
        return Silence(incident.snoozed_until)
    return None


class Reminders:
    def __init__(
        self,
        database: Database,
        router: Router,
        teller: Teller,
        jobs: JobService,
        endpoints: EndpointService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._router = router
        self._teller = teller
        self._jobs = jobs
        self._endpoints = endpoints
        self._clock = clock
        self._left_alone: dict[UUID, datetime] = {}

    async def round(self) -> int:
        """What is due, tenant by tenant, each in one transaction; how many there were.

        A tenant whose reminders cannot be handled is left alone for a while, so that the others' are.
        """
        now = self._clock.now()
        self._left_alone = {tenant: until for tenant, until in self._left_alone.items() if until > now}
        async with self._database.session(Scope(role="crontopus_scanner")) as session:
            tenants = await repository.tenants_with_due(session, now, self._left_alone, _TENANTS)
        handled = 0
        for tenant_id in tenants:
            try:
                async with self._database.tenant(tenant_id) as session:
                    handled += await self._handle(session, tenant_id, now)
            except Exception:
                self._left_alone[tenant_id] = now + _LEFT_ALONE
                raise
        return handled

    async def on_routing_changed(self, session: AsyncSession, event: RoutingChanged) -> None:
        """What was held is judged anew: quiet hours may have changed, or a window ended."""
        await held_repository.judge_again(session, event.tenant_id, self._clock.now())

    async def _handle(self, session: AsyncSession, tenant_id: UUID, now: datetime) -> int:
        due = await repository.claim(session, tenant_id, now, _BATCH)
        waiting = await held_repository.claim_held(session, tenant_id, now, _BATCH)
        if not (due or waiting):
            return 0
        incidents = {each.incident.id: each.incident for each in due}
        incidents |= {each.incident.id: each.incident for each in waiting}
        work = _Work(
            tenant_id,
            await self._router.book(session, tenant_id, now),
            await self._abouts(session, tenant_id, list(incidents.values())),
            now,
        )
        await self._remind(session, work, due)
        await self._release(session, work, waiting)
        await announce(session, tenant_id, "incidents")
        return len(due) + len(waiting)

    async def _remind(self, session: AsyncSession, work: "_Work", due: Sequence[Due]) -> None:
        if not due:
            return
        known = {Key(work.tenant_id, each.incident.id) for each in due}
        opened: dict[UUID, list[Target]] = {}
        withheld: dict[UUID, set[Target]] = {}
        for row in await deliveries_repository.opened(session, known):
            target = Target(row.channel_id, row.channel, row.target)
            if row.held is None:
                opened.setdefault(row.incident_id, []).append(target)
            else:
                withheld.setdefault(row.incident_id, set()).add(target)
        # Who is told of it only now is not reminded of it at once.
        for each in sorted(due, key=lambda each: each.reminder.kind == "escalate"):
            heard = opened.setdefault(each.incident.id, [])
            work.decide(each, heard, withheld.get(each.incident.id, set()))
        await self._teller.say(session, work.said)
        await add_rows(session, IncidentEvent, work.events)
        await repository.postpone(session, work.tenant_id, work.postponed)
        await repository.remove(session, work.tenant_id, work.done)

    async def _release(self, session: AsyncSession, work: "_Work", waiting: Sequence[HeldBack]) -> None:
        """What was held goes out, unless something else holds it by now."""
        judged: list[Judged] = []
        free: set[tuple[UUID, Target]] = set()
        over = {
            Key(work.tenant_id, each.incident.id) for each in waiting if each.incident.state == "resolved"
        }
        if over:
            # Resolved without a word, as what is muted is.
            await held_repository.withdraw_held(session, over)
        for each in waiting:
            if each.incident.state == "resolved":
                continue
            still = work.still_held(each)
            judged.append(Judged(each.id, still.until if still else None, still.why if still else None))
            if still is None:
                free.add((work.tenant_id, Target(each.channel_id, each.channel, each.target)))
        await held_repository.hold(session, work.tenant_id, judged, work.now)
        await wake(session, free)

    async def _abouts(
        self, session: AsyncSession, tenant_id: UUID, incidents: Sequence[Incident]
    ) -> dict[UUID, About]:
        keys = {Key(tenant_id, each.job_id) for each in incidents if each.job_id is not None}
        jobs = await self._jobs.subjects(session, keys) if keys else {}
        placed = any(each.job_id is None and each.endpoint_id is not None for each in incidents)
        endpoints = await self._endpoints.active(session, tenant_id) if placed else ()
        labels = {each.id: each.labels for each in endpoints}
        found: dict[UUID, About] = {}
        for each in incidents:
            job = jobs.get(Key(tenant_id, each.job_id)) if each.job_id is not None else None
            own = job.labels if job else labels.get(each.endpoint_id, {}) if each.endpoint_id else {}
            found[each.id] = About(
                each.kind,
                each.severity,
                job.namespace if job else None,
                frozenset(own.items()),
                each.job_id,
                each.channel_id,
            )
        return found


class _Work:
    """What a batch of one tenant comes to."""

    def __init__(self, tenant_id: UUID, book: Book, abouts: dict[UUID, About], now: datetime) -> None:
        self.tenant_id = tenant_id
        self.now = now
        self._book = book
        self._abouts = abouts
        self._holding: dict[UUID, dict[Target, Held | None]] = {}
        self._reminded: set[tuple[UUID, Target]] = set()
        self.said: list[Saying] = []
        self.events: list[dict[str, object]] = []
        self.postponed: list[Postponed] = []
        self.done: list[UUID] = []

    def decide(self, due: Due, heard: list[Target], withheld: set[Target]) -> None:
        """`heard`: who was told that it opened; who is told now is added. `withheld`: who will be."""
        reminder, incident = due
        quiet = silence(incident, reminder.kind, self.now)
        if quiet is not None and quiet.until is None:
            self.done.append(reminder.id)
            return
        until = quiet.until if quiet else self._held_until(reminder, incident)
        if until is not None:
            self.postponed.append(Postponed(reminder.id, min(until, self.now + _LOOK_AGAIN), 0))
        elif reminder.kind == "escalate":
            self._escalate(reminder, incident, heard, withheld)
        else:
            self._repeat(reminder, incident, heard)

    def _held_until(self, reminder: Reminder, incident: Incident) -> datetime | None:
        route = self._book.route(reminder.route)
        found = held(self._abouts[incident.id], route, self._book.windows, self.now)
        return found.until if found else None

    def _repeat(self, reminder: Reminder, incident: Incident, heard: Sequence[Target]) -> None:
        everybody = reminder.kind == "snooze"
        for each in heard:
            # Once, if a snooze ends when it is time anyway.
            key = (incident.id, each)
            if key not in self._reminded and (everybody or each.channel_id in reminder.channels):
                self._reminded.add(key)
                self.said.append(Saying(Key(self.tenant_id, incident.id), "reminded", each))
        if reminder.every_seconds is None:
            self.done.append(reminder.id)
        else:
            # From now on, not from when it was due: what was missed is not made up for.
            again = self.now + timedelta(seconds=reminder.every_seconds)
            self.postponed.append(Postponed(reminder.id, again, 1))

    def _escalate(
        self, reminder: Reminder, incident: Incident, heard: list[Target], withheld: set[Target]
    ) -> None:
        channels = [each for each in reminder.channels if each in self._book.reached]
        if not channels:
            # All of them are gone: somebody has to hear of it.
            channels = [each.id for each in default_channels(self._book, self._abouts[incident.id])]
        targets = [target for each in channels for target in self._book.reached.get(each, ())]
        fresh = [each for each in targets if each not in heard and each not in withheld]
        heard += fresh
        self.said += [Saying(Key(self.tenant_id, incident.id), "opened", each) for each in fresh]
        self.done.append(reminder.id)
        after = format_duration(timedelta(seconds=reminder.every_seconds or 0))
        whom = ", ".join(names_of(self._book, channels))
        words = f"nobody acknowledged it within {after}, so {whom} is told as well (route {reminder.route})"
        self.events.append(event_row(self.tenant_id, incident.id, self.now, "escalated", words))

    def still_held(self, waiting: HeldBack) -> Held | None:
        incident = waiting.incident
        quiet = silence(incident, "opened", self.now)
        if quiet is not None and quiet.until is not None:
            why = "snoozed" if incident.snoozed_until == quiet.until else "muted, or part of another incident"
            return Held(quiet.until, why)
        if incident.id not in self._holding:
            made = plan(self._book, self._abouts[incident.id])
            self._holding[incident.id] = {each.target: each.held for each in made.told}
        target = Target(waiting.channel_id, waiting.channel, waiting.target)
        return self._holding[incident.id].get(target)
