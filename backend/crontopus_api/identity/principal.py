"""Who is asking."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from crontopus_api.kit.audit import SYSTEM, Actor
from crontopus_api.kit.errors import Forbidden


@dataclass(frozen=True)
class Principal:
    """An authenticated person or machine, or Crontopus itself, acting in one tenant."""

    kind: Literal["user", "session", "endpoint", "system"]
    tenant_id: UUID
    tenant_slug: str
    token_id: UUID
    scopes: frozenset[str]
    expires_at: datetime | None = None
    user_id: UUID | None = None
    endpoint_id: UUID | None = None
    role: str | None = None
    name: str = ""
    """User name, or the endpoint's name."""

    def actor(self) -> Actor:
        """As the audit log knows the principal."""
        if self.kind == "system":
            return SYSTEM
        if self.kind == "endpoint":
            return Actor("endpoint", self.endpoint_id, self.name, self.token_id)
        return Actor("user", self.user_id, self.name, self.token_id)

    def person(self) -> UUID:
        """Whose request it is. Raises Forbidden for machines."""
        if self.user_id is None:
            raise Forbidden("This is for people, not for endpoints.", code="not_a_user")
        return self.user_id

    def require(self, scope: str) -> None:
        """Raises Forbidden unless this principal may do what `scope` stands for."""
        if scope not in self.scopes:
            raise Forbidden(
                f"This needs the scope {scope}, which your token or role does not have.",
                code="missing_scope",
                hint="Use a token with that scope, or ask an owner of the tenant for another role.",
            )


def system_principal(tenant_id: UUID, tenant_slug: str) -> Principal:
    """Crontopus itself, for what nobody in particular asked for. It is in no scope: callers must know what they do."""
    return Principal("system", tenant_id, tenant_slug, UUID(int=0), frozenset())
