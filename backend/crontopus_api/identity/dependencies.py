"""What routes depend on: who is asking, and a transaction in their tenant."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.params import Depends as DependsParam
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.cookies import session_cookie
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.service import IdentityService
from crontopus_api.kit.caller import current_caller
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Forbidden, Unauthenticated
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.wiring import provided
from crontopus_api.settings import Settings

_CHECK_INS = "/api/v1/check-ins"
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def refuse_cross_site(request: Request) -> None:
    """A cookie travels with requests that other sites make a browser send: those may not change anything, nor
    sign the browser in as somebody else. Raises Forbidden."""
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
    refuse_cross_site(request)
    return await identity.authenticate(cookie)


CurrentPrincipal = Annotated[Principal, Depends(current_principal)]


async def _current_person(principal: CurrentPrincipal) -> Principal:
    """An account is in its owner's hands: API tokens, which are lent to programs, do not reach it."""
    if principal.kind != "session" or principal.user_id is None:
        raise Forbidden(
            "This is for who is signed in, not for tokens.",
            code="session_required",
            hint="Sign in to the console, or with POST /api/v1/auth/login in mode cookie.",
        )
    return principal


CurrentPerson = Annotated[Principal, Depends(_current_person)]
"""Somebody signed in by a session."""


def caller_address(request: Request) -> str:
    """Of the client, as far as the edge believes it."""
    peer = request.client.host if request.client else None
    return current_caller().address or peer or "unknown"


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


def _person(principal: CurrentPrincipal) -> None:
    principal.person()


people_only: DependsParam = Depends(_person)
"""A route dependency: endpoints read jobs, and have no business with whom the tenant is made of."""
