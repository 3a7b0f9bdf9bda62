"""`/git` in Forgejo mode: fetches go through to Forgejo with the service's own token, pushes are sent there.

The caller is recognised as before the embedded repositories. Nothing of Forgejo's but its Git answers
comes out: no header of its own, no error page, and never the token.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import httpx

from crontopus_api.gitstore.embedded.cgi import GitRequest, git_protocol, parse_request
from crontopus_api.gitstore.errors import GitUnavailable, RepositoryMissing
from crontopus_api.gitstore.forgejo.client import ForgejoClient, refusal, unavailable
from crontopus_api.gitstore.forgejo.webhook import PATH_PATTERN, WebhookReceiver, headers_of
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
    body_of,
    recognised,
    refuse,
    until_gone,
)

log = logging.getLogger(__name__)

_WEBHOOK = re.compile(PATH_PATTERN)
_NO_CACHE = (b"cache-control", b"no-cache, max-age=0, must-revalidate")


@dataclass(frozen=True, slots=True)
class ProxyLimits:
    """Sizes in bytes, times in seconds. One repository gets at most half of the requests."""

    max_requests: int = 64
    queue_seconds: float = 30.0
    total_seconds: float = 300.0
    idle_seconds: float = 30.0
    max_body: int = 10 << 20
    max_answer: int = 2 << 30


class ForgejoGitHttp:
    """Serves `/git/crontopus/job-manifests-{slug}.git` for fetching and, with `webhooks`,
    `/git/webhook/{slug}`. Can be mounted at `/git`."""

    def __init__(
        self,
        client: ForgejoClient,
        *,
        authorize: Authorize,
        webhooks: WebhookReceiver | None = None,
        limits: ProxyLimits | None = None,
    ) -> None:
        self.limits = limits or ProxyLimits()
        self._client = client
        self._authorize = authorize
        self._webhooks = webhooks
        self._places = Places(self.limits.max_requests, self.limits.queue_seconds)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        hook = _WEBHOOK.fullmatch(scope["path"].removeprefix(scope.get("root_path", "").rstrip("/")))
        if hook is not None and self._webhooks is not None and scope["method"] == "POST":
            await self._webhooks(hook["slug"], headers_of(scope), receive, send)
            return
        request = parse_request(scope)
        if request is None:
            await refuse(send, 404, "not found")
            return
        # Also before a no to pushing: what is not theirs they must not learn of.
        if await recognised(self._authorize, request, "read", send) is None:
            return
        if request.action == "write":
            address = self._client.config.people_url(request.slug)
            await refuse(
                send, 403, f"this repository is kept on Forgejo: push to {address} with your account there"
            )
            return
        await self._serve(request, receive, send)

    async def _serve(self, request: GitRequest, receive: Receive, send: Send) -> None:
        if (request.content_length or 0) > self.limits.max_body:
            await refuse(send, 413, f"the request is larger than {self.limits.max_body} bytes")
            return
        answer = Answer(send)
        soon = (b"retry-after", b"5")
        try:
            async with self._places.one(request.slug), asyncio.timeout(self.limits.total_seconds):
                await self._exchange(request, receive, answer.send)
        except Busy:
            await answer.fail(503, "too many Git requests at once", soon)
        except TimeoutError:
            log.warning("a fetch of %s ran out of time", request.slug)
            await answer.fail(503, "the request took too long", soon)
        except BodyRefused as refused:
            await answer.fail(refused.status, str(refused))
        except RepositoryMissing:
            await answer.fail(404, "not found")
        except GitUnavailable as error:
            log.warning("a fetch of %s: %s", request.slug, error)
            wait = (b"retry-after", b"%d" % (error.retry_after or 30))
            await answer.fail(503, "the Git host cannot answer now, try again later", wait)
        except AnswerCut as cut:
            log.warning("a fetch of %s: %s", request.slug, cut)
            await answer.fail(502, "the Git host gave no answer")
        except ClientGone:
            log.info("a fetch of %s: the client went away", request.slug)

    async def _exchange(self, request: GitRequest, receive: Receive, send: Send) -> None:
        fed = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            bounds = (self.limits.max_body, self.limits.idle_seconds)
            async for piece in body_of(receive, *bounds, gzipped=request.gzipped):
                yield piece
            fed.set()

        async def watch() -> None:
            await fed.wait()
            await until_gone(receive)

        tasks = {
            asyncio.create_task(self._relay(request, body(), send)),
            asyncio.create_task(watch()),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _relay(self, request: GitRequest, body: AsyncIterator[bytes], send: Send) -> None:
        kind = "advertisement" if request.advertisement else "result"
        media = f"application/x-git-upload-pack-{kind}"
        with unavailable():
            response = await self._client.http.send(await self._asked(request, body), stream=True)
            try:
                await self._check(request, response, media)
                headers = [(b"content-type", media.encode()), _NO_CACHE]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                size = 0
                async for piece in response.aiter_bytes():
                    size += len(piece)
                    if size > self.limits.max_answer:
                        raise AnswerCut(f"the answer is larger than {self.limits.max_answer} bytes")
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            finally:
                await response.aclose()
        await send({"type": "http.response.body", "body": b""})

    async def _asked(self, request: GitRequest, body: AsyncIterator[bytes]) -> httpx.Request:
        """Only checked values of the client's request get in."""
        headers = {"Accept-Encoding": "identity"}
        if (protocol := git_protocol(request)) is not None:
            headers["Git-Protocol"] = protocol
        url = self._client.config.repository_url(request.slug)
        timeout = httpx.Timeout(self.limits.idle_seconds, connect=self._client.config.connect_seconds)
        if request.advertisement:
            async for _ in body:  # none is sent with a GET; what is must be read all the same
                pass
            address = f"{url}/info/refs?service={request.service}"
            return self._client.http.build_request("GET", address, headers=headers, timeout=timeout)
        headers["Content-Type"] = f"application/x-{request.service}-request"
        address = f"{url}/{request.service}"
        return self._client.http.build_request(
            "POST", address, headers=headers, content=body, timeout=timeout
        )

    async def _check(self, request: GitRequest, response: httpx.Response, media: str) -> None:
        if response.status_code == 404:
            raise RepositoryMissing(request.slug)
        if response.status_code != 200:
            raise refusal(response.status_code, response.headers, "to a fetch")
        if response.headers.get("content-type") != media:
            raise AnswerCut("the answer is not Git's: is CRONTOPUS_FORGEJO_URL right?")
