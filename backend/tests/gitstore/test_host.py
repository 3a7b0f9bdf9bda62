"""What every GitHost must do, through the Protocol only: the embedded one, the Forgejo one with a fake
Forgejo and, where the environment names it, with a real one (`make test-forgejo`)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from uuid import uuid4

import pytest

from crontopus_api.gitstore import Author, GitHost
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.errors import (
    HistoryRewound,
    ObjectMissing,
    PathNotAllowed,
    RepositoryForeign,
    RepositoryMissing,
    StaleBlob,
)

from .conftest import TENANT
from .forges import FORGES, forge_of

ANN = Author("Ann Author", "ann@example.org")
BOB = Author("Bob", "bob@example.org")


@pytest.fixture(params=["embedded", *FORGES])
async def git_host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[GitHost]:
    if request.param == "embedded":
        embedded = EmbeddedGitHost(tmp_path / "git")
        await embedded.ensure_repository("acme", TENANT)
        yield embedded
        return
    async with forge_of(request.param, tmp_path) as forge:
        host = forge.host()
        await host.ensure_repository("acme", TENANT)
        yield host


async def put(host: GitHost, edits: dict[str, bytes | None], **expect: str | None) -> str:
    result = await host.commit("acme", author=ANN, message="change", edits=edits)
    return result.commit


async def files(host: GitHost) -> dict[str, bytes]:
    head = await host.head("acme")
    assert head is not None
    entries = await host.list_files("acme", head)
    blobs = await host.read_blobs("acme", [entry.blob_id for entry in entries])
    assert all(len(blobs[entry.blob_id]) == entry.size for entry in entries)
    return {entry.path: blobs[entry.blob_id] for entry in entries}


async def test_a_new_repository_has_its_first_files_and_the_tenants_mark(git_host: GitHost) -> None:
    found = await files(git_host)
    assert found.keys() == {"README.md", "default/.gitkeep", ".crontopus/tenant.yaml"}
    assert str(TENANT).encode() in found[".crontopus/tenant.yaml"]
    assert git_host.clone_path("acme") == "/git/crontopus/job-manifests-acme.git"


async def test_ensuring_again_changes_nothing_and_another_tenant_is_refused(git_host: GitHost) -> None:
    head = await put(git_host, {"default/a.yaml": b"a"})
    await git_host.ensure_repository("acme", TENANT)
    assert await git_host.head("acme") == head
    with pytest.raises(RepositoryForeign):
        await git_host.ensure_repository("acme", uuid4())


async def test_ensuring_at_once_makes_one_repository(git_host: GitHost) -> None:
    await asyncio.gather(*(git_host.ensure_repository("fresh", TENANT) for _ in range(8)))
    head = await git_host.head("fresh")
    assert head is not None
    assert len(await git_host.history("fresh")) == 1


async def test_deleting_is_for_good_and_may_be_repeated(git_host: GitHost) -> None:
    await git_host.delete_repository("acme")
    await git_host.delete_repository("acme")
    with pytest.raises(RepositoryMissing):
        await git_host.head("acme")
    with pytest.raises(RepositoryMissing):
        await put(git_host, {"a": b"a"})
    with pytest.raises(RepositoryMissing):
        await git_host.history("acme")
    await git_host.ensure_repository("acme", uuid4())


async def test_a_commit_is_by_its_author_and_holds_its_edits(git_host: GitHost) -> None:
    first = await git_host.head("acme")
    result = await git_host.commit(
        "acme",
        author=Author("An <odd>\n name", "ann@example.org"),
        message="  Add two\n\nwith a body\n",
        edits={"default/a.yaml": b"one", "team/x/b.yaml": b"\0\xff"},
    )
    assert result.changed
    assert result.parent == first
    assert await git_host.head("acme") == result.commit
    assert await git_host.read_file("acme", result.commit, "team/x/b.yaml") == b"\0\xff"
    blob = result.blobs["default/a.yaml"]
    assert blob is not None
    assert await git_host.read_blob("acme", blob) == b"one"
    newest, *_ = await git_host.history("acme")
    assert (newest.id, newest.author.name, newest.author.email) == (
        result.commit,
        "An odd name",
        "ann@example.org",
    )
    assert newest.message == "Add two\n\nwith a body"
    assert newest.at.tzinfo is UTC
    assert newest.parents == (first,)


async def test_removing_the_last_file_of_a_folder_removes_the_folder(git_host: GitHost) -> None:
    await put(git_host, {"a/b/c.yaml": b"c", "a/d.yaml": b"d"})
    result = await git_host.commit("acme", author=ANN, message="m", edits={"a/b/c.yaml": None})
    assert result.blobs == {"a/b/c.yaml": None}
    assert {path for path in await files(git_host) if path.startswith("a/")} == {"a/d.yaml"}


async def test_a_file_may_give_way_to_a_folder_of_its_name(git_host: GitHost) -> None:
    await put(git_host, {"x": b"file"})
    await put(git_host, {"x": None, "x/y": b"in it"})
    assert (await files(git_host))["x/y"] == b"in it"


async def test_names_sort_as_git_sorts_them(git_host: GitHost) -> None:
    """`a/` sorts behind `a.b` and `a-b`: wrong order is a corrupt tree (fsck in the crash tests)."""
    await put(git_host, {"a.b": b"1", "a/x": b"2", "a0": b"3", "a-b": b"4"})
    assert [p for p in await files(git_host) if p.startswith("a")] == ["a-b", "a.b", "a/x", "a0"]


async def test_edits_that_change_nothing_make_no_commit(git_host: GitHost) -> None:
    head = await put(git_host, {"default/a.yaml": b"a"})
    edits: dict[str, bytes | None] = {"default/a.yaml": b"a", "default/none.yaml": None, "no/where": None}
    result = await git_host.commit("acme", author=BOB, message="m", edits=edits)
    assert (result.changed, result.commit) == (False, head)
    assert result.blobs.keys() == edits.keys()
    assert await git_host.head("acme") == head


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        ("../x", "folder name"),
        ("a/../x", "folder name"),
        ("/etc/passwd", "absolute"),
        ("", "empty"),
        ("a//b", "empty"),
        (".git/config", "Git keeps"),
        ("a/.GIT/hooks/x", "Git keeps"),
        ("a/git~1/x", "Git keeps"),
        ("a/.git. /x", "Git keeps"),
        (".git::$INDEX_ALLOCATION/x", "Git keeps"),
        (".g\u200cit/x", "invisible"),
        ("a\nb", "control"),
        ("a\\b", "backslash"),
        ("x" * 256, "longer"),
        ("d/" * 20 + "x", "deep"),
        (".crontopus/tenant.yaml", "never changes"),
        (".Crontopus/Tenant.yaml", "never changes"),
        ("default", "is a folder"),
        ("README.md/x", "is a file"),
    ],
)
async def test_paths_that_must_not_be_written(git_host: GitHost, edit: str, word: str) -> None:
    head = await git_host.head("acme")
    with pytest.raises(PathNotAllowed, match=word):
        await put(git_host, {edit: b"x"})
    assert await git_host.head("acme") == head


@pytest.mark.parametrize("slug", ["../acme", "acme/../acme", "Acme", "", "a" * 64, "-a", "a.git", "a\n"])
async def test_a_slug_is_never_a_path(git_host: GitHost, slug: str) -> None:
    with pytest.raises(PathNotAllowed):
        await git_host.head(slug)
    with pytest.raises(PathNotAllowed):
        await git_host.ensure_repository(slug, TENANT)


async def test_expect_is_a_compare_and_swap_on_files(git_host: GitHost) -> None:
    first = await git_host.commit("acme", author=ANN, message="m", edits={"default/a.yaml": b"1"})
    blob = first.blobs["default/a.yaml"]
    with pytest.raises(StaleBlob) as none_expected:
        await git_host.commit(
            "acme", author=ANN, message="m", edits={"default/a.yaml": b"2"}, expect={"default/a.yaml": None}
        )
    assert none_expected.value.actual == blob
    await put(git_host, {"default/other.yaml": b"moved HEAD"})
    second = await git_host.commit(
        "acme", author=ANN, message="m", edits={"default/a.yaml": b"2"}, expect={"default/a.yaml": blob}
    )
    assert second.changed
    with pytest.raises(StaleBlob):
        await git_host.commit(
            "acme", author=ANN, message="m", edits={"default/b.yaml": b"3"}, expect={"default/a.yaml": blob}
        )


async def test_twenty_writers_of_different_files_lose_nothing(git_host: GitHost) -> None:
    edits = {f"team-{n % 3}/job-{n}.yaml": str(n).encode() for n in range(20)}
    results = await asyncio.gather(
        *(git_host.commit("acme", author=ANN, message=p, edits={p: d}) for p, d in edits.items())
    )
    assert len({result.commit for result in results}) == 20
    found = await files(git_host)
    assert {path: found[path] for path in edits} == edits
    assert len(await git_host.history("acme")) == 21


async def test_twenty_writers_of_one_file_have_one_winner(git_host: GitHost) -> None:
    results = await asyncio.gather(
        *(
            git_host.commit(
                "acme", author=ANN, message="m", edits={"a.yaml": b"%d" % n}, expect={"a.yaml": None}
            )
            for n in range(20)
        ),
        return_exceptions=True,
    )
    winners = [n for n, result in enumerate(results) if not isinstance(result, BaseException)]
    assert len(winners) == 1
    assert sum(isinstance(result, StaleBlob) for result in results) == 19
    assert (await files(git_host))["a.yaml"] == b"%d" % winners[0]


async def test_changes_between_commits(git_host: GitHost) -> None:
    old = await put(git_host, {"a/1.yaml": b"1", "a/2.yaml": b"2", "a/3.yaml": b"3"})
    new = await put(git_host, {"a/1.yaml": b"one", "a/2.yaml": None, "b/4.yaml": b"4"})
    changes = {change.path: change for change in await git_host.changes("acme", old, new)}
    assert changes.keys() == {"a/1.yaml", "a/2.yaml", "b/4.yaml"}
    assert changes["a/2.yaml"].new_blob is None
    assert changes["b/4.yaml"].old_blob is None
    assert changes["a/1.yaml"].new_blob is not None
    assert await git_host.read_blob("acme", changes["a/1.yaml"].new_blob) == b"one"
    everything = {change.path for change in await git_host.changes("acme", None, new)}
    assert everything == (await files(git_host)).keys()
    with pytest.raises(HistoryRewound):
        await git_host.changes("acme", "1" * 40, new)
    with pytest.raises(ObjectMissing):
        await git_host.changes("acme", old, "1" * 40)


async def test_history_of_a_path_comes_in_pages(git_host: GitHost) -> None:
    commits = [await put(git_host, {"a/x.yaml": b"%d" % n}) for n in range(5)]
    await put(git_host, {"b.yaml": b"else"})
    pages: list[str] = []
    before = None
    while page := await git_host.history("acme", "a/x.yaml", limit=2, before=before):
        assert len(page) <= 2
        pages += [info.id for info in page]
        before = page[-1].id
    assert pages == commits[::-1]
    assert [info.id for info in await git_host.history("acme", "a", limit=3)] == commits[:1:-1]
    assert await git_host.history("acme", "never.yaml") == []
    # A path is a name, not one of Git's patterns.
    assert await git_host.history("acme", "a/*.yaml") == []


async def test_ancestors(git_host: GitHost) -> None:
    old = await put(git_host, {"a": b"1"})
    new = await put(git_host, {"a": b"2"})
    assert await git_host.is_ancestor("acme", old, new)
    assert await git_host.is_ancestor("acme", new, new)
    assert not await git_host.is_ancestor("acme", new, old)
    assert not await git_host.is_ancestor("acme", "1" * 40, new)
    with pytest.raises(ObjectMissing):
        await git_host.is_ancestor("acme", old, "1" * 40)


async def test_what_is_not_there(git_host: GitHost) -> None:
    head = await git_host.head("acme")
    assert head is not None
    for call in (
        git_host.read_blob("acme", "1" * 40),
        git_host.read_blob("acme", head),
        git_host.read_blob("acme", "main"),
        git_host.read_blobs("acme", ["1" * 40]),
        git_host.read_blobs("acme", ["--help"]),
        git_host.read_file("acme", head, "none.yaml"),
        git_host.read_file("acme", head, "default"),
        git_host.read_file("acme", "1" * 40, "README.md"),
        git_host.list_files("acme", "1" * 40),
        git_host.list_files("acme", "--help"),
    ):
        with pytest.raises(ObjectMissing):
            await call
    assert await git_host.read_blobs("acme", []) == {}


async def test_many_files_in_one_commit(git_host: GitHost) -> None:
    """Above the loose limit the objects go into one pack."""
    edits = {f"n{n % 7}/j{n}.yaml": b"job %d" % n for n in range(300)}
    await put(git_host, dict(edits))
    found = await files(git_host)
    assert {path: found[path] for path in edits} == edits


async def test_heads_of_many(git_host: GitHost) -> None:
    await git_host.ensure_repository("fresh", uuid4())
    heads = await git_host.heads(["acme", "fresh", "nobody"])
    assert heads == {"acme": await git_host.head("acme"), "fresh": await git_host.head("fresh")}
    commit = await put(git_host, {"a.yaml": b"a"})
    assert await git_host.heads(["fresh", "acme"]) == {"acme": commit, "fresh": heads["fresh"]}
    await git_host.delete_repository("fresh")
    assert await git_host.heads([]) == {}
    with pytest.raises(PathNotAllowed):
        await git_host.heads(["../acme"])


async def test_refs_and_what_merging_would_do(git_host: GitHost) -> None:
    first = await git_host.head("acme")
    second = await put(git_host, {"a.yaml": b"a"})
    assert await git_host.resolve("acme", "main") == second
    assert await git_host.resolve("acme", second) == second
    for ref in ("none", "1" * 40, "main~1", "--all", "a..b", "a\nb", ""):
        assert await git_host.resolve("acme", ref) is None
    assert (await git_host.last_changes("acme", first, second))["a.yaml"].id == second
    merge = await git_host.merged("acme", second)
    assert (merge.onto, merge.changes, merge.conflicts) == (second, [], [])
    with pytest.raises(ObjectMissing):
        await git_host.merged("acme", "1" * 40)
