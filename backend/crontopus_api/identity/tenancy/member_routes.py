"""Members of the tenant, and invitations into it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, people_only, requires
from crontopus_api.identity.tenancy import schemas
from crontopus_api.identity.tenancy.service import TenancyService
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.paging import Page, PageQuery, decode_uuid_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1", tags=["members"])

# Each is a mail to an address of the caller's choice.
INVITE_LIMIT = "60/hour"

Tenancy = Annotated[TenancyService, Depends(provided(TenancyService))]
Limits = Annotated[RateLimits, Depends(provided(RateLimits))]
_read = requires(scopes.JOBS_READ)
_admin = requires(scopes.TENANT_ADMIN)


@router.get("/members", dependencies=[_read, people_only], responses=problem_responses(401, 403, 422))
async def list_members(
    query: Annotated[PageQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    tenancy: Tenancy,
) -> Page[schemas.MemberOut]:
    """Everybody in the tenant, in the order in which they registered."""
    after = decode_uuid_cursor(query.cursor)
    rows, last = split_page(await tenancy.members(session, principal, after, query.limit + 1), query.limit)
    return Page(items=list(rows), next_cursor=encode_cursor(last.user_id) if last else None)


@router.patch(
    "/members/{user_id}", dependencies=[_admin], responses=problem_responses(401, 403, 404, 409, 422)
)
async def change_member(
    user_id: UUID,
    body: schemas.MemberPatch,
    principal: CurrentPrincipal,
    session: TenantSession,
    tenancy: Tenancy,
) -> schemas.MemberOut:
    """Give a member another role, no higher than your own. Takes effect at once, for their tokens as well."""
    return await tenancy.change_role(session, principal, user_id, body.role)


@router.delete(
    "/members/{user_id}",
    status_code=204,
    dependencies=[_admin],
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def remove_member(
    user_id: UUID, principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy
) -> None:
    """Their sessions and tokens of this tenant, and enrolment tokens they made, stop working at once."""
    await tenancy.remove(session, principal, user_id)


@router.get("/invitations", dependencies=[_admin], responses=problem_responses(401, 403, 422))
async def list_invitations(
    query: Annotated[PageQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    tenancy: Tenancy,
) -> Page[schemas.InvitationOut]:
    """Those that nobody has accepted yet, newest first."""
    after = decode_uuid_cursor(query.cursor)
    rows, last = split_page(
        await tenancy.invitations(session, principal, after, query.limit + 1), query.limit
    )
    return Page(items=list(rows), next_cursor=encode_cursor(last.id) if last else None)


@router.post(
    "/invitations",
    status_code=201,
    dependencies=[_admin],
    responses=problem_responses(401, 403, 409, 422, 429),
)
async def invite(
    body: schemas.NewInvitation,
    principal: CurrentPrincipal,
    session: TenantSession,
    tenancy: Tenancy,
    limits: Limits,
) -> schemas.InvitationOut:
    """Invite somebody by mail, with a role no higher than your own. The link is good for seven days, once."""
    await limits.take(INVITE_LIMIT, "invite", str(principal.tenant_id))
    return await tenancy.invite(session, principal, body.email, body.role)


@router.post(
    "/invitations/{invitation_id}/resend",
    dependencies=[_admin],
    responses=problem_responses(401, 403, 404, 422, 429),
)
async def resend_invitation(
    invitation_id: UUID,
    principal: CurrentPrincipal,
    session: TenantSession,
    tenancy: Tenancy,
    limits: Limits,
) -> schemas.InvitationOut:
    """Another mail, and seven more days."""
    await limits.take(INVITE_LIMIT, "invite", str(principal.tenant_id))
    return await tenancy.resend(session, principal, invitation_id)


@router.delete(
    "/invitations/{invitation_id}",
    status_code=204,
    dependencies=[_admin],
    responses=problem_responses(401, 403, 404, 422),
)
async def withdraw_invitation(
    invitation_id: UUID, principal: CurrentPrincipal, session: TenantSession, tenancy: Tenancy
) -> None:
    """Its link stops working."""
    await tenancy.withdraw(session, principal, invitation_id)


@router.post("/invitations/preview", responses=problem_responses(422))
async def preview_invitation(body: schemas.InvitationToken, tenancy: Tenancy) -> schemas.InvitationPreview:
    """What the link in a mail is for. Needs no account."""
    return schemas.InvitationPreview.model_validate(await tenancy.preview(body.token))


@router.post(
    "/invitations/accept", dependencies=[people_only], responses=problem_responses(401, 403, 409, 422)
)
async def accept_invitation(
    body: schemas.InvitationToken, principal: CurrentPrincipal, tenancy: Tenancy
) -> schemas.TenantSeen:
    """Join the tenant as whoever you are signed in as. Switch to it with `/auth/switch`."""
    return schemas.TenantSeen.model_validate(await tenancy.accept(principal, body.token))
