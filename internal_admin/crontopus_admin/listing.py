"""Lists and details that can only be looked at: starlette-admin's views over a query, without its writing half."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette_admin import BaseModelView, InlineModelView, StringField
from starlette_admin.fields import BaseField
from starlette_admin.filters.base import FilterGroup

from crontopus_admin import repository
from crontopus_api.kit.database import Database
from crontopus_api.kit.overview import reading

INLINE_ROWS = 100


@dataclass
class InstantField(StringField):
    """An instant in UTC: operators of one installation sit in different places."""

    async def serialize_value(self, request: Request, value: Any) -> str:
        assert isinstance(value, datetime)
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"


@dataclass
class StateField(StringField):
    """A word with a coloured dot."""

    list_template: str = "fields/state.html"
    detail_template: str = "fields/state.html"


class _ReadOnly(BaseModelView):
    """Refuses everything that is not reading, whatever route of starlette-admin asks for it."""

    exporters = ()
    importers = ()
    actions = ()
    row_actions = ("view",)
    column_visibility = False
    search_highlight = False
    page_size = 25
    page_size_options = (25, 50, 100)
    pk_attr = "id"

    def can_create(self, request: Request) -> bool:
        return False

    def can_edit(self, request: Request) -> bool:
        return False

    def can_delete(self, request: Request) -> bool:
        return False

    def can_export(self, request: Request) -> bool:
        return False

    def can_import(self, request: Request) -> bool:
        return False

    async def create(self, request: Request, data: dict[str, Any]) -> NoReturn:
        raise HTTPException(405, "The admin only reads.")

    async def edit(self, request: Request, pk: Any, data: dict[str, Any]) -> NoReturn:
        raise HTTPException(405, "The admin only reads.")

    async def delete(self, request: Request, pks: list[Any]) -> NoReturn:
        raise HTTPException(405, "The admin only reads.")


class Listing(_ReadOnly):
    """A query whose columns are the fields. Subclasses name what is searched; every field sorts."""

    query: repository.Query
    hidden: Sequence[str] = ()
    """Fields for the detail page only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.exclude_fields_from_list = ("id", *self.hidden)
        super().__init__()

    async def find_all(
        self,
        request: Request,
        skip: int = 0,
        limit: int = 100,
        q: str | None = None,
        sorts: Sequence[tuple[str, str]] | None = None,
        filters: FilterGroup | None = None,
    ) -> Sequence[repository.Found]:
        async with reading(self._database) as session:
            return await repository.page(
                session,
                self.query,
                search=q,
                searched=self.searchable_fields or (),
                sorts=sorts or (),
                skip=skip,
                limit=limit,
            )

    async def count(self, request: Request, q: str | None = None, filters: FilterGroup | None = None) -> int:
        async with reading(self._database) as session:
            return await repository.count(
                session, self.query, search=q, searched=self.searchable_fields or ()
            )

    async def find_by_pk(self, request: Request, pk: Any) -> Any:
        """None, which becomes 404, for what is no id of ours."""
        try:
            identifier = UUID(str(pk))
        except ValueError:
            return None
        async with reading(self._database) as session:
            return await repository.by_id(session, self.query, identifier)

    async def find_by_pks(self, request: Request, pks: list[Any]) -> Sequence[Any]:
        return [row for pk in pks if (row := await self.find_by_pk(request, pk)) is not None]


class InlineListing(InlineModelView, _ReadOnly):
    """Rows that belong to the one shown, at most `INLINE_ROWS` of them."""

    fk_attr = "tenant_id"
    fields: Sequence[BaseField] = ()

    def __init__(self, database: Database) -> None:
        self._database = database
        super().__init__()

    def of(self, parent_id: UUID) -> repository.Query:
        raise NotImplementedError

    async def find_by_parent(self, request: Request, parent: Any) -> Sequence[Any]:
        async with reading(self._database) as session:
            return await repository.top(session, self.of(parent.id), INLINE_ROWS)

    async def find_all(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise HTTPException(404)

    async def count(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise HTTPException(404)

    async def find_by_pk(self, request: Request, pk: Any) -> NoReturn:
        raise HTTPException(404)

    async def find_by_pks(self, request: Request, pks: list[Any]) -> NoReturn:
        raise HTTPException(404)
