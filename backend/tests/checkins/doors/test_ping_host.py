"""On a host of its own the protocol works without the `/ping` prefix, as on hc-ping.com."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ...platform import Person, Platform, running_platform
from .senders import runs, tenant_key


@pytest.fixture
async def platform(database_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database_url, tmp_path / "data", ping_host="ping.crontopus.test") as running:
        yield running


async def _get(platform: Platform, path: str, host: str) -> tuple[int, str]:
    answer = await platform.client().get(path, headers={"Host": host})
    return answer.status_code, answer.text


@pytest.mark.parametrize("host", ["ping.crontopus.test", "PING.crontopus.test", "ping.crontopus.test:8443"])
@pytest.mark.parametrize("prefix", ["", "/ping"])
async def test_with_and_without_the_prefix(platform: Platform, ada: Person, host: str, prefix: str) -> None:
    job_key = (await ada.put_job())["ping_url"].rsplit("/", 1)[1]
    key = await tenant_key(ada)
    for path in (f"/{job_key}/start", f"/{job_key}", f"/{key}/hello/7"):
        assert await _get(platform, prefix + path, host) == (200, "OK")
    assert [run["exit_code"] for run in await runs(ada)] == [7, None]


async def test_nothing_but_pings_and_health_is_on_the_ping_host(platform: Platform, ada: Person) -> None:
    host = "ping.crontopus.test"
    assert (await _get(platform, "/healthz", host))[0] == 200
    for path in ("/", "/api/v1/jobs", "/git/crontopus/job-manifests-ada.git/info/refs"):
        assert await _get(platform, path, host) == (400, "invalid url format")


async def test_other_hosts_want_the_prefix(platform: Platform, ada: Person) -> None:
    job_key = (await ada.put_job())["ping_url"].rsplit("/", 1)[1]
    await _get(platform, f"/{job_key}", "crontopus.test")  # the console's, if it is built
    assert await runs(ada) == []
    assert await _get(platform, f"/ping/{job_key}", "crontopus.test") == (200, "OK")
    assert len(await runs(ada)) == 1
