"""Shapes of one's own account."""

from typing import Any, Literal
from uuid import UUID

from pydantic import EmailStr, Field

from crontopus_api.identity.schemas import Code, GivenPassword, LinkToken, Password
from crontopus_api.kit.schemas import Payload, Schema, Time


class SsoOut(Schema):
    name: str = Field(description="What the button says.")


class Options(Schema):
    registration: Literal["open", "invite", "closed"]
    email_verification: bool
    sso: SsoOut | None


class VerificationSent(Schema):
    status: Literal["verification_sent"] = "verification_sent"


class Sent(Schema):
    """Says nothing about who has an account."""

    status: Literal["sent"] = "sent"


class ByLink(Payload):
    token: LinkToken


class ByAddress(Payload):
    email: EmailStr


class NewPassword(Payload):
    current: GivenPassword
    new: Password


class ResetPassword(ByLink):
    password: Password


class NewEmail(Payload):
    email: EmailStr
    password: GivenPassword


class PasswordAgain(Payload):
    password: GivenPassword


class CodeOnly(Payload):
    code: Code


class PasswordAndCode(PasswordAgain):
    code: Code


class TotpOut(Schema):
    enabled: bool
    recovery_codes_left: int


class TotpSecret(Schema):
    secret: str = Field(description="Base32, for typing into an authenticator app.")
    uri: str = Field(description="otpauth://…, for a QR code.")


class RecoveryCodes(Schema):
    recovery_codes: list[str] = Field(description="Each works once. Shown this once.")


class SessionItem(Schema):
    id: UUID
    name: str = Field(description="Browser and system, or the program's name.")
    address: str | None
    created_at: Time
    last_used_at: Time | None
    expires_at: Time | None
    current: bool
    tenant: str = Field(description="Slug of the tenant it acts in.")


class Switch(Payload):
    tenant: str = Field(description="Slug of a tenant you are a member of.", min_length=1, max_length=63)


class ActivityItem(Schema):
    """One entry of the account's own log."""

    id: UUID
    at: Time
    action: str
    subject: str
    by: str | None = Field(description="Who did it; null: you.")
    address: str | None
    agent: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
