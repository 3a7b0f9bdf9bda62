"""What agents do: report, and trade their token for a fresh one.

A request that shows that an endpoint was copied has to change something (lock it) and to be refused: the first
transaction is rolled back, and another one locks.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints import events, generations, repository, schemas
from crontopus_api.endpoints.generations import CloneSuspected, Kept, Presented, Superseded
from crontopus_api.endpoints.models import Endpoint
from crontopus_api.endpoints.service import OFFLINE_AFTER, EndpointService, SignersOf, endpoint_locked
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.tokens import Issued
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Forbidden, Unauthenticated
from crontopus_api.live.topics import announce

CLOCK_TOLERANCE = timedelta(minutes=5)
# An offset measured with an answer that took longer says little.
_MOST_ROUND_TRIP_MS = 10_000


class MachineService:
    def __init__(
        self, database: Database, clock: Clock, endpoints: EndpointService, signers_of: SignersOf
    ) -> None:
        self._database = database
        self._clock = clock
        self._endpoints = endpoints
        self.signers_of = signers_of

    async def heartbeat(self, principal: Principal, report: schemas.Heartbeat) -> tuple[Endpoint, str | None]:
        """Record what an agent says of itself and its instances. Answers the endpoint and where HEAD is.

        Raises Unauthenticated; Forbidden when the endpoint is locked, also by this report.
        """
        try:
            async with self._database.tenant(principal.tenant_id) as session:
                endpoint = await self._endpoints.own(session, principal, hold=True)
                self._advance(endpoint, report.generation)
                await self._take(session, endpoint, report)
                return endpoint, await self._endpoints.head_of(session, principal.tenant_id)
        except CloneSuspected as found:
            assert principal.endpoint_id is not None
            raise await self._lock(principal.tenant_id, principal.endpoint_id, str(found)) from found
        except Superseded as error:
            raise _superseded() from error

    async def rotate(self, principal: Principal | None, request: schemas.Rotate) -> tuple[Issued, int]:
        """A fresh token for an endpoint that proves it holds its key, and its generation. The old one works until the
        new one is used.

        `principal`: whose token came along. With a generation the key alone is proof enough: who was away for long, or
        whose tokens went with a lock, comes back by it.

        Raises Unauthenticated for a wrong signature, a stale time or a nonce seen before; Forbidden when the endpoint
        is locked or revoked, or belongs to another copy.
        """
        tenant_id, endpoint_id = _who(principal, request)
        try:
            async with self._database.tenant(tenant_id) as session:
                return await self._rotate(session, tenant_id, endpoint_id, principal, request)
        except CloneSuspected as found:
            raise await self._lock(tenant_id, endpoint_id, str(found)) from found
        except Superseded as error:
            raise _superseded() from error

    async def _rotate(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        endpoint_id: UUID,
        principal: Principal | None,
        request: schemas.Rotate,
    ) -> tuple[Issued, int]:
        now = self._clock.now()
        # Held only for who has the key: a stranger's attempts must not make the machine wait.
        endpoint = await repository.get(session, tenant_id, endpoint_id)
        if endpoint is not None and _signed(endpoint, request):
            endpoint = await repository.held(session, tenant_id, endpoint_id)
        if endpoint is None or not _signed(endpoint, request):
            raise Unauthenticated("The signature is not this endpoint's.", code="invalid_signature")
        self._check_time(request, now)
        forget_before = now - 2 * CLOCK_TOLERANCE
        if not await repository.use_nonce(session, tenant_id, endpoint_id, request.nonce, now, forget_before):
            raise Unauthenticated("This signed request was used before.", code="replayed_signature")
        if endpoint.revoked_at is not None:
            raise Forbidden(
                "This endpoint was revoked.", code="endpoint_revoked", hint="Enrol this machine anew."
            )
        if endpoint.locked_at is not None:
            raise endpoint_locked(endpoint.lock_reason or "")
        claimed = endpoint.generation_mark is None and endpoint.generation_floor > 0
        self._advance(endpoint, request.generation, may_claim=True)
        if claimed and endpoint.generation_mark is not None:
            await events.record(session, endpoint, "claimed", now, "KeyPresented")
        await session.flush()
        replaces = principal.token_id if principal and principal.endpoint_id == endpoint_id else None
        return await self._endpoints.issue(session, endpoint, replaces), endpoint.generation

    def _check_time(self, request: schemas.Rotate, now: datetime) -> None:
        if abs(_parse_time(request.timestamp) - now) > CLOCK_TOLERANCE:
            raise Unauthenticated(
                "The signed time is too far from ours.",
                code="stale_signature",
                hint="Set the machine's clock.",
            )

    def _advance(
        self, endpoint: Endpoint, presented: schemas.Generation | None, *, may_claim: bool = False
    ) -> None:
        kept = Kept(
            endpoint.generation,
            endpoint.generation_floor,
            endpoint.generation_mark,
            endpoint.generation_mark_before,
        )
        shown = Presented(presented.number, presented.mark, presented.next) if presented else None
        put_generation(endpoint, generations.advance(kept, shown, may_claim=may_claim))

    async def _take(self, session: AsyncSession, endpoint: Endpoint, report: schemas.Heartbeat) -> None:
        now = self._clock.now()
        seen = endpoint.last_seen_at
        came_back = endpoint.offline_since is not None or seen is None or now - seen > OFFLINE_AFTER
        moved = came_back or endpoint.applied_commit != report.applied_commit
        if endpoint.offline_since is not None:
            away = int((now - endpoint.offline_since).total_seconds())
            await events.record(
                session, endpoint, "online", now, "Heartbeat", f"It was offline for {away} s."
            )
            endpoint.offline_since = None
        endpoint.last_seen_at = now
        endpoint.agent_version = report.agent_version
        endpoint.fetched_commit = report.fetched_commit
        endpoint.applied_commit = report.applied_commit
        endpoint.spool_pending = report.spool.pending
        endpoint.clock_offset_ms = _offset(report, now)
        await session.flush()
        rows = [
            {"tenant_id": endpoint.tenant_id, "endpoint_id": endpoint.id, "at": now} | condition.model_dump()
            for condition in {each.instance_id: each for each in report.conditions}.values()
        ]
        wrong = await repository.not_ready(session, endpoint.tenant_id, endpoint.id)
        before = {each.instance_id: each.type for each in wrong}
        changed = await repository.replace_conditions(session, endpoint.tenant_id, endpoint.id, rows)
        told = events.of_conditions(endpoint, before, changed, now)
        gone = before.keys() - {condition.instance_id for condition in report.conditions}
        if gone:
            words = f"{len(gone)} that were not as they should be are not there any more."
            told.append(events.event(endpoint, "ready", now, "Gone", words))
        await repository.add_events(session, told)
        if moved or told:
            await announce(session, endpoint.tenant_id, "endpoints", "jobs")

    async def _lock(self, tenant_id: UUID, endpoint_id: UUID, why: str) -> Forbidden:
        async with self._database.tenant(tenant_id) as session:
            await self._endpoints.lock(session, tenant_id, endpoint_id, why)
        return endpoint_locked(why)


def put_generation(endpoint: Endpoint, kept: Kept) -> None:
    endpoint.generation = kept.number
    endpoint.generation_floor = kept.floor
    endpoint.generation_mark = kept.mark
    endpoint.generation_mark_before = kept.mark_before


def _who(principal: Principal | None, request: schemas.Rotate) -> tuple[UUID, UUID]:
    """(tenant id, endpoint id). Words in the body are not believed before the signature over them is checked."""
    if request.generation is not None and request.tenant_id and request.endpoint_id:
        return request.tenant_id, request.endpoint_id
    if principal is None or principal.endpoint_id is None:
        raise Unauthenticated("This needs an endpoint's own token.", code="not_an_endpoint")
    return principal.tenant_id, principal.endpoint_id


def _signed(endpoint: Endpoint, request: schemas.Rotate) -> bool:
    shown = request.generation
    if shown is None:
        words = ["crontopus-rotate-v1", endpoint.id, request.timestamp, request.nonce]
    else:
        about = [endpoint.tenant_id, endpoint.id, request.timestamp, request.nonce]
        words = ["crontopus-rotate-v2", *about, shown.number, shown.mark or "-", shown.next or "-"]
    try:
        key = Ed25519PublicKey.from_public_bytes(endpoint.public_key)
        key.verify(request.signature, "\n".join(map(str, words)).encode())
    except InvalidSignature:
        return False
    return True


def _superseded() -> Forbidden:
    return Forbidden(
        "This endpoint goes on in another copy of this machine.",
        code="endpoint_superseded",
        hint="Enrol this machine anew: it becomes an endpoint of its own.",
    )


def _offset(report: schemas.Heartbeat, now: datetime) -> int:
    """How far the machine's clock is ahead, in milliseconds: as the agent measured it, else with the way here in it."""
    measured = report.clock
    if measured is not None and measured.round_trip_ms <= _MOST_ROUND_TRIP_MS:
        return measured.offset_ms
    return int((_aware(report.sent_at) - now) / timedelta(milliseconds=1))


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _parse_time(text: str) -> datetime:
    try:
        return _aware(datetime.fromisoformat(text))
    except ValueError as error:
        raise Unauthenticated("The signed time is not RFC 3339.", code="stale_signature") from error
