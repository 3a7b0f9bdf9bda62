from typing import Annotated, Literal
from uuid import UUID

from pydantic import EmailStr, Field, StringConstraints, model_validator

from crontopus_api.identity.schemas import Username
from crontopus_api.kit.schemas import Payload, Schema, Time
from crontopus_api.tenants.roles import Role

TenantName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class TenantSeen(Schema):
    """A tenant as one of its members sees it."""

    id: UUID
    slug: str = Field(description="Part of addresses that machines know; it never changes.")
    name: str
    role: Role
    plan: str
    delete_at: Time | None = Field(None, description="The tenant was deleted, and ends then.")
    discovery: bool = Field(description="Whether jobs that agents find on their machines are kept and shown.")


class NewTenant(Payload):
    slug: Username = Field(
        description="Lower-case letters, digits and inner hyphens. It can never be changed."
    )
    name: TenantName | None = Field(None, description="Default: the slug.")


class TenantPatch(Payload):
    """At least one of them."""

    name: TenantName | None = None
    discovery: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> "TenantPatch":
        if self.name is None and self.discovery is None:
            raise ValueError("give `name`, `discovery` or both")
        return self


class DeleteTenant(Payload):
    confirm: str = Field(max_length=100, description="The tenant's slug.")


class Transfer(Payload):
    user_id: UUID = Field(description="The member who becomes owner. You become an admin.")


class MemberOut(Schema):
    user_id: UUID
    username: str
    email: str
    role: Role
    joined_at: Time


class MemberPatch(Payload):
    role: Role


class NewInvitation(Payload):
    email: EmailStr
    role: Role = "viewer"


class InvitationOut(Schema):
    id: UUID
    email: str
    role: Role
    invited_by: str
    created_at: Time
    expires_at: Time
    sent_at: Time | None = Field(description="When the mail went out; null: not yet.")
    problem: str | None = Field(description="Why no mail has gone out.")
    link: str | None = Field(
        None,
        description="Only when made, and only where no mail server is configured: hand it over yourself.",
    )


class InvitationToken(Payload):
    token: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(
        description="What the link in the mail carries."
    )


class InvitationPreview(Schema):
    """What an invitation is for, to whoever holds its link."""

    tenant_name: str
    role: Role
    invited_by: str
    email: str
    expires_at: Time


class UsageItem(Schema):
    name: str
    used: int | None = Field(description="null: not counted.")
    limit: int
    unit: Literal["count", "bytes", "days", "per_minute"]


class UsageOut(Schema):
    """What the plan allows, and how much of it is used."""

    plan: str
    items: list[UsageItem]
