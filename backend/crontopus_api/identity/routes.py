from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from crontopus_api.identity import account_schemas, schemas
from crontopus_api.identity.answers import Configured, forget_session, session_out
from crontopus_api.identity.dependencies import (
    CurrentPrincipal,
    caller_address,
    refuse_cross_site,
)
from crontopus_api.identity.service import IdentityService
from crontopus_api.identity.tokens import TokenService
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1")

Identity = Annotated[IdentityService, Depends(provided(IdentityService))]
Tokens = Annotated[TokenService, Depends(provided(TokenService))]


@router.get("/auth/options", tags=["auth"])
async def options(settings: Configured) -> account_schemas.Options:
    """How one comes in here: for the sign-in page, before anybody has signed in."""
    sso = account_schemas.SsoOut(name=settings.oidc_name) if settings.oidc_issuer else None
    return account_schemas.Options(
        registration=settings.registration, email_verification=settings.verifies_email, sso=sso
    )


@router.post(
    "/auth/register",
    status_code=201,
    tags=["auth"],
    response_model=schemas.SessionOut,
    responses={202: {"model": account_schemas.VerificationSent}, **problem_responses(403, 409, 422, 429)},
    dependencies=[Depends(refuse_cross_site)],
)
async def register(
    body: schemas.Register, response: Response, identity: Identity, settings: Configured
) -> schemas.SessionOut | JSONResponse:
    """Create a user with a personal tenant and repository, and sign in.

    Where addresses are verified, 202 and an email instead: the same whether or not the address has an account.
    """
    signed_in = await identity.register(
        username=body.username,
        email=body.email,
        password=body.password,
        token_name=body.wanted_token(),
        invitation=body.invitation,
    )
    if signed_in is None:
        return JSONResponse(account_schemas.VerificationSent().model_dump(), status_code=202)
    return session_out(response, settings, signed_in)


@router.post(
    "/auth/login",
    tags=["auth"],
    responses=problem_responses(401, 403, 422, 429),
    dependencies=[Depends(refuse_cross_site)],
)
async def login(
    body: schemas.Login, request: Request, response: Response, identity: Identity, settings: Configured
) -> schemas.SessionOut:
    """Sign in. At most five attempts a minute per account and address."""
    signed_in = await identity.sign_in(
        login=body.login,
        password=body.password,
        code=body.code,
        token_name=body.wanted_token(),
        address=caller_address(request),
    )
    return session_out(response, settings, signed_in)


@router.post("/auth/logout", status_code=204, tags=["auth"], responses=problem_responses(401, 403))
async def logout(
    principal: CurrentPrincipal, response: Response, identity: Identity, settings: Configured
) -> None:
    """Revoke the session or token this request was made with."""
    principal.person()
    await identity.sign_out(principal)
    forget_session(response, settings)


@router.get("/auth/me", tags=["auth"], responses=problem_responses(401, 403))
async def me(
    principal: CurrentPrincipal, response: Response, identity: Identity, settings: Configured
) -> schemas.SessionOut:
    return session_out(response, settings, await identity.whoami(principal), principal.scopes)
