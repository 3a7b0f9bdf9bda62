"""Statements over many rows: arrays as one parameter, plain tables for bulk inserts."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Table, Text, Uuid, func, literal

from crontopus_api.kit.database import Base


def table(model: type[Base]) -> Table:
    """The table of a model: statements on it skip the unit of work, which bulk writes have no use for."""
    return cast("Table", model.__table__)


def any_id(column: Any, ids: Sequence[UUID]) -> ColumnElement[bool]:
    """`column = ANY(array)`: one parameter however many there are."""
    return cast("ColumnElement[bool]", column == func.any(literal(list(ids), ARRAY(Uuid))))


def any_text(column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    """The same for text."""
    return cast("ColumnElement[bool]", column == func.any(literal(list(values), ARRAY(Text))))
