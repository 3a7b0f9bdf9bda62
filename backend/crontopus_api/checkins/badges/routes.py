from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse, Response

from crontopus_api.checkins.badges.drawing import shields, svg
from crontopus_api.checkins.badges.service import BadgeService
from crontopus_api.checkins.runs.schemas import Label
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.schemas import Schema, problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(tags=["badges"])

Badges = Annotated[BadgeService, Depends(provided(BadgeService))]
Key = Annotated[str, Path(max_length=600)]
_read = requires(scopes.RUNS_READ)
# Seen on pages of other sites, through caches: fresh enough, and no work for us at each view.
_PUBLIC = {
    "Cache-Control": "public, max-age=30",
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


class BadgeOut(Schema):
    """Where a badge is. Whoever has the address sees the state, and nothing else."""

    svg_url: str
    json_url: str
    markdown: str


@router.get(
    "/api/v1/jobs/{namespace}/{name}/badge", dependencies=[_read], responses=problem_responses(401, 403, 404)
)
async def job_badge(
    namespace: str, name: str, principal: CurrentPrincipal, session: TenantSession, badges: Badges
) -> BadgeOut:
    """The badge of one job."""
    url = await badges.of_job(session, principal.tenant_id, namespace, name)
    return _out(url, f"{namespace}/{name}")


@router.get("/api/v1/badges", dependencies=[_read], responses=problem_responses(401, 403, 422))
async def label_badge(
    principal: CurrentPrincipal, badges: Badges, label: Annotated[Label, Query()]
) -> BadgeOut:
    """The badge of all jobs with a label, `key=value`: as good as the worst of them."""
    return _out(badges.of_label(principal.tenant_id, label), label)


@router.get(
    "/badge/{key}.svg",
    response_class=Response,
    responses=problem_responses(404) | {200: {"content": {"image/svg+xml": {}}}},
)
async def badge_svg(key: Key, badges: Badges) -> Response:
    """A badge as a picture. Needs no token."""
    return Response(svg(*await badges.show(key)), media_type="image/svg+xml", headers=_PUBLIC)


@router.get("/badge/{key}.json", response_class=JSONResponse, responses=problem_responses(404))
async def badge_json(key: Key, badges: Badges) -> JSONResponse:
    """The same for shields.io's endpoint badge. Needs no token."""
    return JSONResponse(shields(*await badges.show(key)), headers=_PUBLIC)


def _out(url: str, name: str) -> BadgeOut:
    return BadgeOut(svg_url=f"{url}.svg", json_url=f"{url}.json", markdown=f"![{name}]({url}.svg)")
