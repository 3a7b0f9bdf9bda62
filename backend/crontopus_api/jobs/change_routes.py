"""Every way to change definitions: each answers after its commit, or tells with `dry_run` what it would do."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, requires
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs import schemas
from crontopus_api.jobs.bodies import read_manifest
from crontopus_api.jobs.changing.editing import EditingService, Outcome
from crontopus_api.jobs.changing.importing import ImportService
from crontopus_api.jobs.changing.proposals import Wish
from crontopus_api.jobs.routes import YAML, may_report
from crontopus_api.jobs.service import JobService
from crontopus_api.jobs.versions import VersionService
from crontopus_api.kit.database import Database
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(
    prefix="/api/v1",
    tags=["jobs"],
    dependencies=[requires(scopes.JOBS_WRITE)],
    responses=problem_responses(401, 403, 409, 422, 503),
)

Editing = Annotated[EditingService, Depends(provided(EditingService))]
DryRun = Annotated[bool, Query(description="Change nothing; answer what would change.")]
MANIFEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object", "description": "A manifest as JSON."}},
            YAML: {"schema": {"type": "string", "description": "The file itself."}},
        },
    }
}


class Shown:
    """Answers a change of one job with the job as it is then."""

    def __init__(
        self,
        database: Annotated[Database, Depends(provided(Database))],
        jobs: Annotated[JobService, Depends(provided(JobService))],
    ) -> None:
        self._database = database
        self._jobs = jobs

    async def after(
        self, outcome: Outcome, principal: Principal, namespace: str, name: str, response: Response
    ) -> schemas.JobOut | schemas.PlanOut:
        if outcome.plan is not None:
            return outcome.plan
        async with self._database.tenant(principal.tenant_id, principal.user_id) as session:
            job = await self._jobs.get(
                session, principal.tenant_id, namespace, name, may_report=may_report(principal)
            )
        response.status_code = 201 if outcome.created else 200
        response.headers["ETag"] = f'"{job.etag}"'
        return job


Show = Annotated[Shown, Depends()]


@router.put(
    "/jobs/{namespace}/{name}",
    openapi_extra=MANIFEST_BODY,
    responses=problem_responses(413, 415) | {201: {"model": schemas.JobOut}},
)
async def put_job(
    namespace: str,
    name: str,
    request: Request,
    response: Response,
    principal: CurrentPrincipal,
    editing: Editing,
    show: Show,
    message: Annotated[str | None, Query(max_length=2000, description="The commit message.")] = None,
    dry_run: DryRun = False,
    if_match: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> schemas.JobOut | schemas.PlanOut:
    """Create or change a job: one commit by you. 201 when it is new."""
    body = await read_manifest(request)
    wish = Wish(message, unquoted(if_match), if_none_match == "*", dry_run)
    outcome = await editing.put(principal, namespace, name, body, wish)
    return await show.after(outcome, principal, namespace, name, response)


@router.delete(
    "/jobs/{namespace}/{name}",
    status_code=204,
    responses=problem_responses(404) | {200: {"model": schemas.PlanOut, "description": "With dry_run."}},
    response_model=None,
)
async def delete_job(
    namespace: str,
    name: str,
    principal: CurrentPrincipal,
    editing: Editing,
    response: Response,
    message: Annotated[str | None, Query(max_length=2000, description="The commit message.")] = None,
    dry_run: DryRun = False,
    if_match: Annotated[str | None, Header()] = None,
) -> schemas.PlanOut | None:
    """Remove a job: one commit by you. Its runs and history stay; a rollback brings it back."""
    wish = Wish(message, unquoted(if_match), dry_run=dry_run)
    outcome = await editing.delete(principal, namespace, name, wish)
    if outcome.plan is not None:
        response.status_code = 200
    return outcome.plan


@router.post("/jobs/{namespace}/{name}/pause", responses=problem_responses(404))
async def pause_job(
    namespace: str,
    name: str,
    principal: CurrentPrincipal,
    editing: Editing,
    show: Show,
    response: Response,
    body: schemas.MessageIn | None = None,
    dry_run: DryRun = False,
    if_match: Annotated[str | None, Header()] = None,
) -> schemas.JobOut | schemas.PlanOut:
    """Stop expecting and starting runs, by a commit. Pausing a paused job changes nothing."""
    wish = Wish(body.message if body else None, unquoted(if_match), dry_run=dry_run)
    outcome = await editing.set_paused(principal, namespace, name, True, wish)
    return await show.after(outcome, principal, namespace, name, response)


@router.post("/jobs/{namespace}/{name}/resume", responses=problem_responses(404))
async def resume_job(
    namespace: str,
    name: str,
    principal: CurrentPrincipal,
    editing: Editing,
    show: Show,
    response: Response,
    body: schemas.MessageIn | None = None,
    dry_run: DryRun = False,
    if_match: Annotated[str | None, Header()] = None,
) -> schemas.JobOut | schemas.PlanOut:
    """The opposite of pause."""
    wish = Wish(body.message if body else None, unquoted(if_match), dry_run=dry_run)
    outcome = await editing.set_paused(principal, namespace, name, False, wish)
    return await show.after(outcome, principal, namespace, name, response)


@router.post("/jobs/{namespace}/{name}/rename", responses=problem_responses(404))
async def rename_job(
    namespace: str,
    name: str,
    body: schemas.RenameIn,
    principal: CurrentPrincipal,
    editing: Editing,
    show: Show,
    response: Response,
    dry_run: DryRun = False,
    if_match: Annotated[str | None, Header()] = None,
) -> schemas.JobOut | schemas.PlanOut:
    """Move a job to another name or namespace. It stays the same job: runs, status, history, ping URL.

    What was found on a machine is made yours by `adopt`, which enables it as well.
    """
    wish = Wish(body.message, unquoted(if_match), dry_run=dry_run)
    outcome = await editing.rename(principal, namespace, name, body.namespace, body.name, wish)
    answer = await show.after(outcome, principal, body.namespace, body.name, response)
    response.status_code = 200
    return answer


@router.post("/jobs/{namespace}/{name}/rollback", responses=problem_responses(404))
async def roll_back_job(
    namespace: str,
    name: str,
    body: schemas.RollbackIn,
    principal: CurrentPrincipal,
    versions: Annotated[VersionService, Depends(provided(VersionService))],
    show: Show,
    response: Response,
    dry_run: DryRun = False,
    if_match: Annotated[str | None, Header()] = None,
) -> schemas.JobOut | schemas.PlanOut:
    """Put the file back to what it was at a commit, by a new commit. A deleted job comes back with its runs."""
    wish = Wish(body.message, unquoted(if_match), dry_run=dry_run)
    outcome = await versions.roll_back(principal, namespace, name, body.commit, wish)
    return await show.after(outcome, principal, namespace, name, response)


@router.post("/jobs:apply")
async def apply_files(
    body: schemas.ApplyIn, principal: CurrentPrincipal, editing: Editing, dry_run: DryRun = False
) -> schemas.ChangedOut | schemas.PlanOut:
    """Many files in one commit, all of them or none: jobs, and what lives in `.crontopus/`."""
    outcome = await editing.apply(principal, body.files, Wish(body.message, dry_run=dry_run))
    return outcome.plan or outcome.changed()


@router.post("/jobs:import")
async def import_jobs(
    body: schemas.ImportIn,
    principal: CurrentPrincipal,
    importing: Annotated[ImportService, Depends(provided(ImportService))],
    dry_run: DryRun = False,
) -> schemas.ImportOut:
    """Jobs from a crontab or the Task Scheduler, as one commit. Look at them with `dry_run` first."""
    return await importing.run(principal, body, dry_run=dry_run)


@router.post("/namespaces", status_code=201)
async def add_namespace(
    body: schemas.NamespaceIn, principal: CurrentPrincipal, editing: Editing
) -> schemas.NamespaceOut:
    """Make an empty namespace: a commit with a folder that holds a `.gitkeep`."""
    await editing.add_namespace(principal, body.name, Wish())
    return schemas.NamespaceOut(name=body.name, jobs=0)


@router.delete("/namespaces/{name}", status_code=204, responses=problem_responses(404))
async def remove_namespace(name: str, principal: CurrentPrincipal, editing: Editing) -> None:
    """Remove an empty namespace."""
    await editing.remove_namespace(principal, name, Wish())


def unquoted(etag: str | None) -> str | None:
    """What an `If-Match` names."""
    return None if etag is None else etag.removeprefix("W/").strip('"')
