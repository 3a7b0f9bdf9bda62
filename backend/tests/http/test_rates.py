"""Limits as callers meet them: headers, 429, and a Redis that comes and goes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crontopus_api.checkins.metering import CheckInMeter
from crontopus_api.kit.errors import TooManyRequests
from crontopus_api.kit.limits import LimitPolicies, RateLimits

from ..platform import PASSWORD, Person, Platform, running_platform
from .redis import Redis


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path)
    yield server
    server.kill()


def limit(platform: Platform, **policies: str) -> None:
    platform.services.limits.policies = LimitPolicies(**policies)


async def test_the_api_counts_per_token_and_says_what_is_left(platform: Platform, ada: Person) -> None:
    limit(platform, api="3/minute")
    answers = [await ada.api.get("/api/v1/tokens") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    last = answers[-1]
    assert last.headers["content-type"] == "application/problem+json"
    assert last.json()["code"] == "rate_limited"
    assert last.headers["ratelimit-limit"] == "3"
    assert last.headers["ratelimit-policy"] == "3;w=60"
    assert 0 < int(last.headers["retry-after"]) == int(last.headers["ratelimit-reset"]) <= 60
    grace = await platform.register("grace")
    assert (await grace.api.get("/api/v1/tokens")).status_code == 200
    made = await ada.api.get("/api/v1/jobs")
    assert made.status_code == 429  # one count for the whole API


async def test_a_wrong_token_counts_for_nobody(platform: Platform, ada: Person) -> None:
    answer = await platform.client("ctp_user_" + "0" * 36).get("/api/v1/tokens")
    assert answer.status_code == 401
    assert "ratelimit-limit" not in answer.headers


async def test_strangers_are_counted_by_address_before_their_password_is_checked(platform: Platform) -> None:
    limit(platform, auth="2/minute")
    statuses = []
    for name in ("ann", "bob", "cid"):
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        answer = await platform.client().post("/api/v1/auth/register", json=body)
        statuses.append(answer.status_code)
    assert statuses == [201, 201, 429]
    assert answer.headers["ratelimit-limit"] == "2"


async def test_who_guesses_elsewhere_does_not_lock_the_owner_out(database_url: str, tmp_path: Path) -> None:
    """Behind a proxy as well: the addresses are the clients'."""
    async with running_platform(database_url, tmp_path, trusted_proxies="127.0.0.0/8") as platform:
        await platform.register("ada")

        async def log_in(address: str, password: str) -> int:
            body = {"login": "ada", "password": password}
            headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
            answer = await platform.client().post("/api/v1/auth/login", json=body, headers=headers)
            return answer.status_code

        guesses = [await log_in("203.0.113.5", "a wrong password") for _ in range(8)]
        assert guesses == [401] * 5 + [429] * 3
        assert await log_in("198.51.100.7", PASSWORD) == 200


async def test_a_limit_can_be_off(platform: Platform, ada: Person) -> None:
    limit(platform, api="off")
    answer = await ada.api.get("/api/v1/tokens")
    assert (answer.status_code, "ratelimit-limit" in answer.headers) == (200, False)


async def test_git_says_when_to_come_again(platform: Platform, ada: Person) -> None:
    limit(platform, git="1/minute")
    path = "/git/crontopus/job-manifests-ada.git/info/refs?service=git-upload-pack"
    client = platform.client(auth=("x", ada.token))
    assert (await client.get(path)).status_code == 200
    refused = await client.get(path)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-remaining"] == "0"


async def test_a_ping_key_that_reports_too_often_is_told_so(database_url: str, tmp_path: Path) -> None:
    async with running_platform(database_url, tmp_path, check_in_limit=2) as platform:
        ada = await platform.register("ada")
        url = (await ada.put_job(schedule="every 15m"))["ping_url"]
        answers = [await platform.ping(url) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        other = (await ada.put_job("default/other", schedule="every 15m"))["ping_url"]
        assert (await platform.ping(other)).status_code == 200


async def test_check_ins_by_the_api_count_by_item(database_url: str, tmp_path: Path) -> None:
    async with running_platform(database_url, tmp_path, check_in_limit=3, api_limit="4/minute") as platform:
        ada = await platform.register("ada")
        await ada.put_job(schedule="every 15m")
        item = {"job": "default/hello", "kind": "finish"}

        async def batch() -> int:
            answer = await ada.api.post("/api/v1/check-ins/batch", json={"items": [item, item]})
            return answer.status_code

        assert [await batch() for _ in range(3)] == [200, 200, 429]
        assert (await ada.api.post("/api/v1/check-ins", json=item)).status_code == 429
        # None of these counted for the API as well.
        assert (await ada.api.get("/api/v1/jobs")).headers["ratelimit-remaining"] == "2"


async def test_the_plan_says_how_much_a_key_may_send(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job(schedule="every 15m"))["ping_url"]
    job_key = url.rsplit("/", 1)[1]
    tenant_key = (await ada.get("/ping-key"))["key"]
    api_key = f"api:{ada.tenant_id}:1"
    meter = platform.services.ingest.meter
    assert meter._find_limits is not None
    found = await meter._find_limits([job_key, tenant_key, api_key, "f" * 22, "nonsense"])
    assert set(found) == {job_key, tenant_key, api_key}
    assert all(each > 0 for each in found.values())


async def test_busy_keys_are_held_to_what_was_learned() -> None:
    async def plans(keys: list[str]) -> dict[str, int]:
        return dict.fromkeys(keys, 40)

    meter = CheckInMeter(find_limits=plans, per_minute=1000)
    for _ in range(50):
        meter.count("key")
    meter.count("quiet")
    await meter.learn()
    with pytest.raises(TooManyRequests, match="allows 40 a minute"):
        meter.count("key")
    meter.count("quiet")


async def test_processes_add_up_what_a_key_sends(redis: Redis) -> None:
    one, other = (CheckInMeter(redis.url, per_minute=100) for _ in range(2))
    try:
        one.count("key", 60)
        other.count("key", 60)
        for meter in (one, other, one, other):
            await meter.exchange()
        for meter in (one, other):
            with pytest.raises(TooManyRequests):
                meter.count("key")
        redis.kill()
        one.count("another", 60)
        await one.exchange()  # nobody hears of it, and check-ins go on
        one.count("another")
    finally:
        await one.stop()
        await other.stop()


@pytest.fixture
async def shared(database_url: str, tmp_path: Path, redis: Redis) -> AsyncIterator[Platform]:
    async with running_platform(
        database_url, tmp_path / "data", redis_url=redis.url, api_limit="100000/minute", check_in_limit=0
    ) as platform:
        platform.services.ingest.meter.start()
        yield platform
        await platform.services.ingest.meter.stop()


async def test_a_redis_that_is_killed_and_comes_back_under_load_costs_no_answer(
    shared: Platform, redis: Redis
) -> None:
    ada = await shared.register("ada")
    url = (await ada.put_job(schedule="every 15m"))["ping_url"]
    statuses: list[int] = []
    stop = asyncio.Event()

    async def load() -> None:
        while not stop.is_set():
            for answer in (await ada.api.get("/api/v1/tokens"), await shared.ping(url)):
                statuses.append(answer.status_code)

    async def more(count: int) -> None:
        until = len(statuses) + count
        while len(statuses) < until:
            await asyncio.wait(loading, timeout=0.05)
            assert not any(task.done() for task in loading)

    wrong = {"login": "ada", "password": "a wrong password"}
    loading = [asyncio.create_task(load()) for _ in range(4)]
    await more(40)
    redis.kill()
    await more(200)
    guesses = [(await shared.client().post("/api/v1/auth/login", json=wrong)).status_code for _ in range(7)]
    redis.start()
    await more(200)
    stop.set()
    await asyncio.gather(*loading)
    assert set(statuses) == {200}
    # The password is still guarded, by this process alone.
    assert guesses == [401] * 5 + [429] * 2


async def test_the_shared_count_is_used_again_when_redis_is_back(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crontopus_api.kit.limits._AWAY_SECONDS", 0)
    limits, other = RateLimits(redis.url), RateLimits(redis.url)
    redis.kill()
    await limits.take("2/minute", "x")
    redis.start()
    await limits.take("2/minute", "x")
    await other.take("2/minute", "x")
    with pytest.raises(TooManyRequests):
        await limits.take("2/minute", "x")


async def test_made_up_names_take_no_endless_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crontopus_api.kit.limits._MOST_KEPT", 100)
    limits = RateLimits()
    for number in range(1000):
        await limits.take("5/minute", "login", str(number))
    assert len(limits._own._times) == 100
