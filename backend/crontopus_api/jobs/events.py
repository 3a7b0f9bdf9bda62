"""What other rooms may want to know of jobs. Handled in the same transaction (see kit.events)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class InstanceMoved:
    """A change of a definition moved an instance to another state (paused, new again, retired)."""

    tenant_id: UUID
    instance_id: UUID
    job_id: UUID
    endpoint_id: UUID | None
    version: int
    from_state: str
    to_state: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class RoutingChanged:
    """An alert route or a maintenance window was added, changed or removed."""

    tenant_id: UUID
