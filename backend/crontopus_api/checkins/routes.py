from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from crontopus_api.checkins import schemas
from crontopus_api.checkins.metering import CheckInMeter
from crontopus_api.checkins.metrics import RECEIVED
from crontopus_api.checkins.records import Answer, CheckIn
from crontopus_api.checkins.senders import meter_key
from crontopus_api.checkins.service import CheckInService
from crontopus_api.checkins.writer import CheckInWriter
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, requires
from crontopus_api.kit.errors import CrontopusError, Invalid, NotFound
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1")

Service = Annotated[CheckInService, Depends(provided(CheckInService))]
Writer = Annotated[CheckInWriter, Depends(provided(CheckInWriter))]
Meter = Annotated[CheckInMeter, Depends(provided(CheckInMeter))]
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
    body: schemas.CheckInIn,
    principal: CurrentPrincipal,
    service: Service,
    writer: Writer,
    meter: Meter,
    response: Response,
) -> schemas.CheckInOut:
    """Report one start, finish or log. 200 means that it is stored, 202 that it is safe and will be soon."""
    meter.count(meter_key(principal))
    answer = await writer.submit(await service.check_in(principal, body))
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
    body: schemas.BatchIn, principal: CurrentPrincipal, service: Service, writer: Writer, meter: Meter
) -> schemas.BatchOut:
    """Report up to 1,000 messages, in order. Repeating a batch with the same event ids changes nothing."""
    meter.count(meter_key(principal), len(body.items))
    results: list[schemas.BatchItemOut | None] = []
    accepted: list[CheckIn] = []
    for item in body.items:
        try:
            accepted.append(await service.check_in(principal, item))
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
