"""What the Forgejo host must do beyond the suite of all hosts: several processes, lost caches, pushes by others."""

import asyncio
import logging
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.errors import (
    HistoryRewound,
    ObjectMissing,
    RepositoryForeign,
    RepositoryMissing,
    StaleBlob,
)
from crontopus_api.gitstore.forgejo.config import ForgejoConfig
from crontopus_api.gitstore.forgejo.host import ForgejoGitHost

from .conftest import OTHER_TENANT, TENANT, GitClient
from .forges import Forge

ANN = Author("Ann", "ann@example.org")
WEBHOOKS: dict[str, Any] = {"webhook_url": "http://127.0.0.1:9/git/webhook", "webhook_key": b"k" * 32}


async def put(host: ForgejoGitHost, path: str, data: bytes, **expect: str | None) -> str:
    result = await host.commit("acme", author=ANN, message=f"Set {path}", edits={path: data})
    return result.commit


async def work_tree(git: GitClient, forge: Forge) -> Path:
    await git.ok("clone", "-q", forge.address(), "work")
    return git.home / "work"


async def push_file(git: GitClient, work: Path, path: str, text: str, *arguments: str) -> str:
    (work / path).parent.mkdir(parents=True, exist_ok=True)
    (work / path).write_text(text)
    await git.ok("add", "-A", cwd=work)
    await git.ok("commit", "-q", "-m", f"push {path}", cwd=work)
    await git.ok("push", "-q", *(arguments or ["origin", "main"]), cwd=work)
    return await git.ok("rev-parse", "HEAD", cwd=work)


def objects_in(directory: Path) -> list[Path]:
    return [path for path in (directory / "objects").rglob("*") if path.is_file()]


async def test_the_repository_is_private_and_says_what_happens_to_invalid_files(forge: Forge) -> None:
    host = forge.host()
    await host.ensure_repository("acme", TENANT)
    shown = (await forge.api("GET", f"repos/{forge.organization}/job-manifests-acme")).json()
    assert (shown["private"], shown["default_branch"]) == (True, "main")
    head = await host.head("acme")
    assert head is not None
    assert b"leaves its job as it was" in await host.read_file("acme", head, "README.md")


async def test_what_others_push_is_seen_at_once(forge: Forge, git: GitClient) -> None:
    host = forge.host()
    await host.ensure_repository("acme", TENANT)
    old = await host.head("acme")
    new = await push_file(git, await work_tree(git, forge), "default/pushed.yaml", "1\n")
    assert await host.head("acme") == new
    assert [change.path for change in await host.changes("acme", old, new)] == ["default/pushed.yaml"]
    assert [commit.id for commit in await host.history("acme", limit=1)] == [new]
    with pytest.raises(StaleBlob):
        await host.commit(
            "acme",
            author=ANN,
            message="m",
            edits={"default/pushed.yaml": b"2"},
            expect={"default/pushed.yaml": None},
        )
    result = await host.commit("acme", author=ANN, message="m", edits={"default/b.yaml": b"b"})
    assert result.parent == new


async def test_processes_with_caches_of_their_own_lose_nothing(forge: Forge) -> None:
    hosts = [forge.host(f"cache{n}") for n in range(3)]
    await asyncio.gather(*(host.ensure_repository("acme", TENANT) for host in hosts))
    assert len(await hosts[0].history("acme")) == 1
    results = await asyncio.gather(
        *(put(host, f"p{n}/j{m}.yaml", b"x") for n, host in enumerate(hosts) for m in range(4))
    )
    head = await hosts[1].head("acme")
    assert head is not None
    names = {entry.path for entry in await hosts[2].list_files("acme", head)}
    assert {f"p{n}/j{m}.yaml" for n in range(3) for m in range(4)} <= names
    assert len(await hosts[0].history("acme")) == 13
    for commit in results:
        assert await hosts[1].is_ancestor("acme", commit, head)


async def test_processes_that_share_a_cache_lose_nothing(forge: Forge) -> None:
    hosts = [forge.host("shared") for _ in range(3)]
    await asyncio.gather(*(host.ensure_repository("acme", TENANT) for host in hosts))
    await asyncio.gather(*(put(host, f"p{n}/j.yaml", b"x") for n, host in enumerate(hosts)))
    assert len(await hosts[0].history("acme")) == 4


async def test_one_winner_among_processes(forge: Forge) -> None:
    hosts = [forge.host(f"cache{n}") for n in range(4)]
    await hosts[0].ensure_repository("acme", TENANT)
    results = await asyncio.gather(
        *(
            host.commit("acme", author=ANN, message="m", edits={"a.yaml": b"%d" % n}, expect={"a.yaml": None})
            for n, host in enumerate(hosts)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, StaleBlob) for result in results) == 3
    assert sum(not isinstance(result, BaseException) for result in results) == 1


async def test_a_lost_cache_is_fetched_again(forge: Forge) -> None:
    host = forge.host()
    await host.ensure_repository("acme", TENANT)
    commit = await put(host, "default/a.yaml", b"a")
    shutil.rmtree(host.shelf.path("acme"))
    assert await host.read_file("acme", commit, "default/a.yaml") == b"a"
    shutil.rmtree(host.shelf.path("acme"))
    assert (
        await host.commit("acme", author=ANN, message="m", edits={"default/b.yaml": b"b"})
    ).parent == commit


@pytest.mark.parametrize("damage", ["all", "some", "but the commit", "empty"])
async def test_a_damaged_cache_is_fetched_again(forge: Forge, damage: str) -> None:
    host = forge.host()
    await host.ensure_repository("acme", TENANT)
    head = await put(host, "default/a.yaml", b"a")
    for number, path in enumerate(sorted(objects_in(host.shelf.path("acme")))):
        kept = damage == "but the commit" and path.name == head[2:]
        if damage == "all" or (damage == "some" and number % 2) or (damage == "but the commit" and not kept):
            path.unlink()
        elif damage == "empty":
            path.chmod(stat.S_IWUSR | stat.S_IRUSR)
            path.write_bytes(b"")
    result = await host.commit("acme", author=ANN, message="m", edits={"default/b.yaml": b"b"})
    assert await host.head("acme") == result.commit
    assert len(await host.history("acme")) == 3


async def test_a_cache_can_be_tidied_up(forge: Forge) -> None:
    """As the embedded repositories are, by the worker: beside commits, and nothing is missing after it."""
    host = forge.host()
    await host.ensure_repository("acme", TENANT)
    assert await host.shelf.slugs() == ["acme"]
    results = await asyncio.gather(host.shelf.maintain("acme"), *(put(host, f"j{n}", b"x") for n in range(3)))
    assert results[0] is not None
    await host.shelf.maintain("acme")
    assert (await host.commit("acme", author=ANN, message="m", edits={"k": b"k"})).changed
    assert len(await host.history("acme")) == 5


async def test_a_rewritten_history_is_followed_and_shows(forge: Forge, git: GitClient) -> None:
    host, other = forge.host(), forge.host("other")
    await host.ensure_repository("acme", TENANT)
    rewound = await put(host, "default/a.yaml", b"a")
    work = await work_tree(git, forge)
    await git.ok("reset", "-q", "--hard", "HEAD~1", cwd=work)
    new = await push_file(git, work, "default/b.yaml", "b", "--force", "origin", "main")
    assert await host.head("acme") == new
    assert not await host.is_ancestor("acme", rewound, new)
    with pytest.raises(HistoryRewound):
        await other.changes("acme", rewound, new)
    assert (await host.commit("acme", author=ANN, message="m", edits={"c": b"c"})).parent == new


async def test_a_slug_that_passed_to_another_tenant_shows_nothing_of_the_old_one(forge: Forge) -> None:
    host, other = forge.host(), forge.host("other")
    await host.ensure_repository("acme", TENANT)
    secret = await put(host, "default/secret.yaml", b"of the old tenant")
    assert await other.read_file("acme", secret, "default/secret.yaml")
    await host.delete_repository("acme")
    await host.ensure_repository("acme", OTHER_TENANT)
    with pytest.raises(ObjectMissing):
        await host.read_file("acme", secret, "default/secret.yaml")
    await other.history("acme")
    with pytest.raises(ObjectMissing):
        await other.read_file("acme", secret, "default/secret.yaml")


async def test_a_repository_whose_making_was_interrupted_is_finished(forge: Forge) -> None:
    host = forge.host()
    await host.client.create_repository("acme")
    assert await host.head("acme") is None
    assert await host.history("acme") == []
    await host.ensure_repository("acme", TENANT)
    assert len(await host.history("acme")) == 1


async def test_a_repository_that_is_not_ours(forge: Forge, git: GitClient) -> None:
    host = forge.host()
    await host.client.create_repository("acme")
    await git.ok("init", "-q", "-b", "main", "theirs")
    await push_file(git, git.home / "theirs", "a.txt", "a", forge.address(), "main")
    with pytest.raises(RepositoryForeign, match="has no"):
        await host.ensure_repository("acme", TENANT)
    await host.ensure_repository("mine", TENANT)
    with pytest.raises(RepositoryForeign, match="another tenant"):
        await forge.host("other").ensure_repository("mine", uuid4())


async def test_a_branch_can_be_looked_at_and_merged_in_thought(forge: Forge, git: GitClient) -> None:
    host = forge.host()
    await host.ensure_repository("acme", TENANT)
    head = await put(host, "default/a.yaml", b"a\n")
    work = await work_tree(git, forge)
    await git.ok("checkout", "-q", "-b", "team/idea", cwd=work)
    branch = await push_file(git, work, "default/idea.yaml", "new", "origin", "team/idea")
    assert await host.resolve("acme", "team/idea") == branch
    merge = await host.merged("acme", branch)
    assert (merge.onto, [change.path for change in merge.changes]) == (head, ["default/idea.yaml"])
    again = await push_file(git, work, "default/idea2.yaml", "new", "origin", "team/idea")
    assert await host.resolve("acme", "team/idea") == again
    assert await host.head("acme") == head


async def test_one_webhook_per_repository_with_the_key_of_now(forge: Forge) -> None:
    host = forge.host(**WEBHOOKS)
    await asyncio.gather(
        *(forge.host(f"c{n}", **WEBHOOKS).ensure_repository("acme", TENANT) for n in range(3))
    )
    await host.ensure_webhook("acme")
    [hook] = await host.client.hooks("acme")
    renewed = forge.host("new", webhook_url="http://127.0.0.1:9/git/webhook", webhook_key=b"n" * 32)
    await renewed.ensure_webhook("acme")
    [replaced] = await host.client.hooks("acme")
    assert replaced.id != hook.id
    assert replaced.url != hook.url
    assert replaced.url.startswith("http://127.0.0.1:9/git/webhook/acme?key=")


async def test_a_signed_commit_arrives_signed(forge: Forge, git: GitClient) -> None:
    class Signer:
        def sign(self, payload: bytes) -> bytes:
            return b"-----BEGIN SSH SIGNATURE-----\nc2ln\n-----END SSH SIGNATURE-----"

    host = forge.host(signer=Signer())
    await host.ensure_repository("acme", TENANT)
    work = await work_tree(git, forge)
    assert "BEGIN SSH SIGNATURE" in await git.ok("cat-file", "commit", "HEAD", cwd=work)


async def test_the_token_is_nowhere_to_be_seen(
    forge: Forge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in arguments, not on the disk, not in logs; `git` gets it in its environment, under Forgejo's address."""
    caplog.set_level(logging.DEBUG)
    spied: list[list[str]] = []
    popen = subprocess.Popen

    def spy(command: list[str], **options: object) -> object:
        spied.append(command)
        if "push" in command:
            config = {k: v for k, v in options["env"].items() if "Authorization" in v}  # type: ignore[attr-defined]
            assert len(config) == 1
        return popen(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("crontopus_api.gitstore.forgejo.remote.subprocess.Popen", spy)
    host = forge.host()
    await host.ensure_repository("acme", TENANT)
    await put(host, "default/a.yaml", b"a")
    await forge.host("second").history("acme")
    assert any("push" in command for command in spied)
    assert any("fetch" in command for command in spied)
    config = forge.config()
    secrets = [forge.token, config.authorization.removeprefix("Basic ")]
    shown = [str(spied), caplog.text, repr(config), repr(host.config)]
    for path in (*(tmp_path / "cache").rglob("*"), *(tmp_path / "second").rglob("*")):
        if path.is_file():
            shown.append(path.read_bytes().decode("latin-1"))
    for secret in secrets:
        assert not [text for text in shown if secret in text]


@pytest.mark.parametrize(
    "url", ["ftp://forge", "forge.example", "https://user:pw@forge", "https://forge/?a=b", "https:///x"]
)
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        ForgejoConfig(url, "token")


def test_settings_that_cannot_be_used() -> None:
    with pytest.raises(ValueError, match="token"):
        ForgejoConfig("https://forge", "")
    with pytest.raises(ValueError, match="key"):
        ForgejoConfig("https://forge", "token", webhook_url="https://us/git/webhook")
    assert ForgejoConfig("https://forge/sub/", "t").repository_url("acme") == (
        "https://forge/sub/crontopus/job-manifests-acme.git"
    )


async def test_a_backup_is_of_what_forgejo_has_now(forge: Forge, git: GitClient, tmp_path: Path) -> None:
    """Also from a process that has never seen the repository."""
    host = forge.host()
    await host.ensure_repository("acme", TENANT)
    await put(host, "default/a.yaml", b"a: 1\n")
    work = await work_tree(git, forge)
    head = await push_file(git, work, "default/b.yaml", "b: 1\n")
    bundle = await forge.host("another").backup("acme", tmp_path / "acme.bundle")
    assert bundle.head == head
    await git.ok("clone", "-q", str(tmp_path / "acme.bundle"), "restored")
    assert (git.home / "restored/default/b.yaml").read_text() == "b: 1\n"
    assert (git.home / "restored/default/a.yaml").exists()
    with pytest.raises(RepositoryMissing):
        await host.backup("nobody", tmp_path / "nobody.bundle")
