"""What a source of incidents says: this is wrong about that, or nothing is any more. `keeping` acts on it."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from crontopus_api.alerts.kinds import OF_STATUS
from crontopus_api.alerts.models import Incident
from crontopus_api.alerts.routing import About
from crontopus_api.kit.sql import Key

STATUS: Final = "status"


class Subject(NamedTuple):
    """Of each there is one open incident at most. `what`: a kind of incident, or all those of a status."""

    tenant_id: UUID
    what: str
    id: UUID

    @property
    def key(self) -> Key:
        return Key(self.tenant_id, self.id)


class Wrong(msgspec.Struct, frozen=True):
    """`commit`: what changed the job within the day before."""

    about: About
    title: str
    cause: str
    instance_id: UUID | None = None
    endpoint_id: UUID | None = None
    commit: str | None = None


class Finding(msgspec.Struct, frozen=True):
    """`wrong`: None when nothing is. `at`: since when it is so; of what is not told by an event it may be said again.
    `ended`: nothing is expected of the subject any more, so nobody waits whether it stays well. `said`: of this very
    trouble there was an incident, and it is over."""

    subject: Subject
    at: datetime
    reason: str
    wrong: Wrong | None = None
    ended: bool = False
    said: bool = False


def of_status(instance: Key) -> Subject:
    return Subject(instance.tenant_id, STATUS, instance.id)


def subject_of(incident: Incident) -> Subject:
    if incident.kind in OF_STATUS:
        what, of = STATUS, incident.instance_id
    else:
        what, of = incident.kind, incident.instance_id or incident.endpoint_id or incident.channel_id
    return Subject(incident.tenant_id, what, of or incident.tenant_id)
