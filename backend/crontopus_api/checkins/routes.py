from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse, Response

from crontopus_api.checkins import schemas
from crontopus_api.checkins.metrics import RECEIVED
from crontopus_api.checkins.records import Answer, CheckIn
from crontopus_api.checkins.service import RunService
from crontopus_api.checkins.writer import CheckInWriter
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.errors import CrontopusError, Invalid, NotFound
from crontopus_api.kit.paging import Page, decode_time_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1")

Runs = Annotated[RunService, Depends(provided(RunService))]
Writer = Annotated[CheckInWriter, Depends(provided(CheckInWriter))]
_read = requires(scopes.RUNS_READ)
_write = requires(scopes.CHECKINS_WRITE)
_REFUSALS = {
    "unknown": "There is no such instance: the job is not expected to run there.",
    "too_old": "The message is older than 35 days.",
}


@router.post(
    "/check-ins",
    tags=["check-ins"],
    dependencies=[_write],
    responses=problem_responses(401, 403, 404, 422, 503) | {202: {"model": schemas.CheckInOut}},
)
async def check_in(
    body: schemas.CheckInIn, principal: CurrentPrincipal, runs: Runs, writer: Writer, response: Response
) -> schemas.CheckInOut:
    """Report one start, finish or log. 200 means that it is stored, 202 that it is safe and will be soon."""
    answer = await writer.submit(await runs.check_in(principal, body))
    RECEIVED.labels("api", answer.status).inc()
    if answer.status == "unknown":
        raise NotFound(_REFUSALS["unknown"], code="unknown_instance")
    if answer.status == "too_old":
        raise Invalid(_REFUSALS["too_old"], code="too_old")
    if answer.status == "journaled":
        response.status_code = 202
    return schemas.CheckInOut(event_id=answer.event_id, run_id=answer.run_id, status=answer.status)


@router.post(
    "/check-ins/batch",
    tags=["check-ins"],
    dependencies=[_write],
    responses=problem_responses(401, 403, 422, 503),
)
async def check_in_batch(
    body: schemas.BatchIn, principal: CurrentPrincipal, runs: Runs, writer: Writer
) -> schemas.BatchOut:
    """Report up to 1,000 messages, in order. Repeating a batch with the same event ids changes nothing."""
    results: list[schemas.BatchItemOut | None] = []
    accepted: list[CheckIn] = []
    for item in body.items:
        try:
            accepted.append(await runs.check_in(principal, item))
            results.append(None)
        except CrontopusError as error:
            results.append(
                schemas.BatchItemOut(
                    event_id=item.event_id or UUID(int=0),
                    run_id=None,
                    status="rejected",
                    code=error.code,
                    message=error.message,
                )
            )
    answers = iter(await writer.submit_all(accepted))
    return schemas.BatchOut(
        results=[result if result is not None else _batch_item(next(answers)) for result in results]
    )


def _batch_item(answer: Answer) -> schemas.BatchItemOut:
    RECEIVED.labels("batch", answer.status).inc()
    if answer.status in {"accepted", "duplicate", "journaled"}:
        return schemas.BatchItemOut(event_id=answer.event_id, run_id=answer.run_id, status=answer.status)
    code = "unknown_instance" if answer.status == "unknown" else answer.status
    return schemas.BatchItemOut(
        event_id=answer.event_id,
        run_id=None,
        status="rejected",
        code=code,
        message=_REFUSALS[answer.status],
    )


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
