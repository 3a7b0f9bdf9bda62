"""Shapes every route shares."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PlainSerializer


def utc_text(value: datetime) -> str:
    """As every time is sent."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[datetime, PlainSerializer(utc_text, return_type=str, when_used="json")]
"""RFC 3339 in UTC with milliseconds and `Z`."""


class Schema(BaseModel):
    """Base of answers. Reads attributes of domain records as well as mappings."""

    model_config = ConfigDict(from_attributes=True)


class Payload(BaseModel):
    """Base of request bodies: an unknown field is an error, not a surprise."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ErrorDetail(BaseModel):
    """One of several things wrong with a payload or a file."""

    model_config = ConfigDict(extra="allow")

    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str | None = None
    code: str
    message: str
    hint: str | None = None


class Problem(BaseModel):
    """RFC 9457 problem details; `code` is stable, `detail` is for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    hint: str | None = None
    errors: list[ErrorDetail] | None = None


class JobRef(Schema):
    """Enough of a job to name it and link to it."""

    id: UUID
    namespace: str
    name: str


class EndpointRef(Schema):
    id: UUID
    name: str


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the errors a route can answer with."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"model": Problem, "content": content} for status in statuses}
