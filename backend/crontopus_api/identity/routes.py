from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from crontopus_api.identity import schemas, scopes
from crontopus_api.identity.dependencies import SESSION_COOKIE, CurrentPrincipal
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.service import SESSION_LIFE, IdentityService, SignedIn
from crontopus_api.kit.errors import Forbidden
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided
from crontopus_api.settings import Settings

router = APIRouter(prefix="/api/v1")

LOGIN_LIMIT = "5/minute"

Identity = Annotated[IdentityService, Depends(provided(IdentityService))]
Limits = Annotated[RateLimits, Depends(provided(RateLimits))]
Configured = Annotated[Settings, Depends(provided(Settings))]


def _answer(
    response: Response, settings: Settings, signed_in: SignedIn, granted: frozenset[str] | None = None
) -> schemas.SessionOut:
    secret = None
    if signed_in.issued is not None and signed_in.issued.token.kind == "session":
        response.set_cookie(
            SESSION_COOKIE,
            signed_in.issued.secret,
            max_age=int(SESSION_LIFE.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=settings.base_url.startswith("https://"),
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
    request: Request,
    response: Response,
    identity: Identity,
    limits: Limits,
    settings: Configured,
) -> schemas.SessionOut:
    """Sign in. At most five attempts a minute per account and address."""
    # Account and address together: somebody who guesses elsewhere cannot lock the owner out.
    address = request.client.host if request.client else "unknown"
    await limits.take(LOGIN_LIMIT, "login", body.login.lower(), address)
    signed_in = await identity.sign_in(
        login=body.login, password=body.password, token_name=body.wanted_token()
    )
    return _answer(response, settings, signed_in)


@router.post("/auth/logout", status_code=204, tags=["auth"], responses=problem_responses(401, 403))
async def logout(principal: CurrentPrincipal, response: Response, identity: Identity) -> None:
    """Revoke the session or token this request was made with."""
    await identity.sign_out(_person(principal))
    response.delete_cookie(SESSION_COOKIE)


@router.get("/auth/me", tags=["auth"], responses=problem_responses(401))
async def me(
    principal: CurrentPrincipal, response: Response, identity: Identity, settings: Configured
) -> schemas.SessionOut:
    return _answer(response, settings, await identity.whoami(principal), principal.scopes)


def _person(principal: Principal) -> Principal:
    _user_id(principal)
    return principal


def _user_id(principal: Principal) -> UUID:
    if principal.user_id is None:
        raise Forbidden("This is for people, not for endpoints.", code="not_a_user")
    return principal.user_id
