"""Smart HTTP for the embedded repositories: an ASGI app in front of `git http-backend`.

A push that moved main is reported to `on_push` before the last bytes of its answer go out, so what a
client asks right after `git push` has ended already sees it. If `on_push` takes longer than its limit
or fails, the push stands (it is in Git) and the answer ends without it; it is logged.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any
from weakref import WeakValueDictionary

from anyio import CapacityLimiter

from crontopus_api.gitstore.embedded.cgi import Action, Credentials, GitRequest, parse_request
from crontopus_api.gitstore.embedded.exchange import (
    AnswerCut,
    BodyRefused,
    Bridge,
    ClientGone,
    Exchange,
    OnPush,
    Receive,
    Send,
)
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.embedded.limits import BridgeLimits
from crontopus_api.gitstore.embedded.push import GitCaller, PushJudge, Validate
from crontopus_api.gitstore.errors import AuthenticationRequired, PermissionDenied, RepositoryHidden

log = logging.getLogger(__name__)

# Raises AuthenticationRequired (401), RepositoryHidden (404) or PermissionDenied (403).
Authorize = Callable[[Credentials | None, str, Action], Awaitable[GitCaller]]


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
        self._processes = asyncio.Semaphore(self.limits.max_processes)
        self._per_repository: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = parse_request(scope)
        if request is None:
            await refuse(send, 404, "not found")
            return
        try:
            caller = await self._authorize(request.credentials, request.slug, request.action)
        except AuthenticationRequired as error:
            message = str(error) or "sign in with any user name and a Crontopus token as the password"
            await refuse(send, 401, message, (b"www-authenticate", b'Basic realm="Crontopus"'))
        except RepositoryHidden:
            await refuse(send, 404, "not found")
        except PermissionDenied as error:
            await refuse(send, 403, str(error) or "this token may not do that")
        else:
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
            async with self._slot(request.slug), asyncio.timeout(self.limits.total_seconds):
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

    @contextlib.asynccontextmanager
    async def _slot(self, slug: str) -> AsyncIterator[None]:
        """A place among the processes; `Busy` if none gets free in time."""
        half = max(1, self.limits.max_processes // 2)
        own = self._per_repository.setdefault(slug, asyncio.Semaphore(half))
        async with contextlib.AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self.limits.queue_seconds):
                    await held.enter_async_context(own)
                    await held.enter_async_context(self._processes)
            except TimeoutError as error:
                raise Busy from error
            yield


class Busy(Exception):
    """No place for another process."""


class Answer:
    """`send`, remembering whether an error can still be said in a status line."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self._started = True
        await self._send(message)

    async def fail(self, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        """Say it, or leave the answer unfinished: the server then cuts the connection, which is how
        a client learns that what it got so far is not all."""
        if not self._started:
            await refuse(self._send, status, text, *headers)


async def refuse(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    body = f"{text}\n".encode()
    plain = (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*plain, *headers]})
    await send({"type": "http.response.body", "body": body})
