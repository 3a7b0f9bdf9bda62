"""Incidents that are opened by hand, with everybody who is to be told of it."""

from uuid import UUID

from crontopus_api.alerts.models import Incident
from crontopus_api.alerts.routing import About
from crontopus_api.alerts.telling import News
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import Key

from ..platform import Person, Platform


async def open_incident(
    platform: Platform, person: Person, kind: str = "endpoint_offline", severity: str = "error"
) -> UUID:
    """About no job."""
    incident_id = uuid7()
    async with platform.services.database.tenant(person.tenant_id) as session:
        session.add(
            Incident(
                tenant_id=person.tenant_id,
                id=incident_id,
                kind=kind,
                state="open",
                severity=severity,
                title="db-1 is offline",
                cause="no heartbeat",
                opened_because="no heartbeat",
                opened_at=platform.services.clock.now(),
            )
        )
        await session.flush()
        news = [News(Key(person.tenant_id, incident_id), "opened", About(kind, severity))]
        await platform.services.alerts.teller.tell(session, news)
    return incident_id
