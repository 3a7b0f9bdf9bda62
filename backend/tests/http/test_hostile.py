"""Bodies that are meant to hurt, sent to a real API process: refused, with bounded memory, and others are served."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..platform import PASSWORD
from .process import ApiProcess, api_process

MIB = 1 << 20
# What such a request may add, all told, to a process of some 100 MiB.
MOST_MORE_MB = 120


@pytest.fixture(scope="module")
def api(postgres_cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    name = postgres_cluster.create()
    with api_process(postgres_cluster.url(name), tmp_path_factory.mktemp("api")) as running:
        yield running
    postgres_cluster.drop(name)


@pytest.fixture(scope="module")
def token(api: ApiProcess) -> str:
    body = {"username": "ada", "email": "ada@example.org", "password": PASSWORD, "mode": "token"}
    answer = httpx.post(f"{api.url}/api/v1/auth/register", json=body, trust_env=False)
    return str(answer.json()["token"])


def client(api: ApiProcess, token: str | None = None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=api.url, headers=headers, trust_env=False, timeout=60)


async def _endless(size: int) -> AsyncIterator[bytes]:
    """Without a Content-Length that would give it away."""
    yield b'{"items": ["'
    for _ in range(size // 65536):
        yield b"a" * 65536
    yield b'"]}'


MILLION_KEYS = json.dumps({f"k{number}": number for number in range(1_000_000)}).encode()
WIDE = b"[" + b"[]," * (5 * MIB) + b"[]]"


@pytest.mark.parametrize(
    "path", ["auth/login", "check-ins", "check-ins/batch", "jobs:apply", "jobs:import", "tokens", "nothing"]
)
async def test_a_hundred_megabytes_are_refused_in_bounded_memory(
    api: ApiProcess, token: str, path: str
) -> None:
    api.forget_peak()
    before = api.memory_mb()
    async with client(api, token) as sender:
        headers = {"Content-Type": "application/json"}
        try:
            answer = await sender.post(f"/api/v1/{path}", content=_endless(100 * MIB), headers=headers)
        except (httpx.WriteError, httpx.ReadError):
            pass  # it was answered, and then no more was read
        else:
            assert answer.status_code == 413
            assert answer.json()["code"] == "too_large"
        told = await sender.post(f"/api/v1/{path}", content=b"x" * (17 * MIB), headers=headers)
        assert told.status_code == 413
        assert (await sender.get("/api/v1/auth/me")).status_code == 200
    assert api.memory_mb("VmHWM") - before < MOST_MORE_MB


@pytest.mark.parametrize(("body", "status"), [(MILLION_KEYS, 413), (WIDE, 413), (b"[" * MIB, 413)])
async def test_json_that_would_unfold_is_refused_before_it_does(
    api: ApiProcess, token: str, body: bytes, status: int
) -> None:
    api.forget_peak()
    before = api.memory_mb()
    async with client(api, token) as sender:
        answer = await sender.post(
            "/api/v1/jobs:apply", content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == status
    assert api.memory_mb("VmHWM") - before < MOST_MORE_MB


async def test_many_large_bodies_at_once_take_no_more_than_there_is_room_for(
    api: ApiProcess, token: str
) -> None:
    api.forget_peak()
    before = api.memory_mb()
    body = b'{"a": "' + b"a" * (15 * MIB) + b'"}'

    async def send() -> int:
        async with client(api, token) as sender:
            answer = await sender.post(
                "/api/v1/jobs:apply", content=body, headers={"Content-Type": "application/json"}
            )
            return answer.status_code

    assert set(await asyncio.gather(*[send() for _ in range(16)])) <= {422, 503}
    assert api.memory_mb("VmHWM") - before < 450


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


CURSORS = [
    "",
    "=",
    "é",
    "AAAA",
    _cursor(["\0", "\0"]),
    _cursor(["x"] * 2),
    _cursor([["a"]] * 2),
    _cursor(["9" * 99] * 2),
]
DEEP = base64.urlsafe_b64encode(b"[" * 5000).decode()


@pytest.mark.parametrize("path", ["jobs", "runs", "incidents", "endpoints", "instances"])
async def test_no_cursor_is_too_strange(api: ApiProcess, token: str, path: str) -> None:
    async with client(api, token) as sender:
        for cursor in [*CURSORS, DEEP]:
            for more in ({}, {"limit": "99999999999999999999"}):
                answer = await sender.get(f"/api/v1/{path}", params={"cursor": cursor, **more})
                assert answer.status_code < 500, (path, cursor[:20], answer.text)


@pytest.mark.parametrize(
    "credentials", [b"Basic \xff\xfe", b"Basic %%%", b"Bearer \xff", b"Basic " + b"A" * 5000]
)
async def test_no_credentials_are_too_strange(api: ApiProcess, credentials: bytes) -> None:
    async with client(api) as sender:
        for path in (
            "/api/v1/jobs",
            "/git/crontopus/job-manifests-ada.git/info/refs?service=git-upload-pack",
        ):
            answer = await sender.get(path, headers=[(b"Authorization", credentials)])
            assert answer.status_code in {401, 404}, path


def test_nothing_of_this_was_an_error_of_ours(api: ApiProcess, tmp_path: Path) -> None:
    assert "request_failed" not in api.log.read_text()
    assert "Traceback" not in api.log.read_text()
