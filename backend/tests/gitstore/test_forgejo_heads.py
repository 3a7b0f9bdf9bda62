"""Asking where many mains are: how little of it reaches Forgejo, and that nothing is missed."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.errors import GitUnavailable
from crontopus_api.gitstore.forgejo import heads as heads_module
from crontopus_api.gitstore.forgejo.host import ForgejoGitHost

from .fake_forgejo import FakeForgejo, Fault
from .forges import Forge

ANN = Author("Ann", "ann@example.org")
SLUGS = [f"team-{n}" for n in range(6)]


class Clock:
    """A Forgejo whose time goes by a minute with every look."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@pytest.fixture
async def fake(fake_forge: Forge) -> FakeForgejo:
    assert fake_forge.fake is not None
    fake_forge.fake.clock = Clock()
    return fake_forge.fake


@pytest.fixture
async def writer(fake_forge: Forge, fake: FakeForgejo) -> ForgejoGitHost:
    host = fake_forge.host("writer")
    for slug in SLUGS:
        await host.ensure_repository(slug, uuid4())
        await fake.settled()
    return host


async def put(fake: FakeForgejo, host: ForgejoGitHost, slug: str) -> str:
    result = await host.commit(slug, author=ANN, message="m", edits={"a.yaml": uuid4().bytes})
    await fake.settled()
    return result.commit


def asked(fake: FakeForgejo) -> tuple[int, set[str]]:
    """How many requests there were since last asked, and which repositories were looked up."""
    requests, fake.requests = fake.requests, []
    looked = {r.split("job-manifests-")[1].split(".git")[0] for r in requests if "git-upload-pack" in r}
    return len(requests), looked


async def test_a_quiet_round_is_one_search_and_the_newest(
    fake_forge: Forge, fake: FakeForgejo, writer: ForgejoGitHost
) -> None:
    watcher = fake_forge.host("watcher")
    first = await watcher.heads(SLUGS)
    assert first == {slug: await writer.head(slug) for slug in SLUGS}
    asked(fake)
    assert await watcher.heads(SLUGS) == first
    assert asked(fake) == (2, {SLUGS[-1]})


async def test_what_was_pushed_is_looked_up(
    fake_forge: Forge, fake: FakeForgejo, writer: ForgejoGitHost
) -> None:
    watcher = fake_forge.host("watcher")
    first = await watcher.heads(SLUGS)
    new = {slug: await put(fake, writer, slug) for slug in (SLUGS[0], SLUGS[3])}
    asked(fake)
    assert await watcher.heads(SLUGS) == first | new
    # The newest of before is among them: it is within the margin.
    assert asked(fake)[1] == {SLUGS[0], SLUGS[3], SLUGS[-1]}


async def test_more_than_a_page_was_pushed(
    fake_forge: Forge, fake: FakeForgejo, writer: ForgejoGitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crontopus_api.gitstore.forgejo.client._PAGE", 2)
    watcher = fake_forge.host("watcher")
    first = await watcher.heads(SLUGS)
    new = {slug: await put(fake, writer, slug) for slug in SLUGS[:5]}
    assert await watcher.heads(SLUGS) == first | new


async def test_a_round_that_failed_is_repeated(
    fake_forge: Forge, fake: FakeForgejo, writer: ForgejoGitHost
) -> None:
    watcher = fake_forge.host("watcher")
    first = await watcher.heads(SLUGS)
    new = {slug: await put(fake, writer, slug) for slug in SLUGS[:2]}
    fake.faults = [Fault("team-0.*git-upload-pack", 500)]
    with pytest.raises(GitUnavailable):
        await watcher.heads(SLUGS)
    fake.faults = []
    await put(fake, writer, SLUGS[4])
    new[SLUGS[4]] = str(await writer.head(SLUGS[4]))
    assert await watcher.heads(SLUGS) == first | new


async def test_what_the_list_does_not_say_is_found_in_the_end(
    fake_forge: Forge, fake: FakeForgejo, writer: ForgejoGitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = fake_forge.host("watcher")
    first = await watcher.heads(SLUGS)
    new = await put(fake, writer, SLUGS[0])
    repo = fake.repos[fake_forge.organization, f"job-manifests-{SLUGS[0]}"]
    repo.updated = repo.created
    assert await watcher.heads(SLUGS) == first
    monkeypatch.setattr(heads_module, "FULL_SECONDS", 0.0)
    assert await watcher.heads(SLUGS) == first | {SLUGS[0]: new}


async def test_an_organisation_that_is_not_there_yet(fake_forge: Forge, fake: FakeForgejo) -> None:
    watcher = fake_forge.host("watcher")
    assert await watcher.heads(["acme"]) == {}
    await fake_forge.host("writer").ensure_repository("acme", uuid4())
    assert await watcher.heads(["acme"]) == {"acme": await watcher.head("acme")}
