"""What happened to an incident, in order: put together from the incident, its deliveries, and what only events tell."""

from collections.abc import Sequence

from crontopus_api.alerts.models import Delivery, Incident, IncidentEvent
from crontopus_api.alerts.schemas import IncidentEventOut


def timeline(
    incident: Incident, deliveries: Sequence[Delivery], events: Sequence[IncidentEvent]
) -> list[IncidentEventOut]:
    """Oldest first. When ten thousand incidents open at once, their beginnings are not written twice."""
    began = [IncidentEventOut(at=incident.opened_at, kind="opened", message=incident.opened_because)]
    if incident.folded_because is not None:
        began.append(IncidentEventOut(at=incident.opened_at, kind="folded", message=incident.folded_because))
    told = [
        IncidentEventOut(
            at=each.sent_at,
            kind="notified",
            message=f"{address(each.channel, each.target)} ({each.event}): told",
        )
        for each in deliveries
        if each.sent_at is not None
    ]
    rest = [IncidentEventOut.model_validate(event) for event in events]
    return [*began, *sorted([*rest, *told], key=lambda event: event.at)]


def address(channel: str, target: str) -> str:
    """Where a message goes, as a timeline says it."""
    return f"{channel} to {target}"
