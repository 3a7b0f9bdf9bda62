"""What routes depend on: who is asking, and a transaction in their tenant."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.params import Depends as DependsParam
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.principal import Principal
from crontopus_api.identity.service import IdentityService
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Forbidden, Unauthenticated
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.wiring import provided
from crontopus_api.settings import Settings

SESSION_COOKIE = "crontopus_session"
_CHECK_INS = "/api/v1/check-ins"
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def session_cookie(settings: Settings) -> str:
    """Its name. `__Host-`: browsers then take it from this very host only, over TLS only."""
    return f"__Host-{SESSION_COOKIE}" if settings.secure else SESSION_COOKIE


def _refuse_cross_site(request: Request) -> None:
    """A cookie travels with requests that other sites make a browser send: those may not change anything."""
    if request.method in _SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    same_origin = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if site not in {None, "same-origin", "none"} or not same_origin:
        raise Forbidden("This request came from another site.", code="cross_site_request")


async def current_principal(
    request: Request,
    identity: Annotated[IdentityService, Depends(provided(IdentityService))],
    limits: Annotated[RateLimits, Depends(provided(RateLimits))],
    settings: Annotated[Settings, Depends(provided(Settings))],
) -> Principal:
    principal = await _recognised(request, identity, settings)
    # Check-ins are counted by plan, where they are taken.
    if not request.url.path.startswith(_CHECK_INS):
        await limits.take(limits.policies.api, "api", str(principal.token_id))
    return principal


async def _recognised(request: Request, identity: IdentityService, settings: Settings) -> Principal:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if token:
        if scheme.lower() != "bearer":
            raise Unauthenticated("Use `Authorization: Bearer ctp_…`.", code="invalid_token")
        return await identity.authenticate(token.strip())
    cookie = request.cookies.get(session_cookie(settings))
    if not cookie:
        raise Unauthenticated("Sign in first.", hint="Send a token or sign in at /.")
    _refuse_cross_site(request)
    return await identity.authenticate(cookie)


CurrentPrincipal = Annotated[Principal, Depends(current_principal)]


async def _tenant_session(
    principal: CurrentPrincipal, database: Annotated[Database, Depends(provided(Database))]
) -> AsyncIterator[AsyncSession]:
    async with database.tenant(principal.tenant_id, principal.user_id) as session:
        yield session


# scope="function": committed before the answer leaves, so an answer never reports what may yet fail.
TenantSession = Annotated[AsyncSession, Depends(_tenant_session, scope="function")]


def requires(scope: str) -> DependsParam:
    """A route dependency: the caller must hold `scope`."""

    def check(principal: CurrentPrincipal) -> None:
        principal.require(scope)

    dependency: DependsParam = Depends(check)
    return dependency
