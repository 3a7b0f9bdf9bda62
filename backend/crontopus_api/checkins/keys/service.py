import secrets
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.keys import repository
from crontopus_api.identity import scopes
from crontopus_api.identity.principal import Principal
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.crypto import Keyring, Place
from crontopus_api.kit.errors import Forbidden

# 16 random bytes are 22 URL-safe characters, which no UUID (36) can be mistaken for.
_RANDOM_BYTES = 16


class ShownKey(NamedTuple):
    key: str
    url: str
    created_at: datetime


class PingKeyService:
    def __init__(self, keyring: Keyring, clock: Clock, base_url: str) -> None:
        self._keyring = keyring
        self._clock = clock
        self._base_url = base_url

    async def show(self, session: AsyncSession, principal: Principal) -> ShownKey:
        """The tenant's key, made at first sight. Raises Forbidden."""
        _require_reporter(principal)
        row = await repository.get(session, principal.tenant_id)
        if row is None:
            row = await repository.add(session, self._new(principal.tenant_id)[1])
        key = self._keyring.open(row.sealed, _place(principal.tenant_id)).decode()
        return self._shown(key, row.created_at)

    async def rotate(self, session: AsyncSession, principal: Principal) -> ShownKey:
        """Another key; the old one opens nothing from now on. Raises Forbidden."""
        _require_reporter(principal)
        key, row = self._new(principal.tenant_id)
        await repository.replace(session, row)
        await audit.record(
            session,
            "ping_key.rotated",
            principal.actor(),
            Subject("ping_key", principal.tenant_id, principal.tenant_slug),
            at=self._clock.now(),
            tenant_id=principal.tenant_id,
        )
        return self._shown(key, row["created_at"])

    def _new(self, tenant_id: UUID) -> tuple[str, dict[str, Any]]:
        key = secrets.token_urlsafe(_RANDOM_BYTES)
        return key, {
            "tenant_id": tenant_id,
            "digest": self._keyring.lookup(key),
            "sealed": self._keyring.seal(key.encode(), _place(tenant_id)),
            "created_at": self._clock.now(),
        }

    def _shown(self, key: str, created_at: datetime) -> ShownKey:
        return ShownKey(key, f"{self._base_url}/ping/{key}", created_at)


def _require_reporter(principal: Principal) -> None:
    principal.require(scopes.CHECKINS_WRITE)
    if principal.endpoint_id is not None:
        # With this key an endpoint could report for the jobs of others.
        raise Forbidden(
            "Endpoints report runs of their own instances only, never by ping.", code="not_a_user"
        )


def _place(tenant_id: UUID) -> Place:
    return Place("tenant_ping_keys", tenant_id, "ping-key")
