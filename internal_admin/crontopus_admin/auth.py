"""Operators sign in with name and password. The session is a signed cookie that names the operator; whether the
operator may still come in is asked of the database at every request."""

from typing import Any
from uuid import UUID

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_admin.auth import AdminUser, AuthProvider
from starlette_admin.exceptions import LoginFailed

from crontopus_api.identity.operators import OperatorService
from crontopus_api.kit.caller import Caller, note_caller
from crontopus_api.kit.errors import Unauthenticated

log = structlog.get_logger()

COOKIE = "crontopus_operator"
SESSION_SECONDS = 12 * 3600
ATTEMPTS = RateLimitItemPerMinute(10)
LONGEST_PASSWORD = 200  # as `OperatorService.create` allows; argon2 shall not chew on more


class OperatorSessions:
    """Starlette's signed session cookie (HttpOnly, SameSite=Strict), marked Secure whenever it came by https.

    It is written at log-in and not again, so it ends `SESSION_SECONDS` after that however much it is used.
    """

    def __init__(self, app: ASGIApp, secret_key: str) -> None:
        options: dict[str, Any] = {
            "secret_key": secret_key,
            "session_cookie": COOKIE,
            "max_age": SESSION_SECONDS,
            "same_site": "strict",
        }
        self._plain = SessionMiddleware(app, **options)
        self._secure = SessionMiddleware(app, **options, https_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sessions = self._secure if scope.get("scheme") == "https" else self._plain
        await sessions(scope, receive, send)


class OperatorAuth(AuthProvider):
    def __init__(self, operators: OperatorService) -> None:
        super().__init__()
        self._operators = operators
        self._attempts = MovingWindowRateLimiter(MemoryStorage())

    async def authenticate(self, request: Request) -> AdminUser | None:
        identifier = request.session.get("operator")
        if identifier is None:
            return None
        operator = await self._operators.active(UUID(identifier))
        return AdminUser(username=operator.username) if operator else None

    async def render_login(self, request: Request, templates: Jinja2Templates) -> Response:
        if request.method == "POST" and not await self._may_try(request):
            log.warning("operator_attempts_exceeded", address=_address(request))
            return templates.TemplateResponse(
                request=request,
                name="login.html",
                context={"error": "Too many attempts. Wait a minute, then try again."},
                status_code=429,
                headers={"Retry-After": "60"},
            )
        return await super().render_login(request, templates)

    async def login(
        self, username: str, password: str, remember_me: bool, request: Request
    ) -> Response | None:
        try:
            note_caller(Caller(_address(request), request.headers.get("user-agent", "")[:200]))
            operator = await self._operators.sign_in(
                username=username, password=password[: LONGEST_PASSWORD + 1]
            )
        except Unauthenticated as error:
            log.warning("operator_sign_in_refused", address=_address(request))
            raise LoginFailed(error.message) from error
        request.session.clear()
        request.session["operator"] = str(operator.id)
        log.info("operator_signed_in", operator=operator.username, address=_address(request))
        return None

    async def logout(self, request: Request) -> Response | None:
        request.session.clear()
        return None

    async def _may_try(self, request: Request) -> bool:
        """Every attempt counts, for its address and for its name: neither many names nor many addresses help."""
        name = str((await request.form()).get("username") or "").strip().lower()[:100]
        return await self._attempts.hit(ATTEMPTS, "address", _address(request)) and await self._attempts.hit(
            ATTEMPTS, "name", name
        )


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
