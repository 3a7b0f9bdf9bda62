"""A channel that does not work is an incident of its own, told of by another channel."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository
from crontopus_api.alerts.models import Channel, IncidentEvent
from crontopus_api.alerts.routing import CHANNEL_FAILING, About
from crontopus_api.alerts.telling import News, Teller
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import Key

_SEVERITY = "error"


class ChannelWatch:
    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    async def failing(self, session: AsyncSession, channel: Channel, words: str, now: datetime) -> None:
        """Open the incident, unless it is open already."""
        incident_id = uuid7()
        incident = {
            "tenant_id": channel.tenant_id,
            "id": incident_id,
            "kind": CHANNEL_FAILING,
            "state": "open",
            "severity": _SEVERITY,
            "title": f"The channel {channel.name} does not work",
            "cause": words,
            "opened_because": words,
            "channel_id": channel.id,
            "opened_at": now,
        }
        if await repository.open_of_channel(session, channel.tenant_id, incident):
            await self._teller.tell(session, [_news(incident_id, "opened", channel)])

    async def working(self, session: AsyncSession, channel: Channel, words: str, now: datetime) -> None:
        """Resolve it, if there is one."""
        incident = await repository.resolve_of_channel(session, channel.tenant_id, channel.id, now)
        if incident is None:
            return
        event = IncidentEvent(
            tenant_id=channel.tenant_id,
            id=uuid7(),
            incident_id=incident,
            at=now,
            kind="resolved",
            message=words,
        )
        session.add(event)
        await session.flush()
        await self._teller.tell(session, [_news(incident, "resolved", channel)])


def _news(incident_id: UUID, event: str, channel: Channel) -> News:
    about = About(CHANNEL_FAILING, _SEVERITY, channel_id=channel.id)
    return News(Key(channel.tenant_id, incident_id), event, about)
