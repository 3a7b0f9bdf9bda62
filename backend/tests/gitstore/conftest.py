"""A served embedded host and a real `git` client beside it, all in the test's own event loop."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
import uvicorn
from starlette.types import ASGIApp

from crontopus_api.gitstore.embedded.cgi import Action, Credentials
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.embedded.http import GitHttpBackend
from crontopus_api.gitstore.embedded.limits import BridgeLimits
from crontopus_api.gitstore.embedded.push import GitCaller, MainMoved, PushRequest
from crontopus_api.gitstore.errors import AuthenticationRequired, PermissionDenied, RepositoryHidden

from .forges import FORGES, Forge, forge_of

TENANT = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
OTHER_TENANT = UUID("01890a5d-ac96-774b-bcce-b302099a8058")


@dataclass
class Done:
    code: int
    out: str
    err: str


@dataclass
class GitClient:
    """`git` as a user far away runs it: no configuration but ours."""

    home: Path

    async def __call__(self, *arguments: object, cwd: Path | None = None) -> Done:
        process = await asyncio.create_subprocess_exec(
            "git",
            *map(str, arguments),
            cwd=cwd or self.home,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Done(process.returncode or 0, out.decode(), err.decode())

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "pusher",
            "GIT_AUTHOR_EMAIL": "pusher@example.org",
            "GIT_COMMITTER_NAME": "pusher",
            "GIT_COMMITTER_EMAIL": "pusher@example.org",
        }

    async def ok(self, *arguments: object, cwd: Path | None = None) -> str:
        done = await self(*arguments, cwd=cwd)
        assert done.code == 0, done
        return done.out.strip()


@dataclass
class Platform:
    """What the composition root is to the bridge: who may, what is valid, who is told."""

    host: EmbeddedGitHost
    limits: BridgeLimits
    port: int = 0
    pushes: list[MainMoved] = field(default_factory=list)
    requests: list[PushRequest] = field(default_factory=list)
    seen: list[Credentials | None] = field(default_factory=list)

    def url(self, token: str | None = "t-acme", slug: str = "acme") -> str:
        user = f"anyone:{token}@" if token else ""
        return f"http://{user}127.0.0.1:{self.port}/git/crontopus/job-manifests-{slug}.git"

    async def authorize(self, credentials: Credentials | None, slug: str, action: Action) -> GitCaller:
        self.seen.append(credentials)
        tokens = {"t-acme": "acme", "r-acme": "acme", "t-umbrella": "umbrella"}
        if credentials is None or credentials.password not in tokens:
            raise AuthenticationRequired
        if tokens[credentials.password] != slug:
            raise RepositoryHidden
        if action == "write" and credentials.password.startswith("r-"):
            raise PermissionDenied("this token may read jobs, not change them")
        return GitCaller(subject=credentials.password)

    async def validate(self, request: PushRequest) -> Sequence[str]:
        self.requests.append(request)
        if any(data == b"explode" for _, data in request.changes):
            raise RuntimeError("a defect in a validator")
        return [
            f"{path}:{number}: unknown key \x1b[31m`{line}`"
            for path, data in request.changes
            if data is not None and path.endswith(".yaml") and not path.startswith(".")
            for number, line in enumerate(data.decode().splitlines(), 1)
            if line.startswith("bad")
        ]

    async def on_push(self, event: MainMoved) -> None:
        self.pushes.append(event)


@asynccontextmanager
async def serve_app(app: ASGIApp) -> AsyncIterator[int]:
    """The port that it is served on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, lifespan="off", log_level="warning", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def serve(platform: Platform) -> AsyncIterator[Platform]:
    async def validate(request: PushRequest) -> Sequence[str]:
        return await platform.validate(request)  # looked up late: tests put others in

    async def on_push(event: MainMoved) -> None:
        await platform.on_push(event)

    backend = GitHttpBackend(
        platform.host,
        authorize=platform.authorize,
        validate=validate,
        on_push=on_push,
        limits=platform.limits,
    )
    async with serve_app(backend) as platform.port:
        yield platform


@pytest.fixture
async def host(tmp_path: Path) -> EmbeddedGitHost:
    host = EmbeddedGitHost(tmp_path / "git")
    await host.ensure_repository("acme", TENANT)
    return host


@pytest.fixture
def limits() -> BridgeLimits:
    return BridgeLimits()


@pytest.fixture
async def platform(host: EmbeddedGitHost, limits: BridgeLimits) -> AsyncIterator[Platform]:
    await host.ensure_repository("umbrella", OTHER_TENANT)
    async with serve(Platform(host, limits)) as served:
        yield served


@pytest.fixture
def git(tmp_path: Path) -> GitClient:
    home = tmp_path / "home"
    home.mkdir()
    return GitClient(home)


@pytest.fixture
async def clone(git: GitClient, platform: Platform) -> Path:
    """A work tree of acme's repository."""
    await git.ok("clone", "-q", platform.url(), "acme")
    return git.home / "acme"


@pytest.fixture(params=FORGES)
async def forge(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Forge]:
    """A fake Forgejo, and a real one where the environment names it."""
    async with forge_of(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def fake_forge(tmp_path: Path) -> AsyncIterator[Forge]:
    """For faults, which a real one does not have at will."""
    async with forge_of("fake", tmp_path) as made:
        yield made
