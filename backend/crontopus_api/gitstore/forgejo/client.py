"""What is asked of Forgejo over HTTP without `git`: the REST calls in use, and where a branch is.

Whatever goes wrong here is `GitUnavailable`; a repository that is not there is `RepositoryMissing`.
"""

import asyncio
import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import httpx

from crontopus_api.gitstore.errors import GitUnavailable, RepositoryMissing
from crontopus_api.gitstore.forgejo.config import ForgejoConfig
from crontopus_api.gitstore.forgejo.pktline import listed_ref, ls_refs_request
from crontopus_api.gitstore.host import BRANCH
from crontopus_api.gitstore.paths import repository_name, slug_of

log = logging.getLogger(__name__)

_MAX_ANSWER_BYTES = 8 << 20
_MAX_RETRY_AFTER_SECONDS = 3600
_MAX_PAUSE_SECONDS = 60
_DEFAULT_RETRY_SECONDS = 5
_BUSY_RETRY_SECONDS = 30
_PAGE = 50  # what Forgejo gives at most unless it is configured otherwise

GIT_MEDIA = "application/x-git-upload-pack-request"


@dataclass(frozen=True, slots=True)
class Hook:
    id: int
    url: str


@dataclass(frozen=True, slots=True)
class Updated:
    """A repository and when Forgejo, by its own clock, last saw a push to it."""

    slug: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class ForgejoClient:
    """One connection pool; close it with `aclose`. Belongs to one event loop."""

    def __init__(self, config: ForgejoConfig) -> None:
        self.config = config
        wait = config.answer_seconds
        # After a 429, on `time.monotonic`: asking on would only make it longer, for every tenant.
        self.left_alone_until = 0.0
        self.http = httpx.AsyncClient(
            headers={"Authorization": config.authorization, "User-Agent": "crontopus"},
            timeout=httpx.Timeout(wait, connect=config.connect_seconds),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
            verify=config.tls(),
            trust_env=False,
            follow_redirects=False,
        )

    async def aclose(self) -> None:
        await self.http.aclose()

    async def branch(self, slug: str, name: str = BRANCH) -> str | None:
        """The commit a branch is at, `None` if there is no such branch; one short request."""
        answer = await self._ask(
            "POST",
            f"{self.config.repository_url(slug)}/git-upload-pack",
            (200, 404),
            content=ls_refs_request(f"refs/heads/{name}"),
            headers={"Content-Type": GIT_MEDIA, "Git-Protocol": "version=2"},
        )
        if answer.status == 404:
            raise RepositoryMissing(slug)
        return listed_ref(answer.body, f"refs/heads/{name}")

    async def create_repository(self, slug: str) -> bool:
        """Make an empty private repository, and the organisation with the first; `False` if it is there."""
        body = {
            "name": self._name(slug),
            "private": True,
            "default_branch": BRANCH,
            "description": f"Jobs of {slug}, kept by Crontopus",
        }
        path = f"orgs/{self.config.organization}/repos"
        answer = await self._api("POST", path, (201, 409, 404, 422), body)
        if answer.status in {404, 422}:
            await self._create_organization()
            answer = await self._api("POST", path, (201, 409), body)
        return answer.status == 201

    async def _create_organization(self) -> None:
        """422: it is there, made by another process meanwhile, or a user has that name."""
        body = {"username": self.config.organization, "visibility": "private"}
        await self._api("POST", "orgs", (201, 422), body)

    async def delete_repository(self, slug: str) -> None:
        await self._api("DELETE", self._repository(slug), (204, 404))

    async def hooks(self, slug: str) -> list[Hook]:
        found: list[Hook] = []
        for page in range(1, 100):
            path = f"{self._repository(slug)}/hooks?limit={_PAGE}&page={page}"
            answer = await self._api("GET", path, (200, 404))
            if answer.status == 404:
                raise RepositoryMissing(slug)
            with understood():
                more = [Hook(h["id"], h["config"]["url"]) for h in answer.json()]
            found += more
            if len(more) < _PAGE:
                break
        return found

    async def add_hook(self, slug: str, url: str, secret: str) -> None:
        body = {
            "type": "forgejo",
            "active": True,
            "events": ["push"],
            "branch_filter": BRANCH,
            "config": {"url": url, "content_type": "json", "secret": secret},
        }
        await self._api("POST", f"{self._repository(slug)}/hooks", (201,), body)

    async def remove_hook(self, slug: str, hook: int) -> None:
        await self._api("DELETE", f"{self._repository(slug)}/hooks/{hook}", (204, 404))

    async def organization_id(self) -> int | None:
        answer = await self._api("GET", f"orgs/{self.config.organization}", (200, 404))
        with understood():
            return None if answer.status == 404 else int(answer.json()["id"])

    async def updated(self, organization: int, page: int) -> Sequence[Updated]:
        """A page of the organisation's repositories, last updated first; empty behind the last one."""
        query = f"uid={organization}&exclusive=true&sort=updated&order=desc&limit={_PAGE}&page={page}"
        answer = await self._api("GET", f"repos/search?{query}", (200,))
        with understood():
            found = [(entry["name"], entry["updated_at"]) for entry in answer.json()["data"]]
            # One that is not a tenant's keeps its place on the page, under no slug.
            return [Updated(slug_of(name), datetime.fromisoformat(at)) for name, at in found]

    def _name(self, slug: str) -> str:
        return repository_name(slug).removesuffix(".git")

    def _repository(self, slug: str) -> str:
        return f"repos/{self.config.organization}/{self._name(slug)}"

    async def _api(
        self, method: str, path: str, expected: tuple[int, ...], body: Mapping[str, Any] | None = None
    ) -> Answer:
        return await self._ask(method, f"{self.config.url}/api/v1/{path}", expected, json=body)

    async def _ask(self, method: str, url: str, expected: tuple[int, ...], **content: Any) -> Answer:
        wait = self.left_alone_until - monotonic()
        if wait > 0:
            raise GitUnavailable("Forgejo asked to be left alone for a while", retry_after=math.ceil(wait))
        with unavailable():
            # httpx' own limits are per read: a server that trickles would be waited for without end.
            async with (
                asyncio.timeout(self.config.answer_seconds),
                self.http.stream(method, url, **content) as response,
            ):
                body = await _bounded(response)
        if response.status_code in expected:
            return Answer(response.status_code, body)
        if response.status_code == 429:
            pause = min(retry_after(429, response.headers), _MAX_PAUSE_SECONDS)
            self.left_alone_until = monotonic() + pause
        raise refusal(response.status_code, response.headers, said(body))


@contextmanager
def unavailable() -> Iterator[None]:
    """Turns httpx' errors into `GitUnavailable`, without what they might quote."""
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
        raise GitUnavailable(
            f"Forgejo cannot be reached: {type(error).__name__}", retry_after=_DEFAULT_RETRY_SECONDS
        ) from error


@contextmanager
def understood() -> Iterator[None]:
    """Around reading an answer: one of another shape is not Forgejo's."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise GitUnavailable("Forgejo's answer makes no sense: is CRONTOPUS_FORGEJO_URL right?") from error


def refusal(status: int, headers: Mapping[str, str], text: str) -> GitUnavailable:
    """What an unexpected status means to whoever asked."""
    if status in {401, 403}:
        log.error("Forgejo refuses the service's token: %s %s", status, text)
        return GitUnavailable(f"Forgejo refuses Crontopus' token ({status}): {text}")
    if status == 429 or status >= 500:
        return GitUnavailable(f"Forgejo answered {status}: {text}", retry_after=retry_after(status, headers))
    return GitUnavailable(f"Forgejo answered {status}, which was not expected: {text}")


def retry_after(status: int, headers: Mapping[str, str]) -> int:
    """Seconds; a date, which nobody sends with these, counts as nothing said."""
    said = headers.get("retry-after", "")
    if said.isascii() and said.isdigit():
        return max(1, min(int(said), _MAX_RETRY_AFTER_SECONDS))
    return _BUSY_RETRY_SECONDS if status == 429 else _DEFAULT_RETRY_SECONDS


def said(body: bytes) -> str:
    """The message of an error's body, cut and printable: it goes into logs."""
    try:
        text = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        text = body.decode("utf-8", "replace")
    return "".join(c for c in text[:200] if c.isprintable()).strip() or "(no reason given)"


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _MAX_ANSWER_BYTES:
            raise GitUnavailable(f"Forgejo's answer is larger than {_MAX_ANSWER_BYTES} bytes")
    return bytes(body)
