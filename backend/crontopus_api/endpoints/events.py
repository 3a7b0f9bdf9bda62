"""What happens to endpoints, kept for those who ask and for alerts, which claim each row once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints import repository
from crontopus_api.endpoints.models import Endpoint, EndpointEvent
from crontopus_api.kit.ids import uuid7

# One report may change every job of a machine; beyond this many a sentence says how many more there were.
_MOST_OF_ONE_REPORT: Final = 100
KEPT_DAYS: Final = 90


def event(endpoint: Endpoint, kind: str, at: datetime, reason: str = "", message: str = "") -> EndpointEvent:
    return EndpointEvent(
        tenant_id=endpoint.tenant_id,
        id=uuid7(),
        endpoint_id=endpoint.id,
        kind=kind,
        reason=reason,
        message=message,
        at=at,
    )


async def record(
    session: AsyncSession, endpoint: Endpoint, kind: str, at: datetime, reason: str = "", message: str = ""
) -> None:
    await repository.add_events(session, [event(endpoint, kind, at, reason, message)])


def of_conditions(
    endpoint: Endpoint, before: Mapping[UUID, str], changed: list[Mapping[str, Any]], at: datetime
) -> list[EndpointEvent]:
    """Of changed conditions those worth telling: what went wrong, and what is right again.

    `before`: the type of every condition that was not Ready. Reconciling is on the way to something else.
    """
    telling = [
        row
        for row in changed
        if row["type"] not in {"Ready", "Reconciling"}
        or (row["type"] == "Ready" and row["instance_id"] in before)
    ]
    events = []
    for row in telling[:_MOST_OF_ONE_REPORT]:
        told = event(endpoint, row["type"].lower(), at, row["reason"], row["message"])
        told.job_id, told.instance_id = row["job_id"], row["instance_id"]
        events.append(told)
    left = len(telling) - len(events)
    if left > 0:
        events.append(event(endpoint, "many", at, "ManyConditions", f"{left} more conditions changed."))
    return events
