"""What stands before the rest of a process that takes check-ins: the edge, and the doors, which are hot."""

import time

from crontopus_api.checkins.doors.router import Doors
from crontopus_api.kit.http.asgi import App, Message, Receive, Scope, Send
from crontopus_api.kit.http.edge import Edge
from crontopus_api.kit.http.express import Take
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.metrics import observe_request
from crontopus_api.settings import Settings


class Front:
    """Sends each request to its door, and what is for none to `rest`. Pings never pass through FastAPI."""

    def __init__(self, settings: Settings, rest: App) -> None:
        self.rest = rest
        self.edge = edge(settings)
        self.doors: Doors | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.rest(scope, receive, send)
            return
        self.edge.arrive(scope)
        door = self.doors.find(scope) if self.doors is not None else None
        if door is not None:
            self.edge.at_door(scope)
            await door(scope, receive, send)
        else:
            await self.elsewhere(scope, receive, self.edge.leaving(send, scope))

    def express(self, scope: Scope) -> Take | None:
        """Pings of jobs' own keys, short as they are, are answered without ASGI (see `kit.http.express`)."""
        door = self.doors.find(scope) if self.doors is not None else None
        ahead = door.express(scope["path"]) if door is not None else None
        if door is None or ahead is None:
            return None
        leaving = self.edge.at_express_door(scope)
        return lambda body: door.reply_now(ahead, body, leaving)

    async def elsewhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request that is for no door; its time is measured."""
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.edge.guarded(self.rest, scope, receive, noting)
        finally:
            observe_request(scope, status, time.perf_counter() - began)


def edge(settings: Settings, limits: RateLimits | None = None) -> Edge:
    return Edge(
        trusted_proxies=settings.trusted_proxies,
        client_header=settings.client_header,
        https=settings.secure,
        limits=limits,
    )
