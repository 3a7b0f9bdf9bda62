"""Jobs, instances and namespaces as they are. `change_routes` changes them."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse

from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs import schemas
from crontopus_api.jobs.list_repository import JobFilter
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.errors import Invalid
from crontopus_api.kit.paging import Page, decode_cursor, decode_uuid_cursor, encode_cursor, split_page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1", tags=["jobs"])

Jobs = Annotated[JobService, Depends(provided(JobService))]
_read = requires(scopes.JOBS_READ)
YAML = "application/yaml"


@router.get(
    "/jobs",
    dependencies=[_read],
    response_model=Page[schemas.JobSummary],
    responses=problem_responses(401, 403, 422),
)
async def list_jobs(
    query: Annotated[schemas.JobQuery, Query()],
    principal: CurrentPrincipal,
    session: TenantSession,
    jobs: Jobs,
) -> Response:
    """Jobs with their live status, by namespace and name."""
    after = None
    if query.cursor is not None:
        namespace, name = decode_cursor(query.cursor, 2)
        after = (namespace, name)
    wanted = JobFilter(query.namespace, query.state, query.q)
    found = await jobs.page(session, principal.tenant_id, wanted, after, query.limit + 1)
    items, last = split_page(found, query.limit)
    cursor = encode_cursor(last["namespace"], last["name"]) if last else None
    # Written at once, not looked at again first: of a thousand jobs that would take longer than reading them.
    return Response(
        msgspec.json.encode({"items": items, "next_cursor": cursor}), media_type="application/json"
    )


@router.get(
    "/jobs/{namespace}/{name}",
    dependencies=[_read],
    responses=problem_responses(401, 403, 404) | {200: {"content": {YAML: {"schema": {"type": "string"}}}}},
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
    job = await jobs.get(session, principal.tenant_id, namespace, name, may_report=may_report(principal))
    etag = {"ETag": f'"{job.etag}"'}
    if YAML in request.headers.get("accept", ""):
        return PlainTextResponse(job.yaml, headers=etag, media_type=YAML)
    response.headers.update(etag)
    return job


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
    """When the job's schedule next expects a run, and what changes of the clock do to it."""
    return await jobs.next_runs(session, principal.tenant_id, namespace, name, count)


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
        state=query.state,
        after=decode_uuid_cursor(query.cursor),
        limit=query.limit + 1,
    )
    items, last = split_page(found, query.limit)
    return Page(items=list(items), next_cursor=encode_cursor(last.id) if last else None)


def may_report(principal: Principal) -> bool:
    """Endpoints report runs of their own instances only, never by ping."""
    return principal.endpoint_id is None and scopes.CHECKINS_WRITE in principal.scopes
