"""API tokens of people."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from crontopus_api.identity import token_schemas as schemas
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, people_only
from crontopus_api.identity.models import Token
from crontopus_api.identity.tokens import Issued, TokenService
from crontopus_api.kit.paging import Page, decode_uuid_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1", tags=["tokens"])

Tokens = Annotated[TokenService, Depends(provided(TokenService))]


def _issued(issued: Issued) -> schemas.IssuedToken:
    return schemas.IssuedToken(token=_out(issued.token), secret=issued.secret)


def _out(token: Token, owner: str | None = None) -> schemas.TokenOut:
    known = {name: getattr(token, name) for name in schemas.TokenOut.model_fields if name != "owner"}
    whose = schemas.OwnerOut(id=token.user_id, username=owner) if owner and token.user_id else None
    return schemas.TokenOut(**known, owner=whose)


@router.get("/tokens", responses=problem_responses(401, 403, 422))
async def list_tokens(
    principal: CurrentPrincipal,
    session: TenantSession,
    tokens: Tokens,
    query: Annotated[schemas.TokenQuery, Query()],
) -> Page[schemas.TokenOut]:
    """Your own API tokens, newest first."""
    before = decode_uuid_cursor(query.cursor)
    found = await tokens.page(
        session, principal, everybody=query.everybody, before=before, limit=query.limit + 1
    )
    shown, last = split_page(found, query.limit)
    items = [_out(token, owner if query.everybody else None) for token, owner in shown]
    return Page(items=items, next_cursor=encode_cursor(last[0].id) if last else None)


@router.post(
    "/tokens", status_code=201, dependencies=[people_only], responses=problem_responses(401, 403, 422)
)
async def create_token(
    body: schemas.NewToken, principal: CurrentPrincipal, session: TenantSession, tokens: Tokens
) -> schemas.IssuedToken:
    """Make an API token. It can never do more than you and the token you use now."""
    issued = await tokens.issue_for_user(
        session,
        principal,
        user_id=principal.person(),
        name=body.name,
        wanted=body.scopes,
        life_seconds=body.expires_in_seconds,
    )
    return _issued(issued)


@router.post(
    "/tokens/{token_id}/rotate",
    status_code=201,
    dependencies=[people_only],
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def rotate_token(
    token_id: UUID,
    body: schemas.RotateToken,
    principal: CurrentPrincipal,
    session: TenantSession,
    tokens: Tokens,
) -> schemas.IssuedToken:
    """Another secret for one of your own tokens, with its name, scopes and life. The old one ends after the overlap."""
    principal.person()
    return _issued(await tokens.rotate(session, principal, token_id, timedelta(seconds=body.overlap_seconds)))


@router.delete("/tokens/{token_id}", status_code=204, responses=problem_responses(401, 403, 404, 422))
async def revoke_token(
    token_id: UUID, principal: CurrentPrincipal, session: TenantSession, tokens: Tokens
) -> None:
    """Your own, or with tenant:admin anybody's."""
    principal.person()
    await tokens.revoke_for_user(session, principal, token_id)
