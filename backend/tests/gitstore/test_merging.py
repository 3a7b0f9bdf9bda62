"""What a merge would do, who changed a file last, and what a branch's name stands for."""

from pathlib import Path

import pytest

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.errors import ObjectMissing
from crontopus_api.gitstore.host import Change, blob_id

from .conftest import GitClient, Platform
from .test_push import commit, push

ANN = Author("Ann", "ann@example.org")


async def _on_main(platform: Platform, edits: dict[str, bytes | None]) -> str:
    return (await platform.host.commit("acme", author=ANN, message="m", edits=edits)).commit


async def test_a_branch_is_merged_for_show(git: GitClient, platform: Platform, clone: Path) -> None:
    await git.ok("checkout", "-q", "-b", "tidy", cwd=clone)
    tip = await commit(git, clone, {"default/b.yaml": "b\n", "default/.gitkeep": None})
    assert (await push(git, clone, "tidy")).code == 0
    main = await _on_main(platform, {"default/a.yaml": b"a\n"})

    assert await platform.host.resolve("acme", "tidy") == tip
    merge = await platform.host.merged("acme", tip)
    assert (merge.onto, merge.conflicts) == (main, [])
    # What main gained meanwhile is no part of what the branch would change.
    assert {(change.path, change.new_blob) for change in merge.changes} == {
        ("default/b.yaml", blob_id(b"b\n")),
        ("default/.gitkeep", None),
    }
    assert merge.contents == {blob_id(b"b\n"): b"b\n"}
    assert await platform.host.head("acme") == main
    done = await git("count-objects", "-v", cwd=platform.host.path("acme"))
    assert "garbage: 0" in done.out


async def test_conflicts_are_named(git: GitClient, platform: Platform, clone: Path) -> None:
    await git.ok("checkout", "-q", "-b", "mine", cwd=clone)
    tip = await commit(git, clone, {"default/a.yaml": "mine\n", "default/ok.yaml": "fine\n"})
    assert (await push(git, clone, "mine")).code == 0
    await _on_main(platform, {"default/a.yaml": b"theirs\n"})
    merge = await platform.host.merged("acme", tip)
    assert merge.conflicts == ["default/a.yaml"]
    assert merge.changes == [Change("default/ok.yaml", None, blob_id(b"fine\n"))]


async def test_unknown_commits_and_hostile_names(platform: Platform) -> None:
    with pytest.raises(ObjectMissing):
        await platform.host.merged("acme", "0" * 39 + "1")
    for name in ("nowhere", "--all", "main~1", "../heads/main", "main^{tree}", "", "a\nb"):
        assert await platform.host.resolve("acme", name) is None
    assert await platform.host.resolve("acme", "main") == await platform.host.head("acme")


async def test_the_last_change_of_each_file(git: GitClient, platform: Platform, clone: Path) -> None:
    start = await platform.host.head("acme")
    await git.ok("checkout", "-q", "-b", "side", cwd=clone)
    side = await commit(git, clone, {"default/side.yaml": "s\n", "default/both.yaml": "1\n2\n3\n"}, "side")
    await git.ok("checkout", "-q", "main", cwd=clone)
    first = await commit(git, clone, {"default/a.yaml": "a\n", "default/two words.yaml": "x\n"}, "first")
    second = await commit(git, clone, {"default/a.yaml": "b\n"}, "second\n\nwith a body")
    await git.ok("merge", "-q", "--no-ff", "-m", "merge", "side", cwd=clone)
    head = await git.ok("rev-parse", "HEAD", cwd=clone)
    assert (await push(git, clone)).code == 0

    found = await platform.host.last_changes("acme", start, head)
    assert {path: info.id for path, info in found.items()} == {
        "default/a.yaml": second,
        "default/two words.yaml": first,
        "default/side.yaml": side,
        "default/both.yaml": side,
    }
    assert found["default/a.yaml"].message == "second\n\nwith a body"
    everything = await platform.host.last_changes("acme", None, head)
    assert everything["README.md"].author.name == "Crontopus"
    assert await platform.host.last_changes("acme", head, head) == {}
