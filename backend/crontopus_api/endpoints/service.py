"""Endpoints: machines that run the agent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints import repository, schemas
from crontopus_api.endpoints.models import Endpoint, EndpointCondition
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.scopes import ENDPOINT_SCOPES
from crontopus_api.identity.tokens import Issued, TokenService
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Scope, enter
from crontopus_api.kit.errors import NotFound, Unauthenticated
from crontopus_api.kit.events import Events
from crontopus_api.kit.ids import uuid7
from crontopus_api.live.topics import announce
from crontopus_api.tenants.plans import used_up
from crontopus_api.tenants.service import TenantService

TOKEN_LIFE = timedelta(hours=24)
HEARTBEAT_SECONDS = 30
# Three heartbeats: one lost to the network and one late are no reason to call a machine offline.
OFFLINE_AFTER = timedelta(seconds=3 * HEARTBEAT_SECONDS)
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class EndpointsChanged:
    """A tenant's endpoints are others than before, or carry other labels."""

    tenant_id: UUID


@dataclass(frozen=True)
class EnrolledEndpoint:
    endpoint: Endpoint
    tenant_slug: str
    issued: Issued


HeadOf = Callable[[AsyncSession, UUID], Awaitable[str | None]]


class EndpointService:
    """`head_of` answers which commit of a tenant's repository endpoints should be at (jobs know)."""

    def __init__(
        self, clock: Clock, tokens: TokenService, tenants: TenantService, events: Events, head_of: HeadOf
    ) -> None:
        self._clock = clock
        self._tokens = tokens
        self._tenants = tenants
        self._events = events
        self.head_of = head_of

    async def enroll(self, session: AsyncSession, request: schemas.Enroll) -> EnrolledEndpoint:
        """Trade one use of an enrolment token for an endpoint and its token.

        Raises Unauthenticated, or Forbidden when the plan has no room: the token keeps its use then.
        """
        tenant_id, slug, token_id = await self._tokens.find_enrollment(session, request.token)
        await enter(session, Scope(tenant_id=tenant_id))
        grant = await self._tokens.consume_enrollment(session, tenant_id, slug, token_id)
        plan = await self._tenants.plan_held(session, tenant_id, "endpoints")
        if await repository.count_active(session, tenant_id) >= plan.endpoints:
            raise used_up(plan, "endpoints", "endpoints")
        endpoint = Endpoint(
            tenant_id=tenant_id,
            id=uuid7(),
            name=request.hostname,
            hostname=request.hostname,
            platform=request.platform,
            arch=request.arch,
            agent_version=request.agent_version,
            # What the token's maker decided wins over what the machine says of itself.
            labels=request.labels | grant.labels,
            machine_id=request.machine_id,
            public_key=request.public_key,
            spool_pending=0,
            enrolled_at=self._clock.now(),
            last_seen_at=self._clock.now(),
        )
        await repository.add(session, endpoint)
        issued = await self._issue(session, endpoint)
        actor = Actor("endpoint", endpoint.id, endpoint.name, issued.token.id)
        about = {"platform": endpoint.platform, "labels": endpoint.labels, "enrolment_token": token_id}
        await self._record(session, "endpoint.enrolled", actor, endpoint, after=about)
        await self._changed(session, tenant_id)
        return EnrolledEndpoint(endpoint, slug, issued)

    async def own(self, session: AsyncSession, principal: Principal) -> Endpoint:
        """The endpoint a request comes from. Raises Unauthenticated for people and for revoked machines."""
        endpoint = None
        if principal.endpoint_id is not None:
            endpoint = await repository.get(session, principal.tenant_id, principal.endpoint_id)
        if endpoint is None or endpoint.revoked_at is not None:
            raise Unauthenticated("This needs an endpoint's own token.", code="not_an_endpoint")
        return endpoint

    async def heartbeat(
        self, session: AsyncSession, principal: Principal, report: schemas.Heartbeat
    ) -> Endpoint:
        """Record what an agent says of itself and its instances."""
        endpoint, now = await self.own(session, principal), self._clock.now()
        came_back = endpoint.last_seen_at is None or now - endpoint.last_seen_at > OFFLINE_AFTER
        moved = came_back or endpoint.applied_commit != report.applied_commit
        await repository.change(
            session,
            endpoint.tenant_id,
            endpoint.id,
            last_seen_at=now,
            agent_version=report.agent_version,
            fetched_commit=report.fetched_commit,
            applied_commit=report.applied_commit,
            spool_pending=report.spool.pending,
            clock_offset_ms=int((_aware(report.sent_at) - now) / timedelta(milliseconds=1)),
        )
        rows = [
            {"tenant_id": endpoint.tenant_id, "endpoint_id": endpoint.id, "at": now} | condition.model_dump()
            for condition in {each.instance_id: each for each in report.conditions}.values()
        ]
        await repository.replace_conditions(session, endpoint.tenant_id, endpoint.id, rows)
        if moved:
            await announce(session, endpoint.tenant_id, "endpoints", "jobs")
        return endpoint

    async def rotate(self, session: AsyncSession, principal: Principal, request: schemas.Rotate) -> Issued:
        """A fresh token for an endpoint that proves it holds its key. The old one works until the new one is used.

        Raises Unauthenticated for a wrong signature, a stale time or a nonce seen before.
        """
        endpoint, now = await self.own(session, principal), self._clock.now()
        signed = f"crontopus-rotate-v1\n{endpoint.id}\n{request.timestamp}\n{request.nonce}".encode()
        try:
            Ed25519PublicKey.from_public_bytes(endpoint.public_key).verify(request.signature, signed)
        except InvalidSignature as error:
            raise Unauthenticated(
                "The signature is not this endpoint's.", code="invalid_signature"
            ) from error
        if abs(_parse_time(request.timestamp) - now) > CLOCK_TOLERANCE:
            raise Unauthenticated(
                "The signed time is too far from ours.",
                code="stale_signature",
                hint="Set the machine's clock.",
            )
        forget_before = now - 2 * CLOCK_TOLERANCE
        fresh = await repository.use_nonce(
            session, endpoint.tenant_id, endpoint.id, request.nonce, now, forget_before
        )
        if not fresh:
            raise Unauthenticated("This signed request was used before.", code="replayed_signature")
        return await self._issue(session, endpoint, replaces_id=principal.token_id)

    async def page(
        self, session: AsyncSession, tenant_id: UUID, after: UUID | None, limit: int
    ) -> Sequence[Endpoint]:
        return await repository.page(session, tenant_id, after, limit)

    async def get(self, session: AsyncSession, tenant_id: UUID, endpoint_id: UUID) -> Endpoint:
        endpoint = await repository.get(session, tenant_id, endpoint_id)
        if endpoint is None:
            raise NotFound("There is no such endpoint.")
        return endpoint

    async def active(self, session: AsyncSession, tenant_id: UUID) -> Sequence[Endpoint]:
        """Endpoints on which jobs may be expected to run."""
        return await repository.active(session, tenant_id)

    async def names(self, session: AsyncSession, tenant_id: UUID) -> dict[UUID, str]:
        return await repository.names(session, tenant_id)

    async def conditions(
        self, session: AsyncSession, tenant_id: UUID, instance_ids: Sequence[UUID]
    ) -> dict[UUID, EndpointCondition]:
        """What agents last said about these instances."""
        return await repository.conditions(session, tenant_id, instance_ids)

    async def condition_counts(self, session: AsyncSession, tenant_id: UUID) -> dict[UUID, int]:
        return await repository.condition_counts(session, tenant_id)

    async def edit(
        self, session: AsyncSession, principal: Principal, endpoint_id: UUID, patch: schemas.EndpointPatch
    ) -> Endpoint:
        endpoint = await self.get(session, principal.tenant_id, endpoint_id)
        before, after = {}, patch.model_dump(exclude_none=True)
        for field, value in after.items():
            before[field] = getattr(endpoint, field)
            setattr(endpoint, field, value)
        await session.flush()
        if before != after:
            actor = principal.actor()
            await self._record(session, "endpoint.changed", actor, endpoint, before=before, after=after)
        await self._changed(session, principal.tenant_id)
        return endpoint

    async def revoke(self, session: AsyncSession, principal: Principal, endpoint_id: UUID) -> None:
        """Its tokens stop working with this commit; its history stays."""
        endpoint = await self.get(session, principal.tenant_id, endpoint_id)
        if endpoint.revoked_at is None:
            endpoint.revoked_at = self._clock.now()
            await session.flush()
            await self._record(session, "endpoint.revoked", principal.actor(), endpoint)
        await self._tokens.revoke_of_endpoint(session, principal.tenant_id, endpoint_id)
        await self._changed(session, principal.tenant_id)

    async def count(self, session: AsyncSession, tenant_id: UUID) -> int:
        """Those that are not revoked."""
        return await repository.count_active(session, tenant_id)

    def now(self) -> datetime:
        return self._clock.now()

    def state(self, endpoint: Endpoint) -> str:
        if endpoint.revoked_at is not None:
            return "revoked"
        seen = endpoint.last_seen_at
        return "online" if seen and self._clock.now() - seen <= OFFLINE_AFTER else "offline"

    async def _issue(
        self, session: AsyncSession, endpoint: Endpoint, replaces_id: UUID | None = None
    ) -> Issued:
        return await self._tokens.issue(
            session,
            "endpoint",
            tenant_id=endpoint.tenant_id,
            endpoint_id=endpoint.id,
            name=endpoint.name,
            scopes=ENDPOINT_SCOPES,
            life=TOKEN_LIFE,
            replaces_id=replaces_id,
        )

    async def _record(
        self,
        session: AsyncSession,
        action: str,
        actor: Actor,
        endpoint: Endpoint,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        await audit.record(
            session,
            action,
            actor,
            Subject("endpoint", endpoint.id, endpoint.name),
            at=self._clock.now(),
            tenant_id=endpoint.tenant_id,
            before=before,
            after=after,
        )

    async def _changed(self, session: AsyncSession, tenant_id: UUID) -> None:
        await self._events.emit(session, EndpointsChanged(tenant_id))
        await announce(session, tenant_id, "endpoints", "jobs")


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _parse_time(text: str) -> datetime:
    try:
        return _aware(datetime.fromisoformat(text))
    except ValueError as error:
        raise Unauthenticated("The signed time is not RFC 3339.", code="stale_signature") from error
