"""Statements over many rows: arrays as one parameter, plain tables for bulk inserts."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Table, Text, Uuid, bindparam, func, literal
from sqlalchemy.dialects.postgresql import Insert, insert

from crontopus_api.kit.database import Base


def table(model: type[Base]) -> Table:
    """The table of a model: statements on it skip the unit of work, which bulk writes have no use for."""
    return cast("Table", model.__table__)


def any_id(column: Any, ids: Sequence[UUID] | str) -> ColumnElement[bool]:
    """`column = ANY(array)`: one parameter however many there are. `ids` may be the parameter's name."""
    return _any(column, ids, ARRAY(Uuid))


def any_text(column: Any, values: Sequence[str] | str) -> ColumnElement[bool]:
    """The same for text."""
    return _any(column, values, ARRAY(Text))


def _any(column: Any, values: Sequence[Any] | str, kind: ARRAY[Any]) -> ColumnElement[bool]:
    array = bindparam(values, type_=kind) if isinstance(values, str) else literal(list(values), kind)
    return cast("ColumnElement[bool]", column == func.any(array))


def upsert(model: type[Base], *, key: Sequence[str], keep: Sequence[str] = ()) -> Insert:
    """Insert whole rows of a model; those whose `key` is there already take everything new but what they `keep`."""
    statement = insert(table(model))
    changed = {column.name: column for column in statement.excluded if column.name not in {*key, *keep}}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)
