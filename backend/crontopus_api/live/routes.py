from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, requires
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided
from crontopus_api.live.hub import Hub
from crontopus_api.live.streams import KEEPALIVE, KEEPALIVE_SECONDS, event, stream

router = APIRouter(prefix="/api/v1", tags=["live"])


async def _changes(hub: Hub, tenant_id: UUID) -> AsyncIterator[str]:
    async with hub.subscribe(tenant_id) as subscription:
        yield KEEPALIVE
        while True:
            topics = await subscription.wait(KEEPALIVE_SECONDS) - {"head"}
            yield event("change", {"topics": sorted(topics)}) if topics else KEEPALIVE


@router.get(
    "/events",
    dependencies=[requires(scopes.RUNS_READ)],
    response_class=StreamingResponse,
    responses=problem_responses(401, 403)
    | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    principal: CurrentPrincipal, hub: Annotated[Hub, Depends(provided(Hub))]
) -> StreamingResponse:
    """Server-sent events `change` with `{"topics": […]}`: a hint to fetch these again."""
    return stream(_changes(hub, principal.tenant_id))
