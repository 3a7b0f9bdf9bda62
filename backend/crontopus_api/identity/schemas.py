from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, EmailStr, Field, StringConstraints

from crontopus_api.kit.schemas import Payload, Schema, Time


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Username = Annotated[
    str,
    BeforeValidator(_lower),
    StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", min_length=2, max_length=40),
]
# No upper limit on strength, but on the work an anonymous caller can make argon2 do.
Password = Annotated[str, StringConstraints(strip_whitespace=False, min_length=10, max_length=200)]
GivenPassword = Annotated[str, StringConstraints(strip_whitespace=False, max_length=200)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40)]
LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
TokenName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class _SignIn(Payload):
    mode: Literal["cookie", "token"] = Field(
        "cookie", description="cookie: a browser session. token: a new API token in the answer, no cookie."
    )
    token_name: TokenName | None = Field(None, description="Name of the API token (mode token).")

    def wanted_token(self) -> str | None:
        """The name of the API token asked for, or None for a browser session."""
        return (self.token_name or "API token") if self.mode == "token" else None


class Register(_SignIn):
    username: Username
    email: EmailStr
    password: Password
    invitation: LinkToken | None = Field(None, description="Of an invitation's link; proves the address.")


class Login(_SignIn):
    login: Annotated[str, StringConstraints(min_length=1, max_length=254)] = Field(
        description="User name or email address."
    )
    password: GivenPassword
    code: Code | None = Field(None, description="From the authenticator app, or a recovery code.")


class UserOut(Schema):
    id: UUID
    username: str
    email: str
    email_verified: bool
    has_password: bool = Field(description="False: signs in by single sign-on only.")
    totp_enabled: bool


class TenantOut(Schema):
    id: UUID
    slug: str
    name: str
    role: str
    delete_at: Time | None = Field(None, description="The tenant was deleted, and ends then.")


class RepositoryOut(Schema):
    clone_url: str
    branch: str = "main"


class SessionOut(Schema):
    """Who is signed in, where, and what they may do."""

    user: UserOut
    tenant: TenantOut
    tenants: list[TenantOut]
    repository: RepositoryOut
    scopes: list[str]
    token: str | None = Field(None, description="A new API token, shown this once (mode token).")
