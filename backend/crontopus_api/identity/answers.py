"""What a sign-in answers with: who it is, and the cookie."""

from typing import Annotated

from fastapi import Depends, Response

from crontopus_api.identity import schemas, scopes
from crontopus_api.identity.accounts import SESSION_LIFE, SignedIn
from crontopus_api.identity.cookies import session_cookie
from crontopus_api.identity.models import User
from crontopus_api.identity.tokens import Issued
from crontopus_api.kit.wiring import provided
from crontopus_api.settings import Settings

Configured = Annotated[Settings, Depends(provided(Settings))]


def session_out(
    response: Response, settings: Settings, signed_in: SignedIn, granted: frozenset[str] | None = None
) -> schemas.SessionOut:
    """`granted`: the scopes of the token in use; default those of a new one. Sets the cookie of a new session."""
    secret = None
    if signed_in.issued is not None and signed_in.issued.token.kind == "session":
        set_session(response, settings, signed_in.issued)
    elif signed_in.issued is not None:
        secret = signed_in.issued.secret
    tenant = signed_in.tenant
    return schemas.SessionOut(
        user=_user_out(signed_in.user, signed_in.totp_enabled),
        tenant=schemas.TenantOut.model_validate(tenant),
        tenants=[schemas.TenantOut.model_validate(each) for each in signed_in.tenants],
        repository=schemas.RepositoryOut(clone_url=settings.clone_url(tenant.slug)),
        scopes=sorted(granted if granted is not None else scopes.BY_ROLE[tenant.role]),
        token=secret,
    )


def set_session(response: Response, settings: Settings, issued: Issued) -> None:
    life = issued.token.expires_at - issued.token.created_at if issued.token.expires_at else SESSION_LIFE
    response.set_cookie(
        session_cookie(settings),
        issued.secret,
        max_age=int(life.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=settings.secure,
    )


def forget_session(response: Response, settings: Settings) -> None:
    response.delete_cookie(session_cookie(settings), httponly=True, samesite="lax", secure=settings.secure)


def _user_out(user: User, totp_enabled: bool) -> schemas.UserOut:
    return schemas.UserOut(
        id=user.id,
        username=user.username,
        email=user.email,
        email_verified=user.email_verified_at is not None,
        has_password=user.password_hash is not None,
        totp_enabled=totp_enabled,
    )
