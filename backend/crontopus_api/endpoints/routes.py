"""Endpoints as people see them, and enrolment tokens."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from crontopus_api.endpoints import schemas
from crontopus_api.endpoints.models import Endpoint
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.identity.tokens import TokenService
from crontopus_api.kit.paging import Page, PageQuery, decode_uuid_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1")

Endpoints = Annotated[EndpointService, Depends(provided(EndpointService))]
Tokens = Annotated[TokenService, Depends(provided(TokenService))]
_read = requires(scopes.JOBS_READ)
_manage = requires(scopes.ENDPOINTS_MANAGE)


def _known(service: EndpointService, endpoint: Endpoint) -> dict[str, Any]:
    known = {
        name: getattr(endpoint, name) for name in schemas.EndpointOut.model_fields if hasattr(endpoint, name)
    }
    return known | {"state": service.state(endpoint)}


def _out(service: EndpointService, endpoint: Endpoint, instances: dict[UUID, int]) -> schemas.EndpointOut:
    return schemas.EndpointOut(**_known(service, endpoint), instances=instances.get(endpoint.id, 0))


@router.get(
    "/endpoints", tags=["endpoints"], dependencies=[_read], responses=problem_responses(401, 403, 422)
)
async def list_endpoints(
    query: Annotated[PageQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    endpoints: Endpoints,
) -> Page[schemas.EndpointOut]:
    """Machines that run the agent, newest first."""
    after = decode_uuid_cursor(query.cursor)
    rows, last = split_page(
        await endpoints.page(session, principal.tenant_id, after, query.limit + 1), query.limit
    )
    counts = await endpoints.condition_counts(session, principal.tenant_id)
    return Page(
        items=[_out(endpoints, row, counts) for row in rows],
        next_cursor=encode_cursor(last.id) if last else None,
    )


@router.get(
    "/endpoints/{endpoint_id}",
    tags=["endpoints"],
    dependencies=[_read],
    responses=problem_responses(401, 403, 404, 422),
)
async def get_endpoint(
    endpoint_id: UUID, principal: CurrentPrincipal, session: TenantSession, endpoints: Endpoints
) -> schemas.EndpointDetail:
    """With what is not as it should be on it."""
    endpoint = await endpoints.get(session, principal.tenant_id, endpoint_id)
    counts, wrong = await endpoints.conditions_of(session, endpoint)
    return schemas.EndpointDetail(
        **_known(endpoints, endpoint),
        instances=sum(counts.values()),
        conditions=counts,
        problems=[schemas.EndpointConditionOut.model_validate(each) for each in wrong],
    )


@router.get(
    "/endpoints/{endpoint_id}/events",
    tags=["endpoints"],
    dependencies=[_read],
    responses=problem_responses(401, 403, 404, 422),
)
async def list_endpoint_events(
    endpoint_id: UUID,
    query: Annotated[PageQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    endpoints: Endpoints,
) -> Page[schemas.EndpointEventOut]:
    """What happened to it and to the jobs on it in the last 90 days, newest first."""
    after = decode_uuid_cursor(query.cursor)
    found = await endpoints.events(session, principal.tenant_id, endpoint_id, after, query.limit + 1)
    rows, last = split_page(found, query.limit)
    return Page(
        items=[schemas.EndpointEventOut.model_validate(row) for row in rows],
        next_cursor=encode_cursor(last.id) if last else None,
    )


@router.post(
    "/endpoints/{endpoint_id}/unlock",
    tags=["endpoints"],
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def unlock_endpoint(
    endpoint_id: UUID, principal: CurrentPrincipal, session: TenantSession, endpoints: Endpoints
) -> schemas.EndpointOut:
    """The next of its copies to come with the endpoint's key goes on as this endpoint; any other has to enrol."""
    endpoint = await endpoints.unlock(session, principal, endpoint_id)
    return _out(endpoints, endpoint, await endpoints.condition_counts(session, principal.tenant_id))


@router.patch(
    "/endpoints/{endpoint_id}",
    tags=["endpoints"],
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 422),
)
async def edit_endpoint(
    endpoint_id: UUID,
    patch: schemas.EndpointPatch,
    principal: CurrentPrincipal,
    session: TenantSession,
    endpoints: Endpoints,
) -> schemas.EndpointOut:
    """Rename it or change its labels; jobs whose selector matches follow at once."""
    endpoint = await endpoints.edit(session, principal, endpoint_id, patch)
    return _out(endpoints, endpoint, await endpoints.condition_counts(session, principal.tenant_id))


@router.delete(
    "/endpoints/{endpoint_id}",
    status_code=204,
    tags=["endpoints"],
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 422),
)
async def revoke_endpoint(
    endpoint_id: UUID, principal: CurrentPrincipal, session: TenantSession, endpoints: Endpoints
) -> None:
    """Revoke it: its token stops working at once, no job is expected there any more."""
    await endpoints.revoke(session, principal, endpoint_id)


@router.post(
    "/enrollment-tokens",
    status_code=201,
    tags=["endpoints"],
    dependencies=[_manage],
    responses=problem_responses(401, 403, 422),
)
async def create_enrollment_token(
    body: schemas.NewEnrollmentToken, principal: CurrentPrincipal, session: TenantSession, tokens: Tokens
) -> schemas.IssuedEnrollmentToken:
    """A token with which machines become endpoints of this tenant."""
    issued = await tokens.issue_enrollment(
        session,
        principal,
        name=body.name,
        uses=body.uses,
        life_seconds=body.expires_in_seconds,
        labels=body.labels,
    )
    return schemas.IssuedEnrollmentToken(
        token=schemas.EnrollmentTokenOut.model_validate(issued.token), secret=issued.secret
    )


@router.get(
    "/enrollment-tokens", tags=["endpoints"], dependencies=[_manage], responses=problem_responses(401, 403)
)
async def list_enrollment_tokens(
    principal: CurrentPrincipal, session: TenantSession, tokens: Tokens
) -> Page[schemas.EnrollmentTokenOut]:
    """Those that can still be used, newest first."""
    found = await tokens.enrollments(session, principal.tenant_id)
    return Page(items=[schemas.EnrollmentTokenOut.model_validate(token) for token in found])


@router.delete(
    "/enrollment-tokens/{token_id}",
    status_code=204,
    tags=["endpoints"],
    dependencies=[_manage],
    responses=problem_responses(401, 403, 404, 422),
)
async def revoke_enrollment_token(
    token_id: UUID, principal: CurrentPrincipal, session: TenantSession, tokens: Tokens
) -> None:
    await tokens.revoke_enrollment(session, principal, token_id)
