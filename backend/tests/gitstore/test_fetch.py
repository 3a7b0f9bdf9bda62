"""The bridge as a real `git` client and a hostile one see it, fetching."""

import asyncio
import base64
import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.embedded.limits import BridgeLimits
from crontopus_api.gitstore.embedded.process import BackendProcess

from .conftest import GitClient, Platform

ANN = Author("Ann", "ann@example.org")
BASIC = {"Authorization": "Basic " + base64.b64encode(b"x:t-acme").decode()}
BASE = "/git/crontopus/job-manifests-acme.git"


@pytest.fixture
async def web(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{platform.port}", trust_env=False, timeout=30
    ) as client:
        yield client


class Children:
    """Every git process the bridge starts, with events for its beginning and end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started: asyncio.Queue[int] = asyncio.Queue()
        self.ended: asyncio.Queue[int] = asyncio.Queue()
        start, end = BackendProcess.start, BackendProcess.end

        async def spied_start(*arguments: object) -> BackendProcess:
            process = await start(*arguments)  # type: ignore[arg-type]
            self.started.put_nowait(process.pid)
            return process

        async def spied_end(process: BackendProcess) -> None:
            await end(process)
            self.ended.put_nowait(process.pid)

        monkeypatch.setattr(BackendProcess, "start", spied_start)
        monkeypatch.setattr(BackendProcess, "end", spied_end)


def living(group: int) -> list[str]:
    """The processes of a group that are not zombies, which only await their parent."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().rsplit(")", 1)
        except FileNotFoundError:  # ended while we looked
            continue
        state, _, pgrp, *_ = rest.split()
        if int(pgrp) == group and state != "Z":
            found.append(name)
    return found


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    return Children(monkeypatch)


async def test_clone_shows_what_was_committed(platform: Platform, git: GitClient) -> None:
    result = await platform.host.commit("acme", author=ANN, message="Add", edits={"default/a.yaml": b"a\n"})
    await git.ok("clone", "-q", platform.url(), "work")
    work = git.home / "work"
    assert (work / "default/a.yaml").read_bytes() == b"a\n"
    assert await git.ok("rev-parse", "HEAD", cwd=work) == result.commit
    assert await git.ok("branch", "--show-current", cwd=work) == "main"
    assert await git.ok("log", "-1", "--format=%an %ae/%cn", cwd=work) == "Ann ann@example.org/Crontopus"


async def test_shallow_partial_and_old_protocol_clones(platform: Platform, git: GitClient) -> None:
    for n in range(5):
        await platform.host.commit("acme", author=ANN, message="m", edits={"default/a.yaml": b"%d" % n})
    await git.ok("clone", "-q", "--depth=1", platform.url(), "shallow")
    assert await git.ok("rev-list", "--count", "HEAD", cwd=git.home / "shallow") == "1"
    await git.ok("fetch", "-q", "--deepen=2", cwd=git.home / "shallow")
    assert await git.ok("rev-list", "--count", "HEAD", cwd=git.home / "shallow") == "3"
    await git.ok("clone", "-q", "--filter=blob:none", "--no-checkout", platform.url(), "partial")
    missing = await git.ok("rev-list", "--objects", "--missing=print", "HEAD", cwd=git.home / "partial")
    assert missing.count("?") > 5
    assert await git.ok("show", "HEAD~2:default/a.yaml", cwd=git.home / "partial") == "2"
    await git.ok("-c", "protocol.version=0", "clone", "-q", platform.url(), "old")
    assert await git.ok("rev-list", "--count", "HEAD", cwd=git.home / "old") == "6"


async def test_protocol_version_2_is_spoken(web: httpx.AsyncClient) -> None:
    address = f"{BASE}/info/refs?service=git-upload-pack"
    answer = await web.get(address, headers=BASIC | {"Git-Protocol": "version=2"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-git-upload-pack-advertisement"
    assert answer.headers["cache-control"].startswith("no-cache")
    assert b"version 2" in answer.content
    old = await web.get(address, headers=BASIC | {"Git-Protocol": "version=2; touch /tmp/x"})
    assert b"version 2" not in old.content


async def test_a_gzipped_request_is_understood(web: httpx.AsyncClient) -> None:
    body = b"0014command=ls-refs\n0001000csymrefs\n0000"
    headers = BASIC | {
        "Git-Protocol": "version=2",
        "Content-Encoding": "gzip",
        "Content-Type": "application/x-git-upload-pack-request",
    }
    answer = await web.post(f"{BASE}/git-upload-pack", content=gzip.compress(body), headers=headers)
    assert b"HEAD symref-target:refs/heads/main" in answer.content


async def test_twenty_clones_at_once(platform: Platform, git: GitClient) -> None:
    edits = {f"n/j{n}.yaml": b"x" * 500 for n in range(200)}
    head = (await platform.host.commit("acme", author=ANN, message="m", edits=edits)).commit
    await asyncio.gather(*(git.ok("clone", "-q", platform.url(), f"c{n}") for n in range(20)))
    heads = [await git.ok("rev-parse", "HEAD", cwd=git.home / f"c{n}") for n in range(20)]
    assert heads == [head] * 20


async def test_wrong_credentials(platform: Platform, git: GitClient, web: httpx.AsyncClient) -> None:
    wrong = await git("clone", platform.url(token="wrong"))
    assert wrong.code == 128
    assert "Authentication failed" in wrong.err
    for headers in ({}, {"Authorization": "Basic !!!"}, {"Authorization": "Basic " + "eDp5"}):
        answer = await web.get(f"{BASE}/info/refs?service=git-upload-pack", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Basic realm="Crontopus"'
    bearer = {"Authorization": "Bearer t-acme"}
    assert (await web.get(f"{BASE}/info/refs?service=git-upload-pack", headers=bearer)).status_code == 200


async def test_another_tenants_repository_does_not_exist(platform: Platform, git: GitClient) -> None:
    other = await git("clone", platform.url(token="t-umbrella", slug="acme"))
    never = await git("clone", platform.url(token="t-umbrella", slug="never"))
    assert other.code == never.code == 128
    assert "not found" in other.err
    assert other.err.replace("acme", "never") == never.err
    own = await git("clone", platform.url(token="t-umbrella", slug="umbrella"))
    assert own.code == 0


async def test_an_authorised_slug_without_repository_is_404(
    platform: Platform, web: httpx.AsyncClient
) -> None:
    await platform.host.delete_repository("acme")
    answer = await web.get(f"{BASE}/info/refs?service=git-upload-pack", headers=BASIC)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        f"{BASE}/HEAD",
        f"{BASE}/config",
        f"{BASE}/objects/info/packs",
        f"{BASE}/info/refs",
        f"{BASE}/info/refs?service=git-upload-archive",
        f"{BASE}/info/refs?service=git-upload-pack&service=git-receive-pack",
        f"{BASE}/info/refs?service=git-upload-pack&x=y",
        f"{BASE}/git-upload-pack",
        f"{BASE}/../job-manifests-umbrella.git/info/refs?service=git-upload-pack",
        f"{BASE}/%2e%2e/job-manifests-umbrella.git/info/refs?service=git-upload-pack",
        f"{BASE}%2f..%2fjob-manifests-umbrella.git/info/refs?service=git-upload-pack",
        f"{BASE}/info/refs%00?service=git-upload-pack",
        f"{BASE}/info/refs%0a?service=git-upload-pack",
        f"/git/crontopus/../crontopus/{BASE.rsplit('/', 1)[1]}/info/refs?service=git-upload-pack",
        f"//etc{BASE}/info/refs?service=git-upload-pack",
        f"/git{BASE}/info/refs?service=git-upload-pack",
        "/git/crontopus/job-manifests-ACME.git/info/refs?service=git-upload-pack",
        "/git/crontopus/hooks/info/refs?service=git-upload-pack",
        "/git/crontopus/",
        "/",
    ],
)
async def test_nothing_else_exists(platform: Platform, children: Children, address: str) -> None:
    """Sent raw: an HTTP library would tidy the path up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", platform.port)
    lines = [f"GET {address} HTTP/1.1", "Host: x", f"Authorization: {BASIC['Authorization']}"]
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert children.started.empty()


@given(
    path=st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    *[
                        "/git",
                        "/crontopus",
                        "/job-manifests-",
                        "acme",
                        ".git",
                        "/info/refs",
                        "/git-receive-pack",
                        "%2f",
                    ],
                    *"./\0\n-Aé",
                ]
            ),
            max_size=10,
        ).map("".join),
    ),
    query=st.binary(max_size=40) | st.just(b"service=git-upload-pack"),
    headers=st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=40)), max_size=4),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_request_is_one_of_three_or_nothing(
    tmp_path: Path, path: str, query: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    from crontopus_api.gitstore.embedded.cgi import environment, parse_request

    for method in ("GET", "POST"):
        scope = {"method": method, "path": path, "query_string": query, "headers": headers}
        request = parse_request(scope)
        if request is None:
            continue
        repository = tmp_path / f"job-manifests-{request.slug}.git"
        env = environment(request, repository, tmp_path, "subject", 1)
        assert env["PATH_INFO"] in {
            f"/{repository.name}/{end}" for end in ("info/refs", "git-upload-pack", "git-receive-pack")
        }
        assert (repository / "x").resolve().is_relative_to(tmp_path)
        assert request.credentials is None or request.credentials.password is not None


async def test_a_client_that_leaves_takes_its_processes_with_it(
    platform: Platform, children: Children
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", platform.port)
    head = [f"POST {BASE}/git-receive-pack HTTP/1.1", "Host: x", "Content-Length: 100000"]
    head += ["Content-Type: application/x-git-receive-pack-request"]
    head += [f"Authorization: {BASIC['Authorization']}", "", ""]
    writer.write("\r\n".join(head).encode() + b"00")
    async with asyncio.timeout(20):
        pid = await children.started.get()
        assert living(pid)
        writer.close()
        assert await children.ended.get() == pid
    assert living(pid) == []


async def test_a_client_that_leaves_while_the_answer_comes(
    platform: Platform, children: Children, host: EmbeddedGitHost
) -> None:
    noise = {f"n/{n}": os.urandom(500_000) for n in range(40)}
    head = (await host.commit("acme", author=ANN, message="m", edits=noise)).commit
    reader, writer = await asyncio.open_connection("127.0.0.1", platform.port)
    want = f"want {head}\n"
    body = f"0011command=fetch0001{len(want) + 4:04x}{want}0009done\n0000"
    lines = [f"POST {BASE}/git-upload-pack HTTP/1.1", "Host: x", "Git-Protocol: version=2"]
    lines += ["Content-Type: application/x-git-upload-pack-request", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: {BASIC['Authorization']}", "", body]
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(20):
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        pid = await children.started.get()
        writer.transport.abort()
        assert await children.ended.get() == pid
    assert living(pid) == []


class TestSmallLimits:
    @pytest.fixture
    def limits(self) -> BridgeLimits:
        return BridgeLimits(
            max_processes=1, queue_seconds=0.2, idle_seconds=0.3, total_seconds=5, max_push_body=5000
        )

    async def test_a_body_said_to_be_too_large(self, web: httpx.AsyncClient, children: Children) -> None:
        answer = await web.post(f"{BASE}/git-receive-pack", content=b"x" * 5001, headers=BASIC)
        assert answer.status_code == 413
        assert children.started.empty()

    async def test_a_body_found_to_be_too_large(self, web: httpx.AsyncClient, children: Children) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"fff0"  # a line of 65 kB: git waits for the rest of it
            for _ in range(20):
                yield b"0" * 1000

        answer = await web.post(f"{BASE}/git-receive-pack", content=chunks(), headers=BASIC)
        assert answer.status_code == 413
        assert await children.ended.get() == await children.started.get()

    async def test_a_body_that_stops_coming_and_a_queue_that_does_not_move(
        self, platform: Platform, web: httpx.AsyncClient, children: Children
    ) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", platform.port)
        head = f"POST {BASE}/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
        writer.write(f"{head}Authorization: {BASIC['Authorization']}\r\n\r\n00".encode())
        async with asyncio.timeout(20):
            await children.started.get()
            busy = await web.get(f"{BASE}/info/refs?service=git-upload-pack", headers=BASIC)
            assert busy.status_code == 503
            assert int(busy.headers["retry-after"]) > 0
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        free = await web.get(f"{BASE}/info/refs?service=git-upload-pack", headers=BASIC)
        assert free.status_code == 200


class TestShortTime:
    @pytest.fixture
    def limits(self) -> BridgeLimits:
        return BridgeLimits(total_seconds=0.3)

    async def test_a_request_that_takes_too_long(self, platform: Platform, children: Children) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", platform.port)
        head = f"POST {BASE}/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
        writer.write(f"{head}Authorization: {BASIC['Authorization']}\r\n\r\n00".encode())
        async with asyncio.timeout(20):
            assert (await reader.readline()).startswith(b"HTTP/1.1 503")
            assert await children.ended.get() == await children.started.get()
        writer.close()
