"""Which id a job's file must name, so that a job stays the one it was and a new one is nobody else.

A job that was renamed keeps its own id through every change, also by somebody whose file does not name it. A
new job where another one was renamed away gets a new id: the default one is that one's.
"""

from collections.abc import Mapping
from uuid import UUID, uuid4

from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.jobs.changing.tree import Found
from crontopus_api.kit.database import Database
from crontopus_api.manifests import ManifestInvalid, is_job_path, job_id, moved, parse_job


async def with_ids(
    database: Database,
    tenant_id: UUID,
    edits: Mapping[str, bytes | None],
    current: Mapping[str, Found | None],
) -> dict[str, bytes | None]:
    """The edits, with an id written into the files that need one. `current` has what is at the same paths now."""
    named: dict[str, UUID] = {}
    new: dict[UUID, str] = {}
    for path, content in edits.items():
        if content is None or not is_job_path(path):
            continue
        try:
            manifest = parse_job(path, content)
        except ManifestInvalid:
            continue  # the judge will say what is wrong with it
        if manifest.metadata.id is not None:
            continue
        found = current[path]
        if found is None:
            new[job_id(tenant_id, manifest)] = path
        elif (kept := _own_id(path, found)) is not None:
            named[path] = kept
    named |= await _taken(database, tenant_id, new)
    return {
        path: moved(content, path, path, named[path]) if content is not None and path in named else content
        for path, content in edits.items()
    }


def _own_id(path: str, found: Found) -> UUID | None:
    try:
        return parse_job(path, found.content).metadata.id
    except ManifestInvalid:
        return None  # what is there now is broken: it is replaced


async def _taken(database: Database, tenant_id: UUID, new: Mapping[UUID, str]) -> dict[str, UUID]:
    """A fresh id for every new path whose default one is that of a job elsewhere."""
    if not new:
        return {}
    async with database.tenant(tenant_id) as session:
        owners = await definitions.paths_of(session, tenant_id, list(new))
    return {new[identifier]: uuid4() for identifier, owner in owners.items() if owner != new[identifier]}
