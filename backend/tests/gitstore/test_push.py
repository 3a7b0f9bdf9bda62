"""Pushes by a real `git` client: accepted, refused with readable lines, and never half done."""

import asyncio
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.bare.locks import hold_shared
from crontopus_api.gitstore.embedded import hook
from crontopus_api.gitstore.embedded.limits import BridgeLimits
from crontopus_api.gitstore.embedded.push import MainMoved, PushLimits, PushRequest

from .conftest import Done, GitClient, Platform

ANN = Author("Ann", "ann@example.org")


async def commit(git: GitClient, work: Path, files: dict[str, str | None], message: str = "change") -> str:
    for name, text in files.items():
        path = work / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    await git.ok("add", "-A", cwd=work)
    await git.ok("commit", "-q", "-m", message, cwd=work)
    return await git.ok("rev-parse", "HEAD", cwd=work)


async def push(git: GitClient, work: Path, *arguments: object) -> Done:
    return await git("push", "origin", *(arguments or ["main"]), cwd=work)


def remote_lines(done: Done) -> list[str]:
    """What the pushing terminal shows of ours."""
    lines = [line.removeprefix("remote:").strip() for line in done.err.splitlines()]
    return [line for line, raw in zip(lines, done.err.splitlines(), strict=True) if raw.startswith("remote:")]


async def test_a_push_is_validated_and_reported_before_git_returns(
    git: GitClient, platform: Platform, clone: Path
) -> None:
    old = await platform.host.head("acme")
    new = await commit(git, clone, {"default/a.yaml": "good\n", "default/.gitkeep": None})
    done = await push(git, clone)
    assert done.code == 0, done
    # No waiting: what git says has happened is already known here.
    [event] = platform.pushes
    assert (event.slug, event.old, event.new, event.caller.subject) == ("acme", old, new, "t-acme")
    [request] = platform.requests
    assert dict(request.changes) == {"default/a.yaml": b"good\n", "default/.gitkeep": None}
    assert await platform.host.head("acme") == new


async def test_an_invalid_push_shows_every_line_and_changes_nothing(
    git: GitClient, platform: Platform, clone: Path
) -> None:
    old = await platform.host.head("acme")
    await commit(git, clone, {"default/a.yaml": "x\nbad one\n", "b/c.yaml": "bad\n", "b/ok.yaml": "fine\n"})
    done = await push(git, clone)
    assert done.code == 1
    assert remote_lines(done) == [
        "b/c.yaml:1: unknown key ?[31m`bad`",
        "default/a.yaml:2: unknown key ?[31m`bad one`",
    ]
    assert "pre-receive hook declined" in done.err
    assert await platform.host.head("acme") == old
    assert platform.pushes == []


async def test_only_changed_blobs_are_validated(git: GitClient, platform: Platform, clone: Path) -> None:
    await platform.host.commit("acme", author=ANN, message="m", edits={"default/old.yaml": b"bad\n"})
    await git.ok("pull", "-q", cwd=clone)
    await commit(git, clone, {"default/new.yaml": "good\n"})
    assert (await push(git, clone)).code == 0
    assert platform.requests[0].changes == [("default/new.yaml", b"good\n")]


async def test_rewinding_and_deleting_main_is_refused(
    git: GitClient, platform: Platform, clone: Path
) -> None:
    await commit(git, clone, {"default/a.yaml": "1\n"})
    assert (await push(git, clone)).code == 0
    head = await platform.host.head("acme")
    await git.ok("commit", "-q", "--amend", "-m", "rewritten", cwd=clone)
    forced = await push(git, clone, "--force", "main")
    assert forced.code == 1
    assert "can not be rewound" in "".join(remote_lines(forced))
    back = await push(git, clone, "--force", "HEAD~1:main")
    assert "can not be rewound" in "".join(remote_lines(back))
    deleted = await push(git, clone, ":main")
    assert deleted.code == 1
    assert await platform.host.head("acme") == head
    assert len(platform.pushes) == 1


async def test_other_branches_are_free(git: GitClient, platform: Platform, clone: Path) -> None:
    await git.ok("checkout", "-q", "-b", "idea", cwd=clone)
    await commit(git, clone, {"default/a.yaml": "bad\n"})
    assert (await push(git, clone, "idea")).code == 0
    await git.ok("commit", "-q", "--amend", "-m", "again", cwd=clone)
    assert (await push(git, clone, "--force", "idea")).code == 0
    assert (await push(git, clone, "HEAD:refs/tags/v1")).code == 0
    assert (await push(git, clone, ":idea")).code == 0
    assert platform.requests == []
    assert platform.pushes == []
    replaced = await push(git, clone, "HEAD:refs/replace/" + "1" * 40)
    assert "only branches and tags" in "".join(remote_lines(replaced))


async def test_main_moved_to_a_branch_pushed_before_is_validated(
    git: GitClient, platform: Platform, clone: Path
) -> None:
    """Its objects are there already: what counts is what changes on main, not what is sent."""
    await commit(git, clone, {"default/a.yaml": "bad\n"})
    assert (await push(git, clone, "main:idea")).code == 0
    assert remote_lines(await push(git, clone)) == ["default/a.yaml:1: unknown key ?[31m`bad`"]


async def test_main_and_a_branch_in_one_push_fall_together(
    git: GitClient, platform: Platform, clone: Path
) -> None:
    await commit(git, clone, {"default/a.yaml": "bad\n"})
    done = await push(git, clone, "main", "main:side")
    assert done.code == 1
    assert await git.ok("ls-remote", platform.url(), "refs/heads/side") == ""


@pytest.mark.parametrize(
    ("mode", "name", "reason"),
    [
        ("120000", "default/link.yaml", "symbolic links"),
        ("160000", "default/module", "submodules"),
        ("100644", ".crontopus/tenant.yaml", "never changes"),
        ("100644", "default/a\\b.yaml", "backslash"),
        ("100644", "default/tab\there.yaml", "control"),
    ],
)
async def test_entries_that_never_enter_main(
    git: GitClient, clone: Path, mode: str, name: str, reason: str
) -> None:
    blob = await git.ok("rev-parse", "HEAD" if mode == "160000" else "HEAD:README.md", cwd=clone)
    await git.ok("update-index", "--add", "--cacheinfo", f"{mode},{blob},{name}", cwd=clone)
    await git.ok("commit", "-q", "-m", "odd", cwd=clone)
    done = await push(git, clone)
    assert done.code == 1
    [line] = remote_lines(done)
    assert line.startswith(name.replace("\t", "?") + ":1: ")
    assert reason in line


async def test_removing_the_tenants_mark_is_refused(git: GitClient, clone: Path) -> None:
    await commit(git, clone, {".crontopus/tenant.yaml": None})
    done = await push(git, clone)
    assert "never changes" in "".join(remote_lines(done))


async def test_a_tree_with_git_inside_is_refused(git: GitClient, clone: Path, platform: Platform) -> None:
    """Made by hand, as git itself would not: `..` and `.git` as names of entries."""
    head = await platform.host.head("acme")
    blob = await git.ok("rev-parse", "HEAD:README.md", cwd=clone)
    for name in (b"..", b".git", b"a/b"):
        tree = b"100644 " + name + b"\0" + bytes.fromhex(blob)
        (clone / "raw").write_bytes(tree)
        made = await git.ok("hash-object", "--literally", "-t", "tree", "-w", "raw", cwd=clone)
        bad = await git.ok("commit-tree", made, "-p", "main", "-m", "evil", cwd=clone)
        done = await push(git, clone, f"{bad}:main")
        assert done.code == 1
        assert "fsck error" in done.err
    assert await platform.host.head("acme") == head


async def test_a_token_that_may_only_read(git: GitClient, platform: Platform, clone: Path) -> None:
    await commit(git, clone, {"default/a.yaml": "1\n"})
    done = await git("push", platform.url("r-acme"), "main", cwd=clone)
    assert done.code == 128
    assert "403" in done.err
    assert (await git("clone", "-q", platform.url("r-acme"), "readable")).code == 0


async def test_a_validator_that_fails_refuses(git: GitClient, platform: Platform, clone: Path) -> None:
    head = await platform.host.head("acme")
    await commit(git, clone, {"default/a.yaml": "explode"})
    done = await push(git, clone)
    assert done.code == 1
    assert remote_lines(done) == ["crontopus: checking failed; nothing was changed, tell your operator"]
    assert await platform.host.head("acme") == head


async def test_a_report_that_fails_leaves_the_push_standing(
    git: GitClient, platform: Platform, clone: Path
) -> None:
    async def broken(event: MainMoved) -> None:
        raise RuntimeError("projection failed")

    platform.on_push = broken  # type: ignore[method-assign]
    new = await commit(git, clone, {"default/a.yaml": "1\n"})
    assert (await push(git, clone)).code == 0
    assert await platform.host.head("acme") == new


async def test_an_edited_or_missing_hook_is_put_back(git: GitClient, platform: Platform, clone: Path) -> None:
    await commit(git, clone, {"default/a.yaml": "bad\n"})
    installed = platform.host.root / "hooks/pre-receive"
    for spoil in (
        lambda: None,
        installed.unlink,
        lambda: installed.write_text("#!/bin/sh\nexit 0\n"),
        lambda: installed.chmod(0o644),
    ):
        spoil()
        assert (await push(git, clone)).code == 1
    # Nor does a repository's own config have a say.
    config = platform.host.path("acme") / "config"
    config.write_text(config.read_text().replace("../../hooks", "/nowhere"))
    assert (await push(git, clone)).code == 1


async def test_the_hook_alone_refuses(git: GitClient, platform: Platform, clone: Path) -> None:
    """Pushed to on the disk, past the API."""
    assert (await push(git, clone)).code == 0  # installs it
    await commit(git, clone, {"default/a.yaml": "1\n"})
    done = await git("push", platform.host.path("acme"), "main", cwd=clone)
    assert done.code == 1
    assert "written through Crontopus only" in "".join(remote_lines(done))


def test_the_hook_refuses_when_the_api_dies(tmp_path: Path) -> None:
    """Its ends of the pipes close: before the question, and after it without a verdict."""
    script = hook.install_hook(tmp_path) / "pre-receive"
    for read_question in (False, True):
        question_read, question_write = os.pipe()
        verdict_read, verdict_write = os.pipe()
        env = {"PATH": os.environ["PATH"], "GIT_QUARANTINE_PATH": "/q"}
        env |= {"CRONTOPUS_HOOK_OUT": str(question_write), "CRONTOPUS_HOOK_IN": str(verdict_read)}
        if not read_question:
            os.close(question_read)
        with subprocess.Popen(
            [script],
            env=env,
            pass_fds=(question_write, verdict_read),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.close(question_write)
            os.close(verdict_read)
            if read_question:
                os.close(verdict_write)
            _, err = process.communicate("old new refs/heads/main\n", timeout=20)
        assert process.returncode != 0
        if read_question:
            assert "no answer; nothing was changed" in err
            assert os.read(question_read, 100) == b"quarantine /q\nold new refs/heads/main\nend\n"
            os.close(question_read)
        else:
            os.close(verdict_write)


class TestSmallPushes:
    @pytest.fixture
    def limits(self) -> BridgeLimits:
        push = PushLimits(max_blob_bytes=1000, max_changed_files=5, max_changed_bytes=2500)
        return BridgeLimits(push=push, max_push_body=200_000, validate_seconds=0.2)

    async def test_a_large_file_is_refused_by_name(self, git: GitClient, clone: Path) -> None:
        await commit(git, clone, {"default/big.yaml": "x" * 1001})
        done = await push(git, clone)
        assert remote_lines(done) == ["default/big.yaml:1: the file has 1001 bytes, at most 1000 may be"]

    async def test_many_files_and_much_content(self, git: GitClient, clone: Path) -> None:
        await commit(git, clone, {f"d/{n}": str(n) for n in range(6)})
        assert "6 files change" in "".join(remote_lines(await push(git, clone)))
        await git.ok("reset", "-q", "--hard", "HEAD~1", cwd=clone)
        await commit(git, clone, {f"d/{n}": f"{n}" * 900 for n in range(3)})
        assert "2700 bytes together" in "".join(remote_lines(await push(git, clone)))

    async def test_a_pack_that_unfolds_is_never_read(self, git: GitClient, clone: Path) -> None:
        """50 MB of zeros travel as 50 kB."""
        await commit(git, clone, {"default/bomb.yaml": "0" * 50_000_000})
        assert "50000000 bytes" in "".join(remote_lines(await push(git, clone)))

    async def test_checking_that_takes_too_long(
        self, git: GitClient, platform: Platform, clone: Path
    ) -> None:
        async def never(request: PushRequest) -> Sequence[str]:
            await asyncio.Event().wait()
            return []

        platform.validate = never  # type: ignore[method-assign]
        await commit(git, clone, {"default/a.yaml": "1\n"})
        done = await push(git, clone)
        assert remote_lines(done) == ["crontopus: checking took too long; nothing was changed, push again"]


async def test_commits_race_a_push_and_nothing_is_lost(
    git: GitClient, platform: Platform, clone: Path
) -> None:
    """While a push is being judged, the API commits: git then finds main elsewhere and refuses."""
    reached, go = asyncio.Event(), asyncio.Event()

    async def slow(request: PushRequest) -> Sequence[str]:
        reached.set()
        await go.wait()
        return []

    platform.validate = slow  # type: ignore[method-assign]
    await commit(git, clone, {"default/pushed.yaml": "1\n"})
    pushing = asyncio.create_task(push(git, clone))
    await reached.wait()
    result = await platform.host.commit("acme", author=ANN, message="m", edits={"default/api.yaml": b"1"})
    go.set()
    done = await pushing
    assert done.code == 1
    assert "[remote rejected]" in done.err
    assert platform.pushes == []
    assert await platform.host.head("acme") == result.commit
    await git.ok("pull", "-q", "--rebase", cwd=clone)
    assert (await push(git, clone)).code == 0
    names = {entry.path for entry in await platform.host.list_files("acme", platform.pushes[0].new)}
    assert {"default/pushed.yaml", "default/api.yaml"} <= names


async def test_pushes_and_commits_at_once(git: GitClient, platform: Platform, clone: Path) -> None:
    async def pusher() -> None:
        for n in range(6):
            await commit(git, clone, {f"push/{n}.yaml": "1\n"})
            while (await push(git, clone)).code:
                await git.ok("pull", "-q", "--rebase", cwd=clone)

    async def writer() -> None:
        for n in range(30):
            await platform.host.commit("acme", author=ANN, message="m", edits={f"api/{n}.yaml": b"1"})

    await asyncio.gather(pusher(), writer())
    head = await platform.host.head("acme")
    assert head is not None
    names = {entry.path for entry in await platform.host.list_files("acme", head)}
    assert {f"push/{n}.yaml" for n in range(6)} | {f"api/{n}.yaml" for n in range(30)} <= names
    assert len(platform.pushes) == 6


async def test_a_dead_pushers_lock_is_cleared_but_a_living_ones_is_not(
    git: GitClient, platform: Platform, clone: Path
) -> None:
    lock = platform.host.path("acme") / "refs/heads/main.lock"
    await commit(git, clone, {"default/a.yaml": "1\n"})
    living = hold_shared(platform.host.lock_path("acme"))
    lock.touch()
    refused = await push(git, clone)
    assert refused.code == 1
    assert lock.exists()
    os.close(living)
    assert (await push(git, clone)).code == 0
    assert not lock.exists()
