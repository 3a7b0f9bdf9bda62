"""Statements over many rows: arrays as one parameter, plain tables for bulk inserts."""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Table,
    Text,
    TextClause,
    Uuid,
    bindparam,
    column,
    func,
    literal,
    text,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

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


class Key(NamedTuple):
    """Whose, and which. An id alone does not tell: a job's may be chosen, and be another tenant's job's as well."""

    tenant_id: UUID
    id: UUID


_IDS = ARRAY(Uuid)


def _sent_ids(name: str) -> ColumnElement[Any]:
    """See `written`."""
    return sql_cast(bindparam(name, type_=Text), _IDS)


# Keys that are sent along (`sent`), as rows to compare with: however many there are, of however many tenants.
WANTED = (
    func.unnest(_sent_ids("tenants"), _sent_ids("ids"))
    .table_valued(column("tenant_id", Uuid), column("id", Uuid))
    .render_derived(name="wanted")
)
# The same of tenants alone (`tenants`).
TENANTS = (
    func.unnest(bindparam("tenants", type_=_IDS))
    .table_valued(column("tenant_id", Uuid))
    .render_derived(name="theirs")
)


def written(ids: Iterable[UUID]) -> str:
    """As PostgreSQL reads an array: that takes the driver's own code ten times as long, an id at a time."""
    return f"{{{','.join(['%032x' % each.int for each in ids])}}}"  # noqa: UP031 - the fastest way there is


def sent(keys: Collection[Key]) -> dict[str, str]:
    return {
        "tenants": written(each.tenant_id for each in keys),
        "ids": written(each.id for each in keys),
    }


def upsert(model: type[Base], *, key: Sequence[str], keep: Sequence[str] = ()) -> Insert:
    """Insert whole rows of a model; those whose `key` is there already take everything new but what they `keep`."""
    statement = insert(table(model))
    changed = {column.name: column for column in statement.excluded if column.name not in {*key, *keep}}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


async def add_rows(session: AsyncSession, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert many rows, all with the same columns, past the unit of work.

    They travel as one parameter: PostgreSQL takes JSON apart in a fraction of the time that binding each value takes.
    """
    if rows:
        await session.execute(_insert(model, tuple(rows[0])), {"rows": msgspec.json.encode(rows).decode()})


@lru_cache
def _insert(model: type[Base], names: tuple[str, ...]) -> TextClause:
    target, columns = table(model).name, ", ".join(names)
    rows = f"json_populate_recordset(NULL::{target}, CAST(:rows AS json))"
    return text(f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {rows}")  # noqa: S608 - our own names
