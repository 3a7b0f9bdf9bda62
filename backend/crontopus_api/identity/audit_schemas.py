from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from crontopus_api.identity.models import AuditEntry
from crontopus_api.kit.paging import PageQuery
from crontopus_api.kit.schemas import Schema, Time

ActorKind = Literal["user", "endpoint", "operator", "system"]
Format = Literal["csv", "ndjson"]


class AuditQuery(PageQuery):
    actor: Annotated[
        str | None, Field(max_length=200, description="Id or name, as it was at that time, of who acted.")
    ] = None
    action: Annotated[
        str | None,
        Field(
            pattern=r"^[a-z_]{1,40}(\.[a-z_]{1,40})?$",
            description="`token.created`; `token`: everything that was done to tokens.",
        ),
    ] = None
    subject: Annotated[
        str | None, Field(max_length=200, description="Id or name of what was acted upon.")
    ] = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class AuditExportQuery(AuditQuery):
    format: Format = "ndjson"


class ActorOut(Schema):
    """`name` as it was then. `token_id`: the API token or session that it was done with."""

    kind: ActorKind
    id: UUID | None
    name: str
    token_id: UUID | None


class SubjectOut(Schema):
    kind: str
    id: str
    name: str


class AuditEntryOut(Schema):
    """One change. `before` and `after` hold what changed, never a secret."""

    id: UUID
    at: Time
    actor: ActorOut
    action: str
    subject: SubjectOut
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str | None
    agent: str | None


def entry_out(entry: AuditEntry) -> AuditEntryOut:
    return AuditEntryOut(
        id=entry.id,
        at=entry.at,
        actor=ActorOut(
            kind=entry.actor_kind,
            id=entry.actor_id,
            name=entry.actor_name,
            token_id=entry.token_id,
        ),
        action=entry.action,
        subject=SubjectOut(kind=entry.subject_kind, id=entry.subject_id, name=entry.subject_name),
        before=entry.before,
        after=entry.after,
        address=entry.address,
        agent=entry.agent,
    )
