"""Smart HTTP for the embedded repositories: an ASGI app in front of `git http-backend`.

A push that moved main is reported to `on_push` before the last bytes of its answer go out, so what a
client asks right after `git push` has ended already sees it. If `on_push` takes longer than its limit
or fails, the push stands (it is in Git) and the answer ends without it; it is logged.
"""

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Any

from anyio import CapacityLimiter

from crontopus_api.gitstore.embedded.cgi import GitRequest, parse_request
from crontopus_api.gitstore.embedded.exchange import Bridge, Exchange, OnPush
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.embedded.limits import BridgeLimits
from crontopus_api.gitstore.embedded.push import GitCaller, PushJudge, Validate
from crontopus_api.gitstore.smart_http import (
    Answer,
    AnswerCut,
    Authorize,
    BodyRefused,
    Busy,
    ClientGone,
    Places,
    Receive,
    Send,
    recognised,
    refuse,
)

log = logging.getLogger(__name__)


class GitHttpBackend:
    """Serves `/git/crontopus/job-manifests-{slug}.git` (or, mounted at `/git`, the rest of it)."""

    def __init__(
        self,
        host: EmbeddedGitHost,
        *,
        authorize: Authorize,
        validate: Validate,
        on_push: OnPush,
        limits: BridgeLimits | None = None,
    ) -> None:
        self.limits = limits or BridgeLimits()
        self._host = host
        self._authorize = authorize
        judge = PushJudge(validate, self.limits.push, CapacityLimiter(4))
        self._bridge = Bridge(host, judge, self.limits, on_push)
        self._places = Places(self.limits.max_processes, self.limits.queue_seconds)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = parse_request(scope)
        if request is None:
            await refuse(send, 404, "not found")
            return
        caller = await recognised(self._authorize, request, request.action, send)
        if caller is not None:
            await self._serve(request, caller, receive, send)

    async def _serve(self, request: GitRequest, caller: GitCaller, receive: Receive, send: Send) -> None:
        limit = self.limits.max_body(request.action)
        if not await self._host.exists(request.slug):
            await refuse(send, 404, "not found")
            return
        if (request.content_length or 0) > limit:
            await refuse(send, 413, f"the request is larger than {limit} bytes")
            return
        exchange = Exchange(self._bridge, request, caller)
        answer = Answer(send)
        try:
            async with self._places.one(request.slug), asyncio.timeout(self.limits.total_seconds):
                await exchange.run(receive, answer.send)
        except Busy:
            await answer.fail(503, "too many Git requests at once", (b"retry-after", b"5"))
        except TimeoutError:
            log.warning("git %s of %s ran out of time", request.service, request.slug)
            await answer.fail(503, "the request took too long", (b"retry-after", b"5"))
        except BodyRefused as refused:
            await answer.fail(refused.status, str(refused))
        except AnswerCut as cut:
            log.warning("git %s of %s: %s", request.service, request.slug, cut)
            await answer.fail(502, "git gave no answer")
        except ClientGone:
            log.info("git %s of %s: the client went away", request.service, request.slug)
