from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from crontopus_api.checkins.keys.service import PingKeyService
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession
from crontopus_api.kit.schemas import Schema, Time, problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1/ping-key", tags=["check-ins"])

Keys = Annotated[PingKeyService, Depends(provided(PingKeyService))]


class PingKeyOut(Schema):
    key: str = Field(description="22 URL-safe characters. Whoever knows it may report runs of every job.")
    url: str = Field(description="Followed by `/` and a job's name, or `namespace.name`.")
    created_at: Time


@router.get("", responses=problem_responses(401, 403))
async def get_ping_key(principal: CurrentPrincipal, session: TenantSession, keys: Keys) -> PingKeyOut:
    """The tenant's ping key, for those who may report runs."""
    return PingKeyOut.model_validate(await keys.show(session, principal))


@router.post("/rotate", responses=problem_responses(401, 403))
async def rotate_ping_key(principal: CurrentPrincipal, session: TenantSession, keys: Keys) -> PingKeyOut:
    """Another ping key. Senders that use the old one are answered `not found` from now on."""
    return PingKeyOut.model_validate(await keys.rotate(session, principal))
