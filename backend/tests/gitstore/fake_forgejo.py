"""A Forgejo as far as Crontopus uses one: its REST answers, `git http-backend`, webhooks, and faults at will.

What it answers was taken from a real one; `test_forgejo_rest.py` is run against both to keep it that way.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from .fake_git import backend, refs_of, run_git

TOKEN = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Fault:
    """What happens to requests whose `METHOD /path?query` matches: `status` instead of the answer, or after
    the work was done; or no answer before `release`, and none after it either if `lost`. The first `skip`
    are let through, the `times` after them are not."""

    match: str
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    work_first: bool = False
    release: asyncio.Event | None = None
    lost: bool = False
    skip: int = 0
    times: int = 1_000_000
    seen: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Repo:
    id: int
    owner: str
    name: str
    path: Path
    private: bool
    default_branch: str
    created: datetime
    updated: datetime
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Delivery:
    url: str
    headers: dict[str, str]
    body: bytes
    status: int | None = None


class FakeForgejo:
    """`clock` gives the times it notes, in whole seconds as Forgejo does."""

    def __init__(self, root: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.root = root
        self.clock = clock
        self.orgs: dict[str, int] = {}
        self.repos: dict[tuple[str, str], Repo] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.deliveries: list[Delivery] = []
        self.delivered = asyncio.Condition()
        self._ids = iter(range(1, 1_000_000))
        self._tasks: set[asyncio.Task[None]] = set()
        self._pushes: set[asyncio.Task[None]] = set()
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None
        self.port = 0
        repo, hooks = "/api/v1/repos/{owner}/{repo}", "/api/v1/repos/{owner}/{repo}/hooks"
        self.app = Starlette(
            routes=[
                Route("/api/v1/orgs", self._api(self._create_org), methods=["POST"]),
                Route("/api/v1/orgs/{org}", self._api(self._get_org)),
                Route("/api/v1/orgs/{org}", self._api(self._delete_org), methods=["DELETE"]),
                Route("/api/v1/orgs/{org}/repos", self._api(self._create_repo), methods=["POST"]),
                Route("/api/v1/repos/search", self._api(self._search)),
                Route(repo, self._api(self._get_repo)),
                Route(repo, self._api(self._delete_repo), methods=["DELETE"]),
                Route(hooks, self._api(self._hooks)),
                Route(hooks, self._api(self._add_hook), methods=["POST"]),
                Route(hooks + "/{id:int}", self._api(self._delete_hook), methods=["DELETE"]),
                Route("/{owner}/{repo}.git/info/refs", self._git),
                Route("/{owner}/{repo}.git/git-upload-pack", self._git, methods=["POST"]),
                Route("/{owner}/{repo}.git/git-receive-pack", self._git, methods=["POST"]),
            ],
            middleware=[Middleware(_Faults, fake=self)],
            exception_handlers={HTTPException: _problem},
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["FakeForgejo"]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def start(self) -> None:
        """Also again after `stop`, at the same address."""
        self._socket = socket.create_server(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        config = uvicorn.Config(self.app, lifespan="off", log_level="critical", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))

    async def stop(self) -> None:
        assert self._server is not None
        assert self._serving is not None
        assert self._socket is not None
        self._server.should_exit = True
        await self._serving
        self._socket.close()

    def repo_path(self, owner: str, name: str) -> Path:
        return self.root / owner / f"{name}.git"

    async def wait_for_deliveries(self, count: int) -> list[Delivery]:
        async with self.delivered, asyncio.timeout(20):
            await self.delivered.wait_for(lambda: len([d for d in self.deliveries if d.status]) >= count)
        return self.deliveries

    # --- REST

    def _api(
        self, handler: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if not _authenticated(request):
                raise HTTPException(401, "user does not exist [uid: 0, name: x]")
            return await handler(request)

        return guarded

    async def _create_org(self, request: Request) -> Response:
        body = await request.json()
        name = body["username"]
        if name in self.orgs:
            raise HTTPException(422, f"user already exists [name: {name}]")
        self.orgs[name] = next(self._ids)
        return JSONResponse(self._org(name, body.get("visibility", "public")), 201)

    async def _get_org(self, request: Request) -> Response:
        return JSONResponse(self._org(self._known_org(request), "private"))

    async def _delete_org(self, request: Request) -> Response:
        del self.orgs[self._known_org(request)]
        return Response(status_code=204)

    async def _create_repo(self, request: Request) -> Response:
        org, body = self._known_org(request), await request.json()
        name = body["name"]
        if (org, name) in self.repos:
            raise HTTPException(409, "The repository with the same name already exists.")
        now = self.clock().replace(microsecond=0)
        branch = body.get("default_branch") or "main"
        path = self.repo_path(org, name)
        await run_git("init", "--quiet", "--bare", f"--initial-branch={branch}", str(path))
        repo = Repo(next(self._ids), org, name, path, body.get("private", False), branch, now, now)
        self.repos[org, name] = repo
        return JSONResponse(_shown(repo), 201)

    async def _get_repo(self, request: Request) -> Response:
        return JSONResponse(_shown(self._known_repo(request)))

    async def _delete_repo(self, request: Request) -> Response:
        repo = self._known_repo(request)
        del self.repos[repo.owner, repo.name]
        repo.path.rename(repo.path.with_name(f".deleted-{repo.id}"))
        return Response(status_code=204)

    async def _search(self, request: Request) -> Response:
        query = request.query_params
        assert (query["exclusive"], query["sort"], query["order"]) == ("true", "updated", "desc")
        owner = next((name for name, id_ in self.orgs.items() if id_ == int(query["uid"])), None)
        found = [repo for repo in self.repos.values() if repo.owner == owner]
        found.sort(key=lambda repo: repo.updated, reverse=True)
        return JSONResponse({"ok": True, "data": [_shown(repo) for repo in _page(request, found)]})

    async def _hooks(self, request: Request) -> Response:
        hooks = list(self._known_repo(request).hooks.values())
        return JSONResponse([_without_secret(hook) for hook in _page(request, hooks)])

    async def _add_hook(self, request: Request) -> Response:
        repo, body = self._known_repo(request), await request.json()
        if body["type"] not in {"forgejo", "gitea"}:
            raise HTTPException(422, f"Invalid hook type: {body['type']}")
        for name in ("url", "content_type"):
            if name not in body["config"]:
                raise HTTPException(422, f"Missing config option: {name}")
        hook = {
            "id": next(self._ids),
            "type": body["type"],
            "branch_filter": body.get("branch_filter", ""),
            "url": body["config"]["url"],
            "config": dict(body["config"]),
            "events": body.get("events") or ["push"],
            "authorization_header": "",
            "content_type": body["config"]["content_type"],
            "metadata": None,
            "active": body.get("active", False),
        }
        repo.hooks[hook["id"]] = hook
        return JSONResponse(_without_secret(hook), 201)

    async def _delete_hook(self, request: Request) -> Response:
        if self._known_repo(request).hooks.pop(request.path_params["id"], None) is None:
            raise HTTPException(404, "The target couldn't be found.")
        return Response(status_code=204)

    def _known_org(self, request: Request) -> str:
        org: str = request.path_params["org"]
        if org not in self.orgs:
            raise HTTPException(404, "GetOrgByName")
        return org

    def _known_repo(self, request: Request) -> Repo:
        repo = self.repos.get((request.path_params["owner"], request.path_params["repo"]))
        if repo is None:
            raise HTTPException(404, "The target couldn't be found.")
        return repo

    def _org(self, name: str, visibility: str) -> dict[str, Any]:
        return {"id": self.orgs[name], "name": name, "username": name, "visibility": visibility}

    # --- Git

    async def _git(self, request: Request) -> Response:
        service = request.query_params.get("service") or request.url.path.rpartition("/")[2]
        repo = self.repos.get((request.path_params["owner"], request.path_params["repo"]))
        if not _authenticated(request):
            return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="Gitea"'})
        if repo is None:
            if service == "git-receive-pack":
                return PlainTextResponse("Push to create is not enabled for organizations.", 403)
            return PlainTextResponse("Repository not found", 404)
        if (
            request.method == "POST"
            and request.headers.get("content-type") != f"application/x-{service}-request"
        ):
            return Response(status_code=401)
        body = await request.body()
        before = await refs_of(repo.path)
        answer = await backend(repo.path, service, request, body)
        if service == "git-receive-pack" and request.method == "POST":
            # As in a real one, what follows from a push is done after its answer: a hook that is added
            # in between hears of it.
            task = asyncio.create_task(self._pushed(repo, before, await refs_of(repo.path)))
            self._pushes.add(task)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return answer

    async def settled(self) -> None:
        """Until everything that follows from the pushes so far is done."""
        await asyncio.gather(*self._pushes)
        self._pushes.clear()

    async def _pushed(self, repo: Repo, before: dict[str, str], after: dict[str, str]) -> None:
        moved = [ref for ref in before.keys() | after.keys() if before.get(ref) != after.get(ref)]
        if moved:
            repo.updated = self.clock().replace(microsecond=0)
        for ref in moved:
            for hook in repo.hooks.values():
                branch = ref.removeprefix("refs/heads/")
                if hook["active"] and fnmatchcase(branch, hook["branch_filter"] or "*"):
                    payload = _payload(repo, ref, before.get(ref, "0" * 40), after.get(ref, "0" * 40))
                    task = asyncio.create_task(self.deliver(hook["url"], hook["config"]["secret"], payload))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    async def deliver(self, url: str, secret: str, payload: dict[str, Any]) -> None:
        body = json.dumps(payload, indent=2).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"}
        for brand in ("Forgejo", "Gitea", "Gogs"):
            headers |= {
                f"X-{brand}-Delivery": str(uuid4()),
                f"X-{brand}-Event": "push",
                f"X-{brand}-Event-Type": "push",
                f"X-{brand}-Signature": signature,
            }
        delivery = Delivery(url, headers, body)
        self.deliveries.append(delivery)
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
                delivery.status = (await client.post(url, content=body, headers=headers)).status_code
        async with self.delivered:
            self.delivered.notify_all()


class _Faults:
    def __init__(self, app: ASGIApp, fake: FakeForgejo) -> None:
        self._app = app
        self._fake = fake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        what = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}"
        self._fake.requests.append(what)
        for fault in self._fake.faults:
            if re.search(fault.match, what):
                fault.seen += 1
                if not fault.skip < fault.seen <= fault.skip + fault.times:
                    continue
                fault.reached.set()
                if fault.release is not None:
                    await fault.release.wait()
                    if fault.lost:
                        return
                    break
                if fault.work_first:
                    await self._app(scope, receive, _swallow)
                answer = PlainTextResponse("a fault", fault.status, fault.headers)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _swallow(message: Any) -> None:
    """For answers that get lost."""


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"message": error.detail, "url": "/api/swagger"}, error.status_code)


def _authenticated(request: Request) -> bool:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return scheme == "Basic" and base64.b64decode(value).decode().partition(":")[2] == TOKEN


def _page(request: Request, entries: list[Any]) -> list[Any]:
    limit = min(int(request.query_params.get("limit", 30)), 50)
    page = max(int(request.query_params.get("page", 1)), 1)
    return entries[(page - 1) * limit : page * limit]


def _without_secret(hook: dict[str, Any]) -> dict[str, Any]:
    return hook | {"config": {k: v for k, v in hook["config"].items() if k != "secret"}}


def _shown(repo: Repo) -> dict[str, Any]:
    return {
        "id": repo.id,
        "owner": {"login": repo.owner, "username": repo.owner},
        "name": repo.name,
        "full_name": f"{repo.owner}/{repo.name}",
        "private": repo.private,
        "default_branch": repo.default_branch,
        "created_at": _time(repo.created),
        "updated_at": _time(repo.updated),
    }


def _payload(repo: Repo, ref: str, before: str, after: str) -> dict[str, Any]:
    return {"ref": ref, "before": before, "after": after, "commits": [], "repository": _shown(repo)}


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
