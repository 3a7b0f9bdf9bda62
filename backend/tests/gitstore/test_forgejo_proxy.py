"""`/git` in Forgejo mode, as a real `git` client and a hostile one see it."""

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator
from random import Random

import httpx
import pytest

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.embedded.cgi import Action, Credentials
from crontopus_api.gitstore.embedded.push import GitCaller
from crontopus_api.gitstore.errors import AuthenticationRequired, PermissionDenied, RepositoryHidden
from crontopus_api.gitstore.forgejo.host import ForgejoGitHost
from crontopus_api.gitstore.forgejo.proxy import ForgejoGitHttp, ProxyLimits

from .conftest import TENANT, GitClient, serve_app
from .fake_forgejo import FakeForgejo, Fault
from .forges import Forge

ANN = Author("Ann", "ann@example.org")
BASE = "/git/crontopus/job-manifests-acme.git"
BASIC = {"Authorization": "Basic " + base64.b64encode(b"anyone:t-acme").decode()}
ADVERTISED = f"{BASE}/info/refs?service=git-upload-pack"
LS_REFS = b"0014command=ls-refs\n0001000csymrefs\n0000"
POSTED = {"Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2"}


async def authorize(credentials: Credentials | None, slug: str, action: Action) -> GitCaller:
    assert action == "read"
    if credentials is None or credentials.password not in {"t-acme", "x-acme"}:
        raise AuthenticationRequired
    if slug != "acme":
        raise RepositoryHidden
    if credentials.password == "x-acme":
        raise PermissionDenied("this token lacks the scope jobs:read")
    return GitCaller(subject=credentials.password)


class Proxy:
    def __init__(self, forge: Forge, host: ForgejoGitHost, port: int) -> None:
        self.forge = forge
        self.host = host
        self.port = port

    def url(self, token: str | None = "t-acme", slug: str = "acme") -> str:
        user = f"anyone:{token}@" if token else ""
        return f"http://{user}127.0.0.1:{self.port}/git/crontopus/job-manifests-{slug}.git"

    def web(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=30)


@pytest.fixture
def limits() -> ProxyLimits:
    return ProxyLimits()


async def proxy_to(forge: Forge, limits: ProxyLimits) -> AsyncIterator[Proxy]:
    host = forge.host(public_url="https://forge.example.org")
    await host.ensure_repository("acme", TENANT)
    async with serve_app(ForgejoGitHttp(host.client, authorize=authorize, limits=limits)) as port:
        yield Proxy(forge, host, port)


@pytest.fixture
async def proxy(forge: Forge, limits: ProxyLimits) -> AsyncIterator[Proxy]:
    async for made in proxy_to(forge, limits):
        yield made


@pytest.fixture
async def fake_proxy(fake_forge: Forge, limits: ProxyLimits) -> AsyncIterator[Proxy]:
    async for made in proxy_to(fake_forge, limits):
        yield made


@pytest.fixture
def fake(fake_proxy: Proxy) -> FakeForgejo:
    assert fake_proxy.forge.fake is not None
    return fake_proxy.forge.fake


async def test_clones_of_every_kind(proxy: Proxy, git: GitClient) -> None:
    for n in range(3):
        edits = {"default/a.yaml": b"%d" % n}
        result = await proxy.host.commit("acme", author=ANN, message="m", edits=edits)
    await git.ok("clone", "-q", proxy.url(), "work")
    assert (git.home / "work/default/a.yaml").read_bytes() == b"2"
    assert await git.ok("rev-parse", "HEAD", cwd=git.home / "work") == result.commit
    await git.ok("clone", "-q", "--depth=1", proxy.url(), "shallow")
    assert await git.ok("rev-list", "--count", "HEAD", cwd=git.home / "shallow") == "1"
    await git.ok("fetch", "-q", "--deepen=2", cwd=git.home / "shallow")
    assert await git.ok("rev-list", "--count", "HEAD", cwd=git.home / "shallow") == "3"
    await git.ok("clone", "-q", "--filter=blob:none", "--no-checkout", proxy.url(), "partial")
    await git.ok("-c", "protocol.version=0", "clone", "-q", proxy.url(), "old")
    assert await git.ok("rev-list", "--count", "HEAD", cwd=git.home / "old") == "4"
    # Many references to have in common make git compress its request.
    for n in range(40):
        await git.ok("commit", "-q", "--allow-empty", "-m", f"{n}", cwd=git.home / "work")
    await proxy.host.commit("acme", author=ANN, message="m", edits={"default/b.yaml": b"b"})
    await git.ok("fetch", "-q", cwd=git.home / "work")


async def test_pushing_is_sent_to_forgejo(proxy: Proxy, git: GitClient) -> None:
    await git.ok("clone", "-q", proxy.url(), "work")
    head = await proxy.host.head("acme")
    await git.ok("commit", "-q", "--allow-empty", "-m", "m", cwd=git.home / "work")
    done = await git("push", "origin", "main", cwd=git.home / "work")
    assert done.code == 128
    address = f"https://forge.example.org/{proxy.forge.organization}/job-manifests-acme.git"
    assert (
        f"remote: this repository is kept on Forgejo: push to {address} with your account there" in done.err
    )
    async with proxy.web() as web:
        direct = await web.post(f"{BASE}/git-receive-pack", content=b"0000", headers=BASIC)
        stranger = await web.post(f"{BASE}/git-receive-pack", content=b"0000")
    assert (direct.status_code, stranger.status_code) == (403, 401)
    assert await proxy.host.head("acme") == head


async def test_who_may_not(proxy: Proxy, git: GitClient) -> None:
    async with proxy.web() as web:
        nobody = await web.get(ADVERTISED)
        assert nobody.status_code == 401
        assert nobody.headers["www-authenticate"] == 'Basic realm="Crontopus"'
        other = await web.get(ADVERTISED.replace("acme", "umbrella"), headers=BASIC)
        assert other.status_code == 404
        # Not there for Forgejo, and not to be told from one that is not theirs.
        await proxy.host.delete_repository("acme")
        gone = await web.get(ADVERTISED, headers=BASIC)
        assert (gone.status_code, gone.text) == (other.status_code, other.text)
    scoped = await git("clone", proxy.url("x-acme"), "work")
    assert "jobs:read" in scoped.err


async def test_only_the_three_requests_of_smart_http_exist(proxy: Proxy) -> None:
    async with proxy.web() as web:
        for method, path in (
            ("GET", f"{BASE}/info/refs"),
            ("GET", f"{BASE}/info/refs?service=git-upload-archive"),
            ("GET", f"{BASE}/info/refs?service=git-upload-pack&x=1"),
            ("GET", f"{BASE}/HEAD"),
            ("GET", f"{BASE}/objects/info/packs"),
            ("PUT", f"{BASE}/git-upload-pack"),
            ("GET", "/git/crontopus/job-manifests-acme.git/../../api/v1/user"),
            ("GET", "/git/api/v1/version"),
            ("GET", "/git/webhook/acme"),
        ):
            answer = await web.request(method, path, headers=BASIC)
            assert answer.status_code == 404, path


async def test_protocol_and_gzip_get_through(proxy: Proxy) -> None:
    async with proxy.web() as web:
        new = await web.get(ADVERTISED, headers=BASIC | {"Git-Protocol": "version=2"})
        assert b"version 2" in new.content
        assert new.headers["content-type"] == "application/x-git-upload-pack-advertisement"
        assert new.headers["cache-control"].startswith("no-cache")
        old = await web.get(ADVERTISED, headers=BASIC | {"Git-Protocol": "version=2; x"})
        assert b"version 2" not in old.content
        plain = await web.post(f"{BASE}/git-upload-pack", content=LS_REFS, headers=BASIC | POSTED)
        headers = BASIC | POSTED | {"Content-Encoding": "gzip"}
        zipped = await web.post(f"{BASE}/git-upload-pack", content=gzip.compress(LS_REFS), headers=headers)
    assert b"HEAD symref-target:refs/heads/main" in plain.content
    assert zipped.content == plain.content


async def test_nothing_of_forgejos_comes_out(proxy: Proxy) -> None:
    """Neither the token nor a header that Forgejo sets; and nothing of the caller's gets in."""
    async with proxy.web() as web:
        headers = BASIC | {"Cookie": "i_like_gitea=x", "X-Forwarded-User": "root", "Sudo": "root"}
        answer = await web.get(ADVERTISED, headers=headers)
    assert answer.status_code == 200
    assert set(answer.headers) - {"date", "server", "transfer-encoding"} == {"content-type", "cache-control"}
    shown = str(answer.headers) + answer.text
    assert proxy.forge.token not in shown
    assert "forgejo" not in str(answer.headers).lower()


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [
        (Fault("upload-pack", 500), 503, "5"),
        (Fault("upload-pack", 429, {"Retry-After": "9"}), 503, "9"),
        (Fault("upload-pack", 403), 503, "30"),
        (Fault("upload-pack", 301, {"Location": "http://127.0.0.1:9/"}), 503, "30"),
        (Fault("upload-pack", 404), 404, None),
        (Fault("upload-pack", 200, {"Content-Type": "text/html"}), 502, None),
    ],
)
async def test_when_forgejo_does_not_answer_as_it_should(
    fake_proxy: Proxy, fake: FakeForgejo, fault: Fault, status: int, retry_after: str | None
) -> None:
    fake.faults = [fault]
    async with fake_proxy.web() as web:
        answer = await web.get(ADVERTISED, headers=BASIC)
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry_after)
    assert "a fault" not in answer.text


async def test_when_forgejo_is_down(fake_proxy: Proxy, fake: FakeForgejo, git: GitClient) -> None:
    await fake.stop()
    done = await git("clone", fake_proxy.url(), "work")
    assert "the Git host cannot answer now" in done.err
    await fake.start()
    await git.ok("clone", "-q", fake_proxy.url(), "work")


class TestSmall:
    @pytest.fixture
    def limits(self) -> ProxyLimits:
        return ProxyLimits(
            max_requests=2,
            queue_seconds=0.1,
            total_seconds=5.0,
            idle_seconds=0.5,
            max_body=1000,
            max_answer=3000,
        )

    async def test_a_large_request(self, fake_proxy: Proxy) -> None:
        async with fake_proxy.web() as web:
            known = await web.post(f"{BASE}/git-upload-pack", content=b"x" * 1001, headers=BASIC)

            async def pieces() -> AsyncIterator[bytes]:
                for _ in range(20):
                    yield b"x" * 100

            unknown = await web.post(f"{BASE}/git-upload-pack", content=pieces(), headers=BASIC)
        assert (known.status_code, unknown.status_code) == (413, 413)

    async def test_a_request_that_stops(self, fake_proxy: Proxy) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", fake_proxy.port)
        head = (
            f"POST {BASE}/git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC['Authorization']}\r\n"
        )
        writer.write(f"{head}Content-Length: 500\r\n\r\nabc".encode())
        assert b"408" in await reader.readline()
        writer.close()

    async def test_a_large_answer_is_cut(self, fake_proxy: Proxy, git: GitClient) -> None:
        edits: dict[str, bytes | None] = {"default/big.yaml": Random(1).randbytes(9000)}
        await fake_proxy.host.commit("acme", author=ANN, message="m", edits=edits)
        done = await git("clone", "-q", fake_proxy.url(), "work")
        assert done.code == 128

    async def test_more_at_once_than_there_are_places(self, fake_proxy: Proxy, fake: FakeForgejo) -> None:
        """One repository has half of the places."""
        waiting = Fault("upload-pack", release=asyncio.Event(), times=1)
        fake.faults = [waiting]
        async with fake_proxy.web() as web:
            first = asyncio.ensure_future(web.get(ADVERTISED, headers=BASIC))
            await waiting.reached.wait()
            second = await web.get(ADVERTISED, headers=BASIC)
            assert (second.status_code, second.headers["retry-after"]) == (503, "5")
            assert waiting.release is not None
            waiting.release.set()
            assert (await first).status_code in {200, 503}  # the latter if the machine was slow
            assert (await web.get(ADVERTISED, headers=BASIC)).status_code == 200


class TestFew:
    @pytest.fixture
    def limits(self) -> ProxyLimits:
        return ProxyLimits(max_requests=2, queue_seconds=0.1)

    async def test_a_client_that_leaves_gives_its_place_back(
        self, fake_proxy: Proxy, fake: FakeForgejo
    ) -> None:
        waiting = Fault("upload-pack", release=asyncio.Event(), times=1)
        fake.faults = [waiting]
        _, writer = await asyncio.open_connection("127.0.0.1", fake_proxy.port)
        head = f"GET {ADVERTISED} HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC['Authorization']}\r\n\r\n"
        writer.write(head.encode())
        await waiting.reached.wait()
        writer.close()
        async with fake_proxy.web() as web, asyncio.timeout(10):
            while (await web.get(ADVERTISED, headers=BASIC)).status_code == 503:
                pass
        assert waiting.release is not None
        waiting.release.set()
