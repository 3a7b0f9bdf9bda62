from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from crontopus_api.identity import schemas, scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, session_cookie
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.service import SESSION_LIFE, IdentityService, SignedIn
from crontopus_api.identity.tokens import TokenService
from crontopus_api.kit.caller import current_caller
from crontopus_api.kit.errors import Forbidden
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.paging import Page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided
from crontopus_api.settings import Settings

router = APIRouter(prefix="/api/v1")

Identity = Annotated[IdentityService, Depends(provided(IdentityService))]
Tokens = Annotated[TokenService, Depends(provided(TokenService))]
Limits = Annotated[RateLimits, Depends(provided(RateLimits))]
Configured = Annotated[Settings, Depends(provided(Settings))]


def _answer(
    response: Response, settings: Settings, signed_in: SignedIn, granted: frozenset[str] | None = None
) -> schemas.SessionOut:
    secret = None
    if signed_in.issued is not None and signed_in.issued.token.kind == "session":
        response.set_cookie(
            session_cookie(settings),
            signed_in.issued.secret,
            max_age=int(SESSION_LIFE.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=settings.secure,
        )
    elif signed_in.issued is not None:
        secret = signed_in.issued.secret
    tenant = signed_in.tenant
    return schemas.SessionOut(
        user=schemas.UserOut.model_validate(signed_in.user),
        tenant=schemas.TenantOut.model_validate(tenant),
        tenants=[schemas.TenantOut.model_validate(each) for each in signed_in.tenants],
        repository=schemas.RepositoryOut(clone_url=settings.clone_url(tenant.slug)),
        scopes=sorted(granted if granted is not None else scopes.BY_ROLE[tenant.role]),
        token=secret,
    )


@router.post("/auth/register", status_code=201, tags=["auth"], responses=problem_responses(409, 422))
async def register(
    body: schemas.Register, response: Response, identity: Identity, settings: Configured
) -> schemas.SessionOut:
    """Create a user with a personal tenant and repository, and sign in."""
    signed_in = await identity.register(
        username=body.username, email=body.email, password=body.password, token_name=body.wanted_token()
    )
    return _answer(response, settings, signed_in)


@router.post("/auth/login", tags=["auth"], responses=problem_responses(401, 422, 429))
async def login(
    body: schemas.Login,
    response: Response,
    identity: Identity,
    limits: Limits,
    settings: Configured,
) -> schemas.SessionOut:
    """Sign in. At most five attempts a minute per account and address."""
    # Account and address together: somebody who guesses elsewhere cannot lock the owner out.
    await limits.take(limits.policies.login, "login", body.login.lower(), current_caller().network)
    signed_in = await identity.sign_in(
        login=body.login, password=body.password, token_name=body.wanted_token()
    )
    return _answer(response, settings, signed_in)


@router.post("/auth/logout", status_code=204, tags=["auth"], responses=problem_responses(401, 403))
async def logout(
    principal: CurrentPrincipal, response: Response, identity: Identity, settings: Configured
) -> None:
    """Revoke the session or token this request was made with."""
    await identity.sign_out(_person(principal))
    response.delete_cookie(session_cookie(settings), secure=settings.secure, httponly=True, samesite="lax")


@router.get("/auth/me", tags=["auth"], responses=problem_responses(401))
async def me(
    principal: CurrentPrincipal, response: Response, identity: Identity, settings: Configured
) -> schemas.SessionOut:
    return _answer(response, settings, await identity.whoami(principal), principal.scopes)


@router.get("/tokens", tags=["tokens"], responses=problem_responses(401, 403))
async def list_tokens(
    principal: CurrentPrincipal, session: TenantSession, tokens: Tokens
) -> Page[schemas.TokenOut]:
    """Your own API tokens, newest first."""
    found = await tokens.of_user(session, principal.tenant_id, _user_id(principal))
    return Page(items=[schemas.TokenOut.model_validate(token) for token in found])


@router.post("/tokens", status_code=201, tags=["tokens"], responses=problem_responses(401, 403, 422))
async def create_token(
    body: schemas.NewToken, principal: CurrentPrincipal, session: TenantSession, tokens: Tokens
) -> schemas.IssuedToken:
    """Make an API token. It can never do more than you and the token you use now."""
    issued = await tokens.issue_for_user(
        session,
        principal,
        user_id=_user_id(principal),
        name=body.name,
        wanted=body.scopes,
        life_seconds=body.expires_in_seconds,
    )
    return schemas.IssuedToken(token=schemas.TokenOut.model_validate(issued.token), secret=issued.secret)


@router.delete(
    "/tokens/{token_id}", status_code=204, tags=["tokens"], responses=problem_responses(401, 403, 404, 422)
)
async def revoke_token(
    token_id: UUID, principal: CurrentPrincipal, session: TenantSession, tokens: Tokens
) -> None:
    await tokens.revoke_own(session, principal.tenant_id, token_id, _user_id(principal))


def _person(principal: Principal) -> Principal:
    _user_id(principal)
    return principal


def _user_id(principal: Principal) -> UUID:
    if principal.user_id is None:
        raise Forbidden("This is for people, not for endpoints.", code="not_a_user")
    return principal.user_id
