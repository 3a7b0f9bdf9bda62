from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import PlainTextResponse

from crontopus_api.gitstore.host import Author
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.service import IdentityService
from crontopus_api.jobs import schemas
from crontopus_api.jobs.bodies import read_manifest
from crontopus_api.jobs.repository import JobFilter
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Invalid
from crontopus_api.kit.paging import Page, decode_cursor, decode_uuid_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1", tags=["jobs"])

Jobs = Annotated[JobService, Depends(provided(JobService))]
Identity = Annotated[IdentityService, Depends(provided(IdentityService))]
Storage = Annotated[Database, Depends(provided(Database))]
_read = requires(scopes.JOBS_READ)
_write = requires(scopes.JOBS_WRITE)
_YAML = "application/yaml"
_MANIFEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object", "description": "A manifest as JSON."}},
            _YAML: {"schema": {"type": "string", "description": "The file itself."}},
        },
    }
}


@router.get("/jobs", dependencies=[_read], responses=problem_responses(401, 403, 422))
async def list_jobs(
    query: Annotated[schemas.JobQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    jobs: Jobs,
) -> Page[schemas.JobSummary]:
    """Jobs with their live status, by namespace and name."""
    after = None
    if query.cursor is not None:
        namespace, name = decode_cursor(query.cursor, 2)
        after = (namespace, name)
    wanted = JobFilter(query.namespace, query.state, query.q)
    found = await jobs.page(session, principal.tenant_id, wanted, after, query.limit + 1)
    items, last = split_page(found, query.limit)
    return Page(items=list(items), next_cursor=encode_cursor(last.namespace, last.name) if last else None)


@router.get(
    "/jobs/{namespace}/{name}",
    dependencies=[_read],
    responses=problem_responses(401, 403, 404) | {200: {"content": {_YAML: {"schema": {"type": "string"}}}}},
    response_model=schemas.JobOut,
)
async def get_job(
    namespace: str,
    name: str,
    request: Request,
    response: Response,
    principal: CurrentPrincipal,
    session: TenantSession,
    jobs: Jobs,
) -> schemas.JobOut | Response:
    """One job. `Accept: application/yaml` answers the file as it stands in the repository."""
    job = await jobs.get(session, principal.tenant_id, namespace, name, may_report=_may_report(principal))
    etag = {"ETag": f'"{job.etag}"'}
    if _YAML in request.headers.get("accept", ""):
        return PlainTextResponse(job.yaml, headers=etag, media_type=_YAML)
    response.headers.update(etag)
    return job


@router.put(
    "/jobs/{namespace}/{name}",
    dependencies=[_write],
    openapi_extra=_MANIFEST_BODY,
    responses=problem_responses(400, 401, 403, 409, 413, 415, 422, 503) | {201: {"model": schemas.JobOut}},
)
async def put_job(
    namespace: str,
    name: str,
    request: Request,
    response: Response,
    principal: CurrentPrincipal,
    identity: Identity,
    database: Storage,
    jobs: Jobs,
    message: Annotated[str | None, Query(max_length=2000, description="The commit message.")] = None,
    if_match: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> schemas.JobOut:
    """Create or change a job: one commit by you. 201 when it is new."""
    body = await read_manifest(request)
    created = await jobs.put(
        principal.tenant_id,
        await _author(identity, principal),
        namespace,
        name,
        body,
        message=message,
        if_match=_unquote(if_match),
        if_none_match=if_none_match == "*",
    )
    async with database.tenant(principal.tenant_id, principal.user_id) as session:
        may_report = _may_report(principal)
        job = await jobs.get(session, principal.tenant_id, namespace, name, may_report=may_report)
    response.status_code = 201 if created else 200
    response.headers["ETag"] = f'"{job.etag}"'
    return job


@router.delete(
    "/jobs/{namespace}/{name}",
    status_code=204,
    dependencies=[_write],
    responses=problem_responses(401, 403, 404, 409, 422, 503),
)
async def delete_job(
    namespace: str,
    name: str,
    principal: CurrentPrincipal,
    identity: Identity,
    jobs: Jobs,
    if_match: Annotated[str | None, Header()] = None,
) -> None:
    """Remove a job: one commit by you. Its history stays."""
    author = await _author(identity, principal)
    await jobs.delete(principal.tenant_id, author, namespace, name, if_match=_unquote(if_match))


@router.get(
    "/jobs/{namespace}/{name}/next-runs",
    dependencies=[_read],
    responses=problem_responses(401, 403, 404, 422),
)
async def next_runs(
    namespace: str,
    name: str,
    principal: CurrentPrincipal,
    session: TenantSession,
    jobs: Jobs,
    count: Annotated[int, Query(ge=1, le=100)] = 5,
) -> schemas.NextRuns:
    """When the job's schedule next expects a run."""
    timezone, slots = await jobs.next_runs(session, principal.tenant_id, namespace, name, count)
    zone = ZoneInfo(timezone)
    items = [schemas.NextRun(at=slot, local=slot.astimezone(zone).isoformat()) for slot in slots]
    return schemas.NextRuns(items=items, timezone=timezone)


@router.get("/namespaces", dependencies=[_read], responses=problem_responses(401, 403))
async def list_namespaces(
    principal: CurrentPrincipal, session: TenantSession, jobs: Jobs
) -> Page[schemas.NamespaceOut]:
    found = await jobs.namespaces(session, principal.tenant_id)
    return Page(items=[schemas.NamespaceOut(name=name, jobs=count) for name, count in found])


@router.get("/instances", dependencies=[_read], responses=problem_responses(401, 403, 404, 422))
async def list_instances(
    query: Annotated[schemas.InstanceQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    jobs: Jobs,
) -> Page[schemas.InstanceOut]:
    """Where jobs are expected to run, and how each of these places does."""
    job = None
    if query.job is not None:
        namespace, slash, name = query.job.partition("/")
        if not slash:
            raise Invalid("`job` is namespace/name, for example default/hello.")
        job = await jobs.find(session, principal.tenant_id, namespace, name)
    found = await jobs.instances(
        session,
        principal.tenant_id,
        job=job,
        endpoint_id=query.endpoint_id,
        after=decode_uuid_cursor(query.cursor),
        limit=query.limit + 1,
    )
    items, last = split_page(found, query.limit)
    return Page(items=list(items), next_cursor=encode_cursor(last.id) if last else None)


async def _author(identity: IdentityService, principal: Principal) -> Author:
    signed_in = await identity.whoami(principal)
    return Author(signed_in.user.username, signed_in.user.email)


def _may_report(principal: Principal) -> bool:
    """Endpoints report runs of their own instances only, never by ping."""
    return principal.endpoint_id is None and scopes.CHECKINS_WRITE in principal.scopes


def _unquote(etag: str | None) -> str | None:
    return None if etag is None else etag.removeprefix("W/").strip('"')
