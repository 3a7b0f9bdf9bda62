"""Cursor paging: a page starts after the sort key of the last row seen, never at an offset."""

import base64
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from crontopus_api.kit.errors import Invalid

Item = TypeVar("Item")
Row = TypeVar("Row")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class Page(BaseModel, Generic[Item]):
    """One page of a list. `next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None = None


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Query(max_length=500)] = None


def encode_cursor(*key: Any) -> str:
    raw = json.dumps([str(part) for part in key], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _is_storable(part: object) -> bool:
    """A text that PostgreSQL can be asked for."""
    return isinstance(part, str) and not _UNSTORABLE.search(part)


def decode_cursor(cursor: str, length: int) -> list[str]:
    """The sort key in a cursor. Raises Invalid for anything this API did not hand out."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise _bad_cursor() from error
    if not isinstance(key, list) or len(key) != length or not all(_is_storable(part) for part in key):
        raise _bad_cursor()
    return key


def decode_uuid_cursor(cursor: str | None) -> UUID | None:
    """The id a list by id continues after; None for its first page."""
    if cursor is None:
        return None
    try:
        return UUID(decode_cursor(cursor, 1)[0])
    except ValueError as error:
        raise _bad_cursor() from error


def decode_time_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The (time, id) a list by time continues after; None for its first page."""
    if cursor is None:
        return None
    at, identifier = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(at), UUID(identifier)
    except ValueError as error:
        raise _bad_cursor() from error


def _bad_cursor() -> Invalid:
    return Invalid(
        "The cursor is not one this API handed out.", code="invalid_cursor", hint="Start without it."
    )


def split_page(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], Row | None]:
    """Rows fetched with `limit + 1`: those of this page, and its last row if another page follows."""
    page = rows[:limit]
    return page, page[-1] if len(rows) > limit else None
