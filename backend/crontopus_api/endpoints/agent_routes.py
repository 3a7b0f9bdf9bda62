"""What agents call: enrolment, and everything about the endpoint that asks."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints import schemas
from crontopus_api.endpoints.machines import MachineService
from crontopus_api.endpoints.routes import Endpoints
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.identity import scopes
from crontopus_api.identity.answers import Configured
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.routes import Identity
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Forbidden, Unauthenticated
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided
from crontopus_api.live.hub import Hub
from crontopus_api.live.streams import KEEPALIVE, KEEPALIVE_SECONDS, event, stream

router = APIRouter(prefix="/api/v1/endpoints", tags=["agent"])

Storage = Annotated[Database, Depends(provided(Database))]
Machines = Annotated[MachineService, Depends(provided(MachineService))]
_own = requires(scopes.ENDPOINT_SELF)


async def _untenanted(database: Storage) -> AsyncIterator[AsyncSession]:
    async with database.session() as session:
        yield session


@router.post("/enroll", status_code=201, responses=problem_responses(401, 403, 422))
async def enroll(
    body: schemas.Enroll,
    session: Annotated[AsyncSession, Depends(_untenanted, scope="function")],
    endpoints: Endpoints,
    machines: Machines,
    settings: Configured,
) -> schemas.Enrolled:
    """Trade an enrolment token for an endpoint and its own token."""
    enrolled = await endpoints.enroll(session, body)
    endpoint, token = enrolled.endpoint, enrolled.issued.token
    assert token.expires_at is not None
    return schemas.Enrolled(
        endpoint_id=endpoint.id,
        tenant_id=endpoint.tenant_id,
        tenant_slug=enrolled.tenant_slug,
        name=endpoint.name,
        token=enrolled.issued.secret,
        token_expires_at=token.expires_at,
        repository=schemas.RepositoryUrl(url=settings.clone_url(enrolled.tenant_slug)),
        labels=endpoint.labels,
        server_time=token.created_at,
        generation=endpoint.generation,
        signers=await _signers(machines, session),
    )


@router.get("/self", dependencies=[_own], responses=problem_responses(401, 403))
async def own_endpoint(
    principal: CurrentPrincipal,
    session: TenantSession,
    endpoints: Endpoints,
    machines: Machines,
    settings: Configured,
) -> schemas.Self:
    endpoint = await endpoints.own(session, principal)
    return schemas.Self(
        endpoint_id=endpoint.id,
        tenant_id=endpoint.tenant_id,
        tenant_slug=principal.tenant_slug,
        name=endpoint.name,
        hostname=endpoint.hostname,
        labels=endpoint.labels,
        repository=schemas.RepositoryUrl(url=settings.clone_url(principal.tenant_slug)),
        head_commit=await endpoints.head_of(session, principal.tenant_id),
        token_expires_at=principal.expires_at,
        server_time=endpoints.now(),
        signers=await _signers(machines, session),
    )


async def _signers(machines: MachineService, session: AsyncSession) -> schemas.SignersKnown:
    known = await machines.signers_of(session)
    successions = [schemas.Succession.model_validate(each) for each in known.successions]
    return schemas.SignersKnown(current=known.current, successions=successions)


@router.post("/self/heartbeat", dependencies=[_own], responses=problem_responses(401, 403, 422))
async def heartbeat(
    body: schemas.Heartbeat, principal: CurrentPrincipal, endpoints: Endpoints, machines: Machines
) -> schemas.HeartbeatAnswer:
    """Sent every 30 seconds and after each reconcile. 403 `endpoint_locked`: there are two of it."""
    endpoint, head = await machines.heartbeat(principal, body)
    return schemas.HeartbeatAnswer(
        server_time=endpoints.now(),
        head_commit=head,
        labels=endpoint.labels,
        token_expires_at=principal.expires_at,
        generation=endpoint.generation,
    )


@router.post("/self/rotate-token", responses=problem_responses(401, 403, 422))
async def rotate_token(
    body: schemas.Rotate, request: Request, identity: Identity, machines: Machines
) -> schemas.Rotated:
    """A new endpoint token for a request signed with the endpoint's key.

    Works with a token that has expired, and with a generation without one: a machine that was off for long comes back
    by its key.
    """
    token = request.headers.get("authorization", "").partition(" ")[2].strip()
    try:
        principal = await identity.authenticate(token, allow_expired=True)
    except Unauthenticated:
        if body.generation is None:
            raise
        principal = None
    issued, generation = await machines.rotate(principal, body)
    assert issued.token.expires_at is not None
    return schemas.Rotated(
        token=issued.secret, token_expires_at=issued.token.expires_at, generation=generation
    )


@router.get(
    "/self/stream",
    dependencies=[_own],
    response_class=StreamingResponse,
    responses=problem_responses(401, 403)
    | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def own_stream(
    principal: CurrentPrincipal,
    database: Storage,
    endpoints: Endpoints,
    hub: Annotated[Hub, Depends(provided(Hub))],
) -> StreamingResponse:
    """Server-sent events `head` and `labels`: now, and whenever either changes."""
    return stream(_own_changes(principal, database, endpoints, hub))


async def _own_changes(
    principal: Principal, database: Database, endpoints: EndpointService, hub: Hub
) -> AsyncIterator[str]:
    commit: str | None = None
    labels: dict[str, str] | None = None
    async with hub.subscribe(principal.tenant_id) as subscription:
        while True:
            try:
                async with database.tenant(principal.tenant_id) as session:
                    endpoint = await endpoints.own(session, principal)
                    head = await endpoints.head_of(session, principal.tenant_id)
            except (Unauthenticated, Forbidden):
                return  # revoked or locked meanwhile: the next request is told so
            if head is not None and head != commit:
                commit = head
                yield event("head", {"commit": commit})
            if endpoint.labels != labels:
                labels = endpoint.labels
                yield event("labels", {"labels": labels})
            while not await subscription.wait(KEEPALIVE_SECONDS) & {"head", "endpoints"}:
                yield KEEPALIVE
