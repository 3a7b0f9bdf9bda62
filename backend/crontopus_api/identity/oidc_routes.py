"""Single sign-on, as the browser goes through it: here, to the provider, and back."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse

from crontopus_api.identity.answers import Configured, set_session
from crontopus_api.identity.cookies import sign_on_cookie
from crontopus_api.identity.single_sign_on import ATTEMPT_SECONDS, SingleSignOn
from crontopus_api.kit.errors import CrontopusError, Invalid, NotFound, Unauthenticated
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1/auth/oidc", tags=["auth"])

SignOn = Annotated[SingleSignOn, Depends(provided(SingleSignOn))]
Text = Annotated[str, Query(max_length=4096)]


@router.get(
    "/start", status_code=302, response_class=RedirectResponse, responses=problem_responses(404, 422, 429)
)
async def start(
    sign_on: SignOn,
    settings: Configured,
    return_to: Annotated[str, Query(max_length=500, description="A path of the console.")] = "/",
) -> RedirectResponse:
    """Send the browser to the provider. It comes back to `return_to`, or to `/sign-in?error=code`."""
    try:
        url, kept = await sign_on.begin(return_to)
    except (Invalid, NotFound):
        raise
    except CrontopusError as error:
        return _failed(error.code)
    answer = RedirectResponse(url, 302)
    answer.set_cookie(
        sign_on_cookie(settings),
        kept,
        max_age=ATTEMPT_SECONDS,
        httponly=True,
        samesite="lax",  # it must come along when the provider sends the browser back
        secure=settings.secure,
    )
    return answer


@router.get(
    "/callback", status_code=302, response_class=RedirectResponse, responses=problem_responses(404, 422, 429)
)
async def callback(
    request: Request,
    sign_on: SignOn,
    settings: Configured,
    state: Text = "",
    code: Text = "",
    error: Text = "",
    iss: Annotated[str | None, Query(max_length=4096)] = None,
) -> RedirectResponse:
    """Where the provider sends the browser: on to the console, signed in, or to `/sign-in?error=code`."""
    kept = request.cookies.get(sign_on_cookie(settings))
    try:
        if error or not code:
            raise Unauthenticated(
                "Signing in was cancelled.",
                code="sso_cancelled" if error == "access_denied" else "sso_failed",
            )
        signed_in, return_to = await sign_on.finish(kept, state=state, code=code, issuer=iss)
    except NotFound:
        raise
    except CrontopusError as refused:
        answer = _failed(refused.code)
    else:
        answer = RedirectResponse(return_to, 302)
        assert signed_in.issued is not None
        set_session(answer, settings, signed_in.issued)
    answer.delete_cookie(sign_on_cookie(settings), httponly=True, samesite="lax", secure=settings.secure)
    return answer


def _failed(code: str) -> RedirectResponse:
    return RedirectResponse(f"/sign-in?{urlencode({'error': code})}", 302)
