"""Endpoints: machines that run the agent."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints import events, repository, schemas
from crontopus_api.endpoints.models import Endpoint, EndpointCondition, EndpointEvent
from crontopus_api.endpoints.repository import Trouble
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.scopes import ENDPOINT_SCOPES
from crontopus_api.identity.tokens import Issued, TokenService
from crontopus_api.kit import audit
from crontopus_api.kit.audit import SYSTEM, Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Scope, enter
from crontopus_api.kit.errors import Conflict, Forbidden, NotFound, Unauthenticated
from crontopus_api.kit.events import Events
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import Key
from crontopus_api.live.topics import announce
from crontopus_api.tenants.plans import used_up
from crontopus_api.tenants.service import TenantService

__all__ = ["EndpointService", "Trouble"]

TOKEN_LIFE = timedelta(hours=24)
HEARTBEAT_SECONDS = 30
# Three heartbeats: one lost to the network and one late are no reason to call a machine offline.
OFFLINE_AFTER = timedelta(seconds=3 * HEARTBEAT_SECONDS)
_MOST_SHOWN = 200


@dataclass(frozen=True)
class EndpointsChanged:
    """A tenant's endpoints are others than before, or carry other labels."""

    tenant_id: UUID


@dataclass(frozen=True)
class EnrolledEndpoint:
    endpoint: Endpoint
    tenant_slug: str
    issued: Issued


@dataclass(frozen=True)
class Succession:
    """A signing key that names the next one, in words it signed."""

    old: str
    new: str
    at: datetime
    message: str
    signature: str


@dataclass(frozen=True)
class Signers:
    """Whose signature on a commit agents may believe: the service's key, and how older ones handed over."""

    current: str
    successions: Sequence[Succession]


SignersOf = Callable[[AsyncSession], Awaitable[Signers]]
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
        endpoint = await self._same_machine(session, tenant_id, request)
        action = "reinstalled" if endpoint is not None else "enrolled"
        if endpoint is None:
            plan = await self._tenants.plan_held(session, tenant_id, "endpoints")
            if await repository.count_active(session, tenant_id) >= plan.endpoints:
                raise used_up(plan, "endpoints", "endpoints")
            endpoint = Endpoint(tenant_id=tenant_id, id=uuid7(), name=request.hostname, labels={})
            endpoint.generation = endpoint.generation_floor = 0
        else:
            await self._tokens.revoke_of_endpoint(session, tenant_id, endpoint.id)
            endpoint.generation = endpoint.generation_floor = endpoint.generation + 1
        self._describe(endpoint, request, grant.labels)
        await repository.add(session, endpoint)
        await events.record(session, endpoint, action, self._clock.now())
        issued = await self.issue(session, endpoint)
        actor = Actor("endpoint", endpoint.id, endpoint.name, issued.token.id)
        about = {"platform": endpoint.platform, "labels": endpoint.labels, "enrolment_token": token_id}
        await self._record(session, f"endpoint.{action}", actor, endpoint, after=about)
        await self._changed(session, tenant_id)
        return EnrolledEndpoint(endpoint, slug, issued)

    async def _same_machine(
        self, session: AsyncSession, tenant_id: UUID, request: schemas.Enroll
    ) -> Endpoint | None:
        """The endpoint that this machine was before its agent was installed again.

        A copied machine names the same id. What still reports is another machine, and stays one.
        """
        known = await repository.of_machine(session, tenant_id, request.machine_id)
        return known if known is not None and self.state(known) == "offline" else None

    def _describe(self, endpoint: Endpoint, request: schemas.Enroll, granted: Mapping[str, str]) -> None:
        now = self._clock.now()
        endpoint.hostname, endpoint.platform, endpoint.arch = request.hostname, request.platform, request.arch
        endpoint.agent_version, endpoint.machine_id = request.agent_version, request.machine_id
        endpoint.public_key = request.public_key
        # What the token's maker decided wins over what the machine says of itself.
        endpoint.labels = endpoint.labels | request.labels | granted
        endpoint.spool_pending = 0
        endpoint.generation_mark = endpoint.generation_mark_before = None
        endpoint.enrolled_at = endpoint.last_seen_at = now
        endpoint.offline_since = None

    async def own(self, session: AsyncSession, principal: Principal, *, hold: bool = False) -> Endpoint:
        """The endpoint a request comes from, with `hold` locked against others until the transaction ends.

        Raises Unauthenticated for people and for revoked machines, Forbidden for locked ones.
        """
        endpoint = None
        if principal.endpoint_id is not None:
            find = repository.held if hold else repository.get
            endpoint = await find(session, principal.tenant_id, principal.endpoint_id)
        if endpoint is None or endpoint.revoked_at is not None:
            raise Unauthenticated("This needs an endpoint's own token.", code="not_an_endpoint")
        if endpoint.locked_at is not None:
            raise endpoint_locked(endpoint.lock_reason or "")
        return endpoint

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

    async def known(self, session: AsyncSession, endpoints: Collection[Key]) -> dict[Key, Endpoint]:
        """Those of them that there are or were."""
        return {Key(each.tenant_id, each.id): each for each in await repository.known(session, endpoints)}

    async def troubles(self, session: AsyncSession, endpoints: Collection[Key]) -> dict[Key, list[Trouble]]:
        """What is stalled or drifted, by endpoint."""
        found: dict[Key, list[Trouble]] = {}
        for each in await repository.troubles(session, endpoints):
            found.setdefault(Key(each.tenant_id, each.endpoint_id), []).append(each)
        return found

    async def conditions(
        self, session: AsyncSession, instances: Collection[Key]
    ) -> dict[Key, EndpointCondition]:
        """What agents last said about these instances."""
        return await repository.conditions(session, instances)

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
            await events.record(session, endpoint, "revoked", self._clock.now())
        await self._tokens.revoke_of_endpoint(session, principal.tenant_id, endpoint_id)
        await self._changed(session, principal.tenant_id)

    async def lock(self, session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, why: str) -> None:
        """Its tokens stop working with this commit, in every copy there is; jobs on the machines run on."""
        endpoint = await repository.held(session, tenant_id, endpoint_id)
        if endpoint is None or endpoint.locked_at is not None:
            return
        endpoint.locked_at, endpoint.lock_reason = self._clock.now(), why
        await session.flush()
        await self._tokens.revoke_of_endpoint(session, tenant_id, endpoint_id)
        await events.record(
            session, endpoint, "clone_suspected", endpoint.locked_at, "GenerationMismatch", why
        )
        await self._record(session, "endpoint.locked", SYSTEM, endpoint, after={"reason": why})
        await self._changed(session, tenant_id)

    async def unlock(self, session: AsyncSession, principal: Principal, endpoint_id: UUID) -> Endpoint:
        """The next copy to present its key is the endpoint; what another one holds is worth nothing then.

        Raises NotFound, Conflict.
        """
        endpoint = await repository.held(session, principal.tenant_id, endpoint_id)
        if endpoint is None:
            raise NotFound("There is no such endpoint.")
        if endpoint.locked_at is None:
            raise Conflict("The endpoint is not locked.", code="not_locked")
        endpoint.locked_at = endpoint.lock_reason = None
        endpoint.generation = endpoint.generation_floor = endpoint.generation + 1
        endpoint.generation_mark = endpoint.generation_mark_before = None
        await session.flush()
        await events.record(session, endpoint, "unlocked", self._clock.now())
        await self._record(session, "endpoint.unlocked", principal.actor(), endpoint)
        await self._changed(session, principal.tenant_id)
        return endpoint

    async def events(
        self, session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, after: UUID | None, limit: int
    ) -> Sequence[EndpointEvent]:
        """What happened to it, newest first. Raises NotFound."""
        await self.get(session, tenant_id, endpoint_id)
        return await repository.events_page(session, tenant_id, endpoint_id, after, limit)

    async def conditions_of(
        self, session: AsyncSession, endpoint: Endpoint
    ) -> tuple[dict[str, int], Sequence[EndpointCondition]]:
        """How many instances are in which condition, and the first of those that are not Ready."""
        counts = await repository.condition_types(session, endpoint.tenant_id, endpoint.id)
        wrong = await repository.not_ready(session, endpoint.tenant_id, endpoint.id, _MOST_SHOWN)
        return counts, wrong

    async def count(self, session: AsyncSession, tenant_id: UUID) -> int:
        """Those that are not revoked."""
        return await repository.count_active(session, tenant_id)

    def now(self) -> datetime:
        return self._clock.now()

    def state(self, endpoint: Endpoint) -> str:
        if endpoint.revoked_at is not None:
            return "revoked"
        if endpoint.locked_at is not None:
            return "locked"
        seen = endpoint.last_seen_at
        return "online" if seen and self._clock.now() - seen <= OFFLINE_AFTER else "offline"

    async def issue(
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


def endpoint_locked(why: str) -> Forbidden:
    return Forbidden(
        f"This endpoint is locked: there seem to be two copies of it. {why}".strip(),
        code="endpoint_locked",
        hint="Somebody who manages endpoints unlocks it in the console; then start the agent of the right one first.",
    )
