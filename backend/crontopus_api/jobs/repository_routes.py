"""The repository itself: where it is, what in it is not in force, what a branch would change, who signs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.jobs import schemas
from crontopus_api.jobs.changing.editing import EditingService
from crontopus_api.jobs.history import Position
from crontopus_api.jobs.overview import RepositoryService
from crontopus_api.jobs.versions import VersionService
from crontopus_api.kit.paging import Page, PageQuery, decode_cursor, encode_cursor
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided
from crontopus_api.manifests.schema import load_schema

router = APIRouter(
    prefix="/api/v1",
    tags=["repository"],
    dependencies=[requires(scopes.JOBS_READ)],
    responses=problem_responses(401, 403),
)
public = APIRouter(tags=["repository"])

Repositories = Annotated[RepositoryService, Depends(provided(RepositoryService))]
Versions = Annotated[VersionService, Depends(provided(VersionService))]
Commit = Annotated[str | None, Query(pattern="^[0-9a-f]{40}$")]


@router.get("/repository")
async def get_repository(
    principal: CurrentPrincipal, session: TenantSession, repositories: Repositories
) -> schemas.RepositoryStanding:
    """Where it is cloned from, how far it is in force, and the files whose newest version is not."""
    return await repositories.get(session, principal.tenant_id)


@router.get("/documents", responses=problem_responses(422))
async def list_documents(
    principal: CurrentPrincipal,
    session: TenantSession,
    repositories: Repositories,
    kind: schemas.DocumentKind | None = None,
) -> Page[schemas.DocumentOut]:
    """Policies, alert routes and maintenance windows: what lives in `.crontopus/`."""
    return Page(items=await repositories.documents(session, principal.tenant_id, kind))


@router.get("/plan", responses=problem_responses(404, 409, 422, 503))
async def plan(
    principal: CurrentPrincipal,
    editing: Annotated[EditingService, Depends(provided(EditingService))],
    ref: Annotated[str, Query(min_length=1, max_length=255, description="A branch, or a whole commit id.")],
) -> schemas.PlanOut:
    """What merging a branch into main would do. The check a pull request shows."""
    return await editing.plan_of(principal, ref)


@router.get("/jobs/{namespace}/{name}/history", responses=problem_responses(404, 422, 503))
async def history(
    namespace: str,
    name: str,
    query: Annotated[PageQuery, Query()],
    principal: CurrentPrincipal,
    versions: Versions,
) -> Page[schemas.CommitOut]:
    """The job's versions, newest first, through its renames; a deleted job's too."""
    start = None
    if query.cursor is not None:
        path, before = decode_cursor(query.cursor, 2)
        start = Position(path, before)
    items, more = await versions.page(principal, namespace, name, start, query.limit)
    return Page(items=items, next_cursor=encode_cursor(more.path, more.before) if more else None)


@router.get("/jobs/{namespace}/{name}/diff", responses=problem_responses(404, 422, 503))
async def diff(
    namespace: str,
    name: str,
    principal: CurrentPrincipal,
    versions: Versions,
    old: Annotated[Commit, Query(alias="from", description="Default: the version before `to`.")] = None,
    new: Annotated[Commit, Query(alias="to", description="Default: the newest version.")] = None,
) -> schemas.DiffOut:
    """What differs between two versions of the job's file."""
    return await versions.diff(principal, namespace, name, old, new)


@public.get("/api/v1/signers")
async def signers(repositories: Repositories) -> schemas.SignersOut:
    """Who signs the commits that Crontopus makes: for `git verify-commit`, and for agents to pin."""
    return await repositories.signers()


class JsonSchemaResponse(JSONResponse):
    media_type = "application/schema+json"


@public.get("/schemas/manifest/v1.json", response_class=JsonSchemaResponse)
async def manifest_schema() -> JsonSchemaResponse:
    """The JSON Schema of manifests, for editors."""
    headers = {"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"}
    return JsonSchemaResponse(load_schema(), headers=headers)
