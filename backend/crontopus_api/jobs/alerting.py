"""What the projection knows of whom to tell: alert routes, maintenance windows, and what jobs say themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.manifests import AlertRoute, MaintenanceWindow, Manifest, parse_document
from crontopus_api.schedules import parse_duration

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


async def routing(session: AsyncSession, tenant_id: UUID) -> Routing:
    found = Routing([], [])
    for row in await definitions.routing_sources(session, tenant_id):
        manifest = _parsed(row.path, row.source)
        if isinstance(manifest, AlertRoute):
            found.routes.append(Located(row.path, manifest))
        elif isinstance(manifest, MaintenanceWindow):
            found.windows.append(Located(row.path, manifest))
    found.routes.sort(key=lambda each: each.manifest.metadata.name)
    found.windows.sort(key=lambda each: each.manifest.metadata.name)
    return found


async def repeats(session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID]) -> dict[UUID, timedelta]:
    """How often these jobs' incidents are told of again, of the jobs that say so."""
    found = await definitions.repeats(session, tenant_id, job_ids)
    return {job_id: parse_duration(text) for job_id, text in found.items()}


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
