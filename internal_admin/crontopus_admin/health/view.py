"""The admin's first page."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette_admin import CustomView
from starlette_admin.routing import route

from crontopus_admin.health.service import HealthService


class HealthView(CustomView):
    menu_label = "Health"
    icon = "fa-solid fa-heart-pulse"
    path = "/"

    def __init__(self, health: HealthService) -> None:
        super().__init__()
        self._health = health

    @route("")
    async def index(self, request: Request) -> Response:
        assert self.templates is not None  # set when it was added to the admin
        areas = await self._health.areas()
        looks = sum(figure.level == "look" for area in areas for figure in area.figures)
        context = {
            "title": "Health",
            "areas": areas,
            "looks": looks,
            "read_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        }
        return self.templates.TemplateResponse(request=request, name="health.html", context=context)
