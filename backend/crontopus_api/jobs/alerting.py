"""What the projection knows of whom to tell: alert routes, maintenance windows, and what jobs say themselves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.manifests import AlertRoute, MaintenanceWindow, Manifest, parse_document

M = TypeVar("M")


@dataclass(frozen=True)
class Located(Generic[M]):
    """A manifest and where it is."""

    path: str
    manifest: M


@dataclass(frozen=True)
class Routing:
    """Each in order of the names."""

    routes: list[Located[AlertRoute]]
    windows: list[Located[MaintenanceWindow]]


async def routing(session: AsyncSession, tenant_ids: Collection[UUID]) -> dict[UUID, Routing]:
    """Of each of the tenants."""
    found = {each: Routing([], []) for each in tenant_ids}
    for row in await definitions.routing_sources(session, tenant_ids):
        manifest = _parsed(row.path, row.source)
        if isinstance(manifest, AlertRoute):
            found[row.tenant_id].routes.append(Located(row.path, manifest))
        elif isinstance(manifest, MaintenanceWindow):
            found[row.tenant_id].windows.append(Located(row.path, manifest))
    for each in found.values():
        each.routes.sort(key=lambda route: route.manifest.metadata.name)
        each.windows.sort(key=lambda window: window.manifest.metadata.name)
    return found


async def invalid(session: AsyncSession, tenant_id: UUID, paths: Sequence[str]) -> dict[str, list[str]]:
    """Of those of these files whose newest version is not in force: why, in words."""
    wanted = set(paths)
    files = await definitions.invalid_files(session, tenant_id)
    return {
        each.path: [str(error["message"]) for error in each.errors] for each in files if each.path in wanted
    }


# Asked for whenever something happens; a tenant's routes change now and then.
@lru_cache(maxsize=4096)
def _parsed(path: str, source: str) -> Manifest:
    return parse_document(path, source.encode())
