"""What people do about an incident: take it on, want to be left alone with it, say that it is over, say something."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository
from crontopus_api.alerts.ledger import about_of
from crontopus_api.alerts.models import Incident, IncidentEvent
from crontopus_api.alerts.telling import News, Teller
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.errors import Conflict, NotFound
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import Key
from crontopus_api.live.topics import announce

LONGEST_SNOOZE = timedelta(days=30)


def somebody(name: str) -> Actor:
    """Of whom no more is known than a name: that of a message's receiver, or in Slack."""
    return Actor("user", None, name)


class Responder:
    """Everything raises NotFound, and all but a comment Conflict when the incident is over."""

    def __init__(self, teller: Teller, clock: Clock) -> None:
        self._teller = teller
        self._clock = clock

    async def acknowledge(
        self, session: AsyncSession, tenant_id: UUID, incident_id: UUID, who: Actor
    ) -> Incident:
        """`who` takes it on; the first one stays."""
        incident = await self._open(session, tenant_id, incident_id)
        if incident.acknowledged_at is None:
            incident.acknowledged_at, incident.acknowledged_by = self._clock.now(), _name(who)
            await self._note(session, incident, "acknowledged", f"by {_name(who)}", who)
            await self._tell(session, incident, "acknowledged")
        return incident

    async def snooze(
        self, session: AsyncSession, tenant_id: UUID, incident_id: UUID, who: Actor, wanted: timedelta
    ) -> Incident:
        incident = await self._open(session, tenant_id, incident_id)
        until = incident.snoozed_until = self._clock.now() + min(wanted, LONGEST_SNOOZE)
        await self._teller.remind_at(session, tenant_id, incident.id, until)
        words = f"by {_name(who)}, until {until:%Y-%m-%d %H:%M} UTC"
        await self._note(session, incident, "snoozed", words, who, after={"until": until})
        return incident

    async def mute(self, session: AsyncSession, tenant_id: UUID, incident_id: UUID, who: Actor) -> Incident:
        """Nobody is told any more of it, also not that it is over."""
        incident = await self._open(session, tenant_id, incident_id)
        if not incident.muted:
            incident.muted = True
            await self._note(session, incident, "muted", f"by {_name(who)}", who)
        return incident

    async def unmute(self, session: AsyncSession, tenant_id: UUID, incident_id: UUID, who: Actor) -> Incident:
        incident = await self._open(session, tenant_id, incident_id)
        if incident.muted:
            incident.muted = False
            await self._note(session, incident, "unmuted", f"by {_name(who)}", who)
        return incident

    async def resolve(
        self, session: AsyncSession, tenant_id: UUID, incident_id: UUID, who: Actor
    ) -> Incident:
        """It is over because `who` says so, until its subject turns bad anew."""
        incident = await self._open(session, tenant_id, incident_id)
        incident.state, incident.resolved_at = "resolved", self._clock.now()
        incident.resolved_by = _name(who)
        await self._note(session, incident, "resolved", f"by {_name(who)}", who)
        if not incident.muted:
            await self._tell(session, incident, "resolved")
        return incident

    async def comment(
        self, session: AsyncSession, tenant_id: UUID, incident_id: UUID, who: Actor, text: str
    ) -> Incident:
        """Also when it is over: that is when people know what it was."""
        incident = await self._find(session, tenant_id, incident_id)
        await self._note(session, incident, "commented", f"{_name(who)}: {text}", who, after={"text": text})
        return incident

    @staticmethod
    async def _find(session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> Incident:
        incident = await repository.lock(session, tenant_id, incident_id)
        if incident is None:
            raise NotFound("There is no such incident.")
        return incident

    async def _open(self, session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> Incident:
        incident = await self._find(session, tenant_id, incident_id)
        if incident.state == "resolved":
            raise Conflict("This incident is over.", code="incident_resolved")
        return incident

    async def _tell(self, session: AsyncSession, incident: Incident, event: str) -> None:
        news = News(Key(incident.tenant_id, incident.id), event, about_of(incident))
        await self._teller.tell(session, [news])

    async def _note(
        self,
        session: AsyncSession,
        incident: Incident,
        kind: str,
        words: str,
        who: Actor,
        *,
        after: dict[str, str | datetime] | None = None,
    ) -> None:
        now = self._clock.now()
        session.add(
            IncidentEvent(
                tenant_id=incident.tenant_id,
                id=uuid7(),
                incident_id=incident.id,
                at=now,
                kind=kind,
                message=words,
            )
        )
        await session.flush()
        await audit.record(
            session,
            f"incident.{kind}",
            who,
            Subject("incident", incident.id, incident.title),
            at=now,
            tenant_id=incident.tenant_id,
            after=after,
        )
        await announce(session, incident.tenant_id, "incidents")


def _name(who: Actor) -> str:
    return who.name or "somebody"
