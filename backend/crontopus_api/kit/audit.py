"""The audit log: who did what, when, from where, and what it was before and after.

An entry is written in the transaction of what it tells of: either both are there or neither. PostgreSQL keeps the
log append-only (migration 0012): no role that the service enters may change an entry or take one away.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit.caller import current_caller
from crontopus_api.kit.ids import uuid7

_INSERT = text(
    """
    INSERT INTO audit_log (id, tenant_id, account_id, at, actor_kind, actor_id, actor_name, token_id,
        action, subject_kind, subject_id, subject_name, before, after, address, agent)
    VALUES (:id, :tenant, :account, :at, :actor_kind, :actor_id, :actor_name, :token,
        :action, :subject_kind, :subject_id, :subject_name,
        CAST(:before AS jsonb), CAST(:after AS jsonb), :address, :agent)
    """
)


@dataclass(frozen=True)
class Actor:
    """Who acts. `name` is kept as it was: the account may be gone when somebody reads the log."""

    kind: Literal["user", "endpoint", "operator", "system"]
    id: UUID | None
    name: str
    token_id: UUID | None = None


SYSTEM = Actor("system", None, "crontopus")


@dataclass(frozen=True)
class Subject:
    """What is acted upon: a kind ("token", "member", "tenant"…), its id, and its name at that time."""

    kind: str
    id: UUID | str
    name: str


async def record(
    session: AsyncSession,
    action: str,
    actor: Actor,
    subject: Subject,
    *,
    at: datetime,
    tenant_id: UUID | None = None,
    account_id: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append an entry to a tenant's log (`tenant_id`), to that of a person's own account (`account_id`), or, with
    neither, to that of the operators.

    `action` reads `noun.verb` in the past tense: `token.created`. `before` and `after` hold what changed and never a
    secret: no password, token, key or recovery code, hashed or not.
    """
    assert tenant_id is None or account_id is None  # an entry belongs to one log
    assert tenant_id or account_id or actor.kind in {"operator", "system"}
    caller = current_caller()
    await session.execute(
        _INSERT,
        {
            "id": uuid7(),
            "tenant": tenant_id,
            "account": account_id,
            "at": at,
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "actor_name": actor.name,
            "token": actor.token_id,
            "action": action,
            "subject_kind": subject.kind,
            "subject_id": str(subject.id),
            "subject_name": subject.name,
            "before": _json(before),
            "after": _json(after),
            "address": caller.address,
            "agent": caller.agent,
        },
    )


def _json(values: Mapping[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(values, default=str)
