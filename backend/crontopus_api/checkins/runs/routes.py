"""Runs as they are told. `checkins.routes` takes the messages they are told by."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from crontopus_api.checkins.runs import schemas
from crontopus_api.checkins.runs.export import MEDIA_TYPES, as_csv, as_ndjson, wanted_format
from crontopus_api.checkins.runs.service import RunService
from crontopus_api.checkins.runs.tail import follow
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.paging import Page, decode_time_cursor, encode_cursor
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided
from crontopus_api.live.hub import Hub
from crontopus_api.live.streams import stream

router = APIRouter(prefix="/api/v1", tags=["runs"])

Runs = Annotated[RunService, Depends(provided(RunService))]
_read = requires(scopes.RUNS_READ)
_exports: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {"schema": {"type": "string"}} for media in MEDIA_TYPES.values()}}
}


@router.get(
    "/runs",
    dependencies=[_read],
    response_model=Page[schemas.RunOut],
    responses=problem_responses(401, 403, 404, 422) | _exports,
)
async def list_runs(
    query: Annotated[schemas.RunQuery, Query()],
    request: Request,
    principal: CurrentPrincipal,
    session: TenantSession,
    runs: Runs,
) -> Response | Page[schemas.RunOut]:
    """Runs, newest first. As CSV or NDJSON: all of them, as a file."""
    kind = wanted_format(query.format, request.headers.get("accept", ""))
    if kind != "json":
        return await _export(kind, runs.pages(principal.tenant_id, query))
    after = decode_time_cursor(query.cursor)
    found, following = await runs.page(session, principal.tenant_id, query, after, query.limit)
    cursor = encode_cursor(following[0].isoformat(), following[1]) if following else None
    # Ours already, so not looked at again: that would take longer than finding them did.
    page = Page[schemas.RunOut](items=found, next_cursor=cursor)
    return Response(page.model_dump_json(), media_type="application/json")


async def _export(kind: schemas.Format, pages: AsyncIterator[list[schemas.RunOut]]) -> Response:
    # Whatever is wrong with the question comes out now, while there is still a status to answer with.
    first = await anext(pages)

    async def all_pages() -> AsyncIterator[list[schemas.RunOut]]:
        yield first
        async for page in pages:
            yield page

    return StreamingResponse(
        as_csv(all_pages()) if kind == "csv" else as_ndjson(all_pages()),
        media_type=MEDIA_TYPES[kind],
        headers={
            "Content-Disposition": f'attachment; filename="runs.{kind}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@router.get("/runs/{run_id}", dependencies=[_read], responses=problem_responses(401, 403, 404, 422))
async def get_run(
    run_id: UUID, principal: CurrentPrincipal, session: TenantSession, runs: Runs
) -> schemas.RunOut:
    return await runs.get(session, principal.tenant_id, run_id)


@router.get(
    "/runs/{run_id}/output",
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


@router.get(
    "/runs/{run_id}/output/tail",
    response_class=StreamingResponse,
    dependencies=[_read],
    responses=problem_responses(401, 403, 404, 422)
    | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def tail_output(
    run_id: UUID, principal: CurrentPrincipal, runs: Runs, hub: Annotated[Hub, Depends(provided(Hub))]
) -> StreamingResponse:
    """Server-sent events `output` `{"offset", "data"}` (base64) while the run goes on, then `end` `{"state"}`.

    What was shown from `offset` on is replaced by `data`.
    """
    # A run that is not there is answered with 404, not with a stream.
    await runs.progress(principal.tenant_id, run_id)
    return stream(follow(runs, hub, principal.tenant_id, run_id))
