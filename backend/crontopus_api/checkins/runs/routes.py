"""Runs as they are told. `checkins.routes` takes the messages they are told by."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse, Response

from crontopus_api.checkins.runs import schemas
from crontopus_api.checkins.runs.service import RunService
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.paging import Page, decode_time_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1")

Runs = Annotated[RunService, Depends(provided(RunService))]
_read = requires(scopes.RUNS_READ)


@router.get("/runs", tags=["runs"], dependencies=[_read], responses=problem_responses(401, 403, 404, 422))
async def list_runs(
    query: Annotated[schemas.RunQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    runs: Runs,
) -> Page[schemas.RunOut]:
    """Runs, newest first."""
    found = await runs.page(
        session, principal.tenant_id, query, decode_time_cursor(query.cursor), query.limit + 1
    )
    rows, last = split_page(found, query.limit)
    cursor = encode_cursor(last[0].partition_at.isoformat(), last[0].id) if last else None
    return Page(items=[shown for _, shown in rows], next_cursor=cursor)


@router.get(
    "/runs/{run_id}", tags=["runs"], dependencies=[_read], responses=problem_responses(401, 403, 404, 422)
)
async def get_run(
    run_id: UUID, principal: CurrentPrincipal, session: TenantSession, runs: Runs
) -> schemas.RunOut:
    return await runs.get(session, principal.tenant_id, run_id)


@router.get(
    "/runs/{run_id}/output",
    tags=["runs"],
    dependencies=[_read],
    response_class=PlainTextResponse,
    responses=problem_responses(401, 403, 404, 422),
)
async def get_output(
    run_id: UUID, principal: CurrentPrincipal, session: TenantSession, runs: Runs
) -> Response:
    """What the run printed. Bytes that are not UTF-8 come as they were sent."""
    content = await runs.output(session, principal.tenant_id, run_id)
    # nosniff: a job's output is text to us, whatever a browser would make of it.
    return Response(
        content, media_type="text/plain; charset=utf-8", headers={"X-Content-Type-Options": "nosniff"}
    )
