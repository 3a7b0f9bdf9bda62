"""What an agent found, and its adoption by a person."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response

from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, requires
from crontopus_api.jobs import schemas as jobs
from crontopus_api.jobs.change_routes import DryRun, Show, unquoted
from crontopus_api.jobs.changing.proposals import Wish
from crontopus_api.jobs.discovered import schemas
from crontopus_api.jobs.discovered.service import DiscoveredService
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(prefix="/api/v1")

Discovered = Annotated[DiscoveredService, Depends(provided(DiscoveredService))]


@router.post(
    "/endpoints/self/discovered",
    tags=["agent"],
    dependencies=[requires(scopes.ENDPOINT_SELF)],
    responses=problem_responses(401, 403, 409, 422, 503),
)
async def report_discovered(
    body: schemas.DiscoveredIn, principal: CurrentPrincipal, discovered: Discovered
) -> schemas.DiscoveredOut:
    """Everything on the machine that Crontopus does not manage, with secrets taken out. It is shown under
    `discovered/`, not enabled, until somebody adopts it. Sending the same again changes nothing."""
    return await discovered.report(principal, body.entries)


@router.post(
    "/jobs/{namespace}/{name}/adopt",
    tags=["jobs"],
    dependencies=[requires(scopes.JOBS_WRITE)],
    responses=problem_responses(401, 403, 404, 409, 422, 503),
)
async def adopt_job(
    namespace: str,
    name: str,
    body: schemas.AdoptIn,
    principal: CurrentPrincipal,
    discovered: Discovered,
    show: Show,
    response: Response,
    dry_run: DryRun = False,
    if_match: Annotated[str | None, Header()] = None,
) -> jobs.JobOut | jobs.PlanOut:
    """Make a found job one of yours: moved out of `discovered/` and enabled, in one commit. On its machine it takes
    the place of the very entry it was found as, in one write; `crontopus-agent adopt --undo` there takes that back.
    """
    wish = Wish(body.message, unquoted(if_match), dry_run=dry_run)
    outcome = await discovered.adopt(principal, namespace, name, wish, body)
    answer = await show.after(outcome, principal, body.namespace, body.name, response)
    response.status_code = 200
    return answer
