from typing import Annotated

from fastapi import APIRouter, Depends

from crontopus_api.alerts.routing import schemas
from crontopus_api.alerts.routing.service import RouteService
from crontopus_api.identity import scopes
from crontopus_api.identity.dependencies import CurrentPrincipal, TenantSession, requires
from crontopus_api.kit.paging import Page
from crontopus_api.kit.schemas import problem_responses
from crontopus_api.kit.wiring import provided

router = APIRouter(
    prefix="/api/v1",
    tags=["routes"],
    dependencies=[requires(scopes.RUNS_READ)],
    responses=problem_responses(401, 403),
)

Routes = Annotated[RouteService, Depends(provided(RouteService))]


@router.get("/routes")
async def list_routes(
    principal: CurrentPrincipal, session: TenantSession, routes: Routes
) -> Page[schemas.RouteOut]:
    """Alert routes, in the order in which they are tried, and what is wrong with them."""
    return Page(items=list(await routes.list(session, principal.tenant_id)))


@router.post("/routes/test", responses=problem_responses(404, 422))
async def test_routes(
    body: schemas.RouteTest, principal: CurrentPrincipal, session: TenantSession, routes: Routes
) -> schemas.RouteTestOut:
    """Who would be told of an incident, when, and by which route. Nobody is told anything."""
    return await routes.test(session, principal.tenant_id, body)


@router.get("/maintenance-windows")
async def list_maintenance_windows(
    principal: CurrentPrincipal, session: TenantSession, routes: Routes
) -> Page[schemas.WindowOut]:
    """Maintenance windows: which are active, until when, and when they come next."""
    return Page(items=list(await routes.windows(session, principal.tenant_id)))
