"""Tenants: one's own, and the one that the request is in."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, people_only, requires
from crontopus_api.identity.tenancy import schemas
from crontopus_api.identity.tenancy.exporting.service import ExportService
from crontopus_api.identity.tenancy.service import TenancyService
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.paging import Page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided
from crontopus_api.tenants.usage import UsageService

router = APIRouter(prefix="/api/v1", tags=["tenants"])

# Each reads all there is.
EXPORT_LIMIT = "10/hour"

Tenancy = Annotated[TenancyService, Depends(provided(TenancyService))]
_read = requires(scopes.JOBS_READ)
_admin = requires(scopes.TENANT_ADMIN)
_owner = requires(scopes.TENANT_OWNER)


@router.get("/tenants", responses=problem_responses(401, 403))
async def list_tenants(
    principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy
) -> Page[schemas.TenantSeen]:
    """Every tenant you belong to, in the order in which you joined."""
    found = await tenancy.mine(session, principal)
    return Page(items=[schemas.TenantSeen.model_validate(tenant) for tenant in found])


@router.post(
    "/tenants", status_code=201, dependencies=[people_only], responses=problem_responses(401, 403, 409, 422)
)
async def create_tenant(
    body: schemas.NewTenant, principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy
) -> schemas.TenantSeen:
    """One more tenant, yours, with a repository of its own. Nobody owns more than ten."""
    return schemas.TenantSeen.model_validate(await tenancy.create(session, principal, body.slug, body.name))


@router.get("/tenants/current", responses=problem_responses(401, 403))
async def current_tenant(
    principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy
) -> schemas.TenantSeen:
    return schemas.TenantSeen.model_validate(await tenancy.current(session, principal))


@router.patch("/tenants/current", dependencies=[_admin], responses=problem_responses(401, 403, 422))
async def rename_tenant(
    body: schemas.TenantPatch, principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy
) -> schemas.TenantSeen:
    """Another name, or whether found jobs are kept. The slug stays: it is part of addresses that machines know."""
    if body.name is not None:
        await tenancy.rename(session, principal, body.name)
    if body.discovery is not None:
        await tenancy.set_discovery(session, principal, body.discovery)
    return schemas.TenantSeen.model_validate(await tenancy.current(session, principal))


@router.delete("/tenants/current", dependencies=[_owner], responses=problem_responses(401, 403, 409, 422))
async def delete_tenant(
    body: schemas.DeleteTenant, principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy
) -> schemas.TenantSeen:
    """Delete the tenant. It works on until `delete_at` and can be restored; then all of it is removed for good."""
    return schemas.TenantSeen.model_validate(await tenancy.delete(session, principal, body.confirm))


@router.post("/tenants/current/restore", dependencies=[_owner], responses=problem_responses(401, 403, 409))
async def restore_tenant(
    principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy
) -> schemas.TenantSeen:
    """Take a deletion back."""
    return schemas.TenantSeen.model_validate(await tenancy.restore(session, principal))


@router.post(
    "/tenants/current/transfer",
    dependencies=[_owner],
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def transfer_tenant(
    body: schemas.Transfer, principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy
) -> schemas.TenantSeen:
    """Make another member its owner. You become an admin."""
    return schemas.TenantSeen.model_validate(await tenancy.transfer(session, principal, body.user_id))


@router.post("/tenants/current/leave", status_code=204, responses=problem_responses(401, 403, 409))
async def leave_tenant(principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy) -> None:
    """Your sessions and tokens of this tenant, this one included, stop working at once."""
    await tenancy.leave(session, principal)


@router.get("/usage", dependencies=[_read, people_only], responses=problem_responses(401, 403))
async def usage(
    principal: CurrentPrincipal, usages: Annotated[UsageService, Depends(provided(UsageService))]
) -> schemas.UsageOut:
    """What the tenant's plan allows, and how much of it is used."""
    principal.person()
    return schemas.UsageOut.model_validate(await usages.of(principal.tenant_id, principal.tenant_slug))


@router.get(
    "/tenants/current/export",
    dependencies=[_admin],
    response_class=StreamingResponse,
    responses=problem_responses(401, 403, 429, 503)
    | {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def export_tenant(
    principal: CurrentPrincipal,
    exports: Annotated[ExportService, Depends(provided(ExportService))],
    limits: Annotated[RateLimits, Depends(provided(RateLimits))],
) -> StreamingResponse:
    """Everything the tenant owns as a zip file: the repository as a Git bundle, rows as NDJSON. Nothing secret."""
    principal.person()
    await limits.take(EXPORT_LIMIT, "export", str(principal.tenant_id))
    chunks = exports.stream(principal)
    # Whatever keeps it from being made comes out now, while there is still a status to answer with.
    first = await anext(chunks)

    async def whole() -> AsyncIterator[bytes]:
        async with aclosing(chunks):
            yield first
            async for chunk in chunks:
                yield chunk

    name = f"crontopus-{principal.tenant_slug}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(whole(), media_type="application/zip", headers=headers)
