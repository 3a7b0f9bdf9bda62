"""Policies, alert routes and maintenance windows: as the projection has them, and changed by commits."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.principal import Principal
from crontopus_api.jobs import schemas, views
from crontopus_api.jobs.changing.editing import EditingService, Outcome
from crontopus_api.jobs.changing.proposals import Wish, unreadable
from crontopus_api.jobs.documents import repository
from crontopus_api.jobs.documents.kinds import DocumentType
from crontopus_api.kit.errors import NotFound
from crontopus_api.manifests import (
    Manifest,
    ManifestInvalid,
    document_from_mapping,
    is_name,
    parse_document,
    system_path,
)


class DocumentService:
    def __init__(self, editing: EditingService) -> None:
        self._editing = editing

    async def page(
        self, session: AsyncSession, tenant_id: UUID, of: DocumentType, after: str | None, limit: int
    ) -> Sequence[schemas.DocumentOut]:
        """In order of their paths, those that come after `after`."""
        rows = await repository.page(session, tenant_id, of.kind, after, limit)
        return [views.document_out(row) for row in rows]

    async def get(
        self, session: AsyncSession, tenant_id: UUID, of: DocumentType, name: str
    ) -> schemas.DocumentOut:
        """Raises NotFound."""
        row = None
        if is_name(name):
            row = await repository.get(session, tenant_id, system_path(of.kind, name))
        if row is None:
            raise NotFound(f"There is no {of.noun} {name[:80]}.")
        return views.document_out(row)

    async def put(
        self,
        principal: Principal,
        of: DocumentType,
        name: str,
        body: bytes | Mapping[str, Any],
        wish: Wish,
    ) -> Outcome:
        """Create or change one. `body` is the YAML file itself, or a manifest as JSON data.

        Raises Invalid with every error found, or Conflict.
        """
        target = of.target(name)
        return await self._editing.put_file(principal, target, _read(target.path, body), wish)

    async def delete(self, principal: Principal, of: DocumentType, name: str, wish: Wish) -> Outcome:
        """Raises NotFound or Conflict."""
        return await self._editing.delete_file(principal, of.target(name), wish)


def _read(path: str, body: bytes | Mapping[str, Any]) -> bytes | Manifest:
    try:
        if not isinstance(body, bytes):
            return document_from_mapping(path, body)
        parse_document(path, body)
    except ManifestInvalid as invalid:
        raise unreadable(invalid) from invalid
    return body
