from uuid import UUID

from pydantic import ConfigDict, Field

from crontopus_api.identity.schemas import TokenName
from crontopus_api.kit.paging import PageQuery
from crontopus_api.kit.schemas import Payload, Schema, Time


class OwnerOut(Schema):
    id: UUID
    username: str


class TokenOut(Schema):
    id: UUID
    name: str
    hint: str
    scopes: list[str]
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None
    owner: OwnerOut | None = Field(None, description="Whose it is, in the list of everybody's.")


class TokenQuery(PageQuery):
    model_config = ConfigDict(populate_by_name=True)

    everybody: bool = Field(False, alias="all", description="Everybody's; needs tenant:admin.")


class NewToken(Payload):
    name: TokenName
    scopes: list[str] | None = Field(None, description="Default: everything your role allows.")
    expires_in_seconds: int | None = Field(None, ge=60, le=10 * 365 * 86400)


class RotateToken(Payload):
    overlap_seconds: int = Field(
        0, ge=0, le=7 * 86400, description="For so long the old secret works as well. Default: not at all."
    )


class IssuedToken(Schema):
    token: TokenOut
    secret: str = Field(description="Shown this once.")
