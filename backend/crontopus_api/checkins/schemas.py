import base64
import binascii
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from crontopus_api.kit.schemas import Payload, Schema

MOST_OUTPUT_BYTES = 1024 * 1024


def _from_base64(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


class OutputIn(Payload):
    data: Annotated[
        bytes,
        BeforeValidator(_from_base64, json_schema_input_type=str),
        Field(max_length=MOST_OUTPUT_BYTES, description="Base64 of head and tail of what the run printed."),
    ]
    total_bytes: int = Field(ge=0, le=2**53 - 1)
    truncated: bool = False


_Line = StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]*$")
_Name = StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")
_Few = Field(max_length=32)


class CheckInIn(Payload):
    """One message about a run. Names its instance by `job` (namespace/name), `job_id` or `instance_id`."""

    event_id: UUID | None = Field(None, description="Makes repeats harmless: the same id counts once.")
    run_id: UUID | None = Field(None, description="The sender's id of the run; pairs start and finish.")
    job: Annotated[str, StringConstraints(max_length=127)] | None = None
    job_id: UUID | None = None
    instance_id: UUID | None = None
    kind: Literal["start", "finish", "log"]
    at: AwareDatetime | None = Field(None, description="When it happened; default: now.")
    outcome: Literal["success", "failure", "timeout", "skipped", "lost"] | None = Field(
        None, description="Of a finish; default: by exit code."
    )
    exit_code: int | None = Field(None, ge=-(2**31), le=2**31 - 1)
    duration_seconds: float | None = Field(None, ge=0, le=366 * 86400)
    slot_at: AwareDatetime | None = None
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")] | None = None
    message: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] | None = None
    output: OutputIn | None = None
    host: Annotated[str, _Line] | None = Field(None, description="Where it ran.")
    environment: Annotated[str, _Line] | None = None
    metrics: (
        Annotated[dict[Annotated[str, _Name], Annotated[float, Field(allow_inf_nan=False)]], _Few] | None
    ) = Field(None, description="Numbers about the run, by name.")


class CheckInOut(Schema):
    event_id: UUID
    run_id: UUID | None
    status: Literal["accepted", "duplicate", "journaled"]


class BatchIn(Payload):
    items: Annotated[list[CheckInIn], Field(max_length=1000)]


class BatchItemOut(Schema):
    event_id: UUID
    run_id: UUID | None
    status: Literal["accepted", "duplicate", "journaled", "rejected"]
    code: str | None = None
    message: str | None = None


class BatchOut(Schema):
    results: list[BatchItemOut] = Field(description="One per item, in order.")


def milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
