"""Maintenance beside living writers and readers, after dead ones, and interrupted itself."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID, ShaFile

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.bare import durable, litter, maintenance
from crontopus_api.gitstore.bare.census import Untidy, count, why_untidy
from crontopus_api.gitstore.bare.litter import clear_of_host
from crontopus_api.gitstore.bare.locks import writing
from crontopus_api.gitstore.bare.maintenance import MaintenanceFailed
from crontopus_api.gitstore.bare.trees import NewObject, read_raw
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.errors import RepositoryMissing

from .conftest import TENANT, GitClient, Platform
from .test_crash import ENDLESS, endless, fsck

ANN = Author("Ann", "ann@example.org")
THREE_WEEKS = 21 * 24 * 3600


def git_dir(host: EmbeddedGitHost, *arguments: object, stdin: bytes = b"") -> str:
    command = ["git", "--git-dir", str(host.path("acme")), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout.decode().strip()


def import_history(host: EmbeddedGitHost, commits: int) -> None:
    """That many commits on main, every object in a file of its own, as the API's commits leave them."""
    head = git_dir(host, "rev-parse", "main")
    stream = ["feature done\n"]
    for n in range(commits):
        stream.append(f"commit refs/heads/main\ncommitter a <a@b> {1700000000 + n} +0000\ndata 1\nm\n")
        stream.append(f"from {head}\n" if n == 0 else "")
        text = f"n: {n}\n"
        stream.append(f"M 644 inline n/{n % 100}.yaml\ndata {len(text)}\n{text}\n")
    git_dir(host, "fast-import", "--quiet", stdin="".join([*stream, "done\n"]).encode())
    aside = host.root / "aside"
    aside.mkdir()
    for pack in (host.path("acme") / "objects/pack").glob("*"):
        pack.rename(aside / pack.name)
    for pack in aside.glob("*.pack"):
        git_dir(host, "-c", "core.fsync=none", "unpack-objects", "-q", stdin=pack.read_bytes())


def age(repository: Path, seconds: float) -> None:
    then = time.time() - seconds
    for directory, _, files in os.walk(repository / "objects"):
        for name in files:
            os.utime(Path(directory, name), (then, then))


async def test_two_thousand_commits_become_one_pack(platform: Platform, git: GitClient) -> None:
    host = platform.host
    assert await host.maintenance_due("acme") is None
    import_history(host, 2000)
    head = git_dir(host, "rev-parse", "main")
    assert "loose objects" in (await host.maintenance_due("acme") or "")
    report = await host.maintain("acme")
    assert report is not None
    assert report.before.loose > 6000
    assert (report.after.loose, report.after.packs) == (0, 1)
    assert report.after.pack_bytes < report.before.loose_bytes / 2
    assert list(host.path("acme").glob("objects/pack/*.bitmap"))
    assert b"BIDX" in (host.path("acme") / "objects/info/commit-graph").read_bytes()[:200]  # Bloom filters
    assert await host.head("acme") == head
    assert why_untidy(host.path("acme"), Untidy()) is None
    await git.ok("clone", "-q", platform.url(), "c")
    assert await git.ok("rev-list", "--count", "HEAD", cwd=git.home / "c") == "2001"
    fsck(host)


@pytest.mark.parametrize(
    "limits", [Untidy(loose=30), Untidy(loose_bytes=1000), Untidy(packs=0), Untidy(loose_refs=0)]
)
async def test_each_reason_is_seen_and_gone_afterwards(host: EmbeddedGitHost, limits: Untidy) -> None:
    await host.commit("acme", author=ANN, message="m", edits={f"a/{n}": b"%d" % n for n in range(70)})
    await host.commit("acme", author=ANN, message="m", edits={f"b/{n}": b"%d" % n for n in range(60)})
    repository = host.path("acme")
    assert why_untidy(repository, limits) is not None
    await host.maintain("acme")
    if limits.packs:
        assert why_untidy(repository, limits) is None
    assert maintenance.due(repository, host.lock_path("acme"), limits) is None  # just had it
    os.utime(maintenance._lock_file(host.lock_path("acme")), (0, 0))
    assert (maintenance.due(repository, host.lock_path("acme"), limits) is None) == (limits.packs > 0)


async def test_nothing_is_lost_beside_writers_and_readers(
    platform: Platform, git: GitClient, clone: Path
) -> None:
    """Commits of this process and another, pushes to branches and main, clones: while gc runs all the time."""
    host, done = platform.host, asyncio.Event()
    mine: list[str] = []

    async def committing() -> None:
        while len(mine) < 60:
            edits: dict[str, bytes | None] = {f"mine/{len(mine)}.yaml": b"%d" % len(mine)}
            if len(mine) % 20 == 0:  # a pack
                edits |= {f"many/{len(mine)}/{n}": b"%d" % n for n in range(70)}
            mine.append((await host.commit("acme", author=ANN, message="m", edits=edits)).commit)
            assert await host.read_file("acme", mine[0], "mine/0.yaml") == b"0"

    async def pushing() -> None:
        for n in range(8):
            (clone / f"pushed{n}.yaml").write_text("1\n")
            await git.ok("add", "-A", cwd=clone)
            await git.ok("commit", "-q", "-m", "m", cwd=clone)
            await git.ok("push", "-q", "origin", f"HEAD:refs/heads/side{n}", cwd=clone)
            while (await git("push", "-q", "origin", "main", cwd=clone)).code:
                await git.ok("pull", "-q", "--rebase", cwd=clone)

    async def cloning() -> None:
        for n in range(5):
            await git.ok("clone", "-q", platform.url(), f"c{n}")

    async def tidying() -> int:
        rounds = 0
        while not done.is_set():
            rounds += await host.maintain("acme") is not None
        return rounds

    import_history(host, 200)
    await git.ok("pull", "-q", "--rebase", cwd=clone)
    tidied = asyncio.create_task(tidying())
    with endless(host, "theirs", ENDLESS.replace("while True", "while n < 60")) as writer:
        await asyncio.gather(committing(), pushing(), cloning())
        theirs = (await asyncio.to_thread(writer.communicate))[0].split()
    done.set()
    assert await tidied > 3
    assert len(theirs) == 60
    fsck(host)
    on_main = set(git_dir(host, "rev-list", "main").split())
    assert {*mine, *theirs} <= on_main
    names = set(git_dir(host, "ls-tree", "-r", "--name-only", "main").split())
    assert {f"mine/{n}.yaml" for n in range(60)} <= names
    assert {f"theirs/{n + 1}.yaml" for n in range(60)} <= names
    assert {f"pushed{n}.yaml" for n in range(8)} <= names
    assert git_dir(host, "for-each-ref", "refs/heads").count("side") == 8


async def test_unreachable_objects_stay_for_two_weeks(host: EmbeddedGitHost) -> None:
    tree = git_dir(host, "rev-parse", "main^{tree}")
    environment = ("-c", "user.name=a", "-c", "user.email=a@b")
    lost = git_dir(host, *environment, "commit-tree", tree, "-m", "of a branch that is gone")
    await host.maintain("acme")
    assert git_dir(host, "cat-file", "-t", lost) == "commit"
    kept = await host.commit("acme", author=ANN, message="m", edits={"a": b"a"})
    # All of it old, and a second look some weeks later: a cruft pack remembers each object's age.
    for mtimes in (host.path("acme") / "objects/pack").glob("*.mtimes"):
        mtimes.unlink()
    age(host.path("acme"), THREE_WEEKS)
    await host.maintain("acme")
    with pytest.raises(subprocess.CalledProcessError):
        git_dir(host, "cat-file", "-t", lost)
    assert await host.read_file("acme", kept.commit, "a") == b"a"
    fsck(host)


LITTER = [
    "gc.pid",
    "objects/info/commit-graph.lock",
    "objects/pack/.tmp-123-pack-abc.pack",
    "objects/pack/tmp_pack_AbCdEf",
    "objects/ab/tmp_obj_0123456789abcdef",
    "objects/tmp_objdir-incoming-AbCdEf/pack/tmp_pack_x",
    "objects/tmp_objdir-incoming-GhIjKl/12/tmp_obj_y",
    "objects/incoming-AbCdEf/pack/pack-1.pack",
]
MADE_BY_MAINTENANCE = LITTER[:3]


def scatter(repository: Path) -> Callable[[], list[str]]:
    """Leaves litter; the answer tells which of it is still there."""
    for name in LITTER:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_bytes(b"123 somehost\0")
    pack = next((repository / "objects/pack").glob("pack-*.pack"))
    pack.with_suffix(".keep").write_text("receive-pack 123 on somehost")
    names = [*LITTER, f"objects/pack/{pack.stem}.keep"]
    return lambda: [name for name in names if (repository / name).exists()]


async def test_the_litter_of_the_dead_is_cleared(host: EmbeddedGitHost) -> None:
    await host.maintain("acme")
    left = scatter(host.path("acme"))
    report = await host.maintain("acme")
    assert report is not None
    assert left() == []
    assert len(report.cleared) == len(LITTER) + 1
    assert report.after.packs == 1
    fsck(host)


async def test_the_litter_of_the_living_is_not(host: EmbeddedGitHost) -> None:
    await host.maintain("acme")
    left = scatter(host.path("acme"))
    with writing(host.lock_path("acme")):
        await host.maintain("acme")
        assert left()[:-1] == LITTER[len(MADE_BY_MAINTENANCE) :]
        assert left()[-1].endswith(".keep")
    await host.maintain("acme")
    assert left() == []


async def test_no_writer_lives_for_a_day(host: EmbeddedGitHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody always writes, what is old enough goes all the same."""
    await host.maintain("acme")
    left = scatter(host.path("acme"))
    monkeypatch.setattr(litter, "_OLDER_THAN_ANY_REQUEST_SECONDS", -60.0)
    with writing(host.lock_path("acme")):
        await host.maintain("acme")
        assert left() == []


async def test_refs_that_a_killed_git_was_packing(host: EmbeddedGitHost) -> None:
    for name in ("packed-refs.lock", "packed-refs.new"):
        (host.path("acme") / name).touch()
    assert await host.maintain("acme") is not None
    assert b"refs/heads/main" in (host.path("acme") / "packed-refs").read_bytes()


async def test_interrupted_it_leaves_a_whole_repository(
    host: EmbeddedGitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_history(host, 300)
    repository, lock = host.path("acme"), host.lock_path("acme")
    with pytest.raises(MaintenanceFailed, match="not done after"):
        await maintenance.maintain(repository, lock, max_seconds=0)
    running = asyncio.create_task(host.maintain("acme"))
    reached, begin = asyncio.Event(), asyncio.create_subprocess_exec

    async def spied(*arguments: object, **options: object) -> asyncio.subprocess.Process:
        process = await begin(*arguments, **options)  # type: ignore[arg-type]
        if "gc" in arguments:
            reached.set()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spied)
    await reached.wait()
    assert await host.maintain("acme") is None  # one at a time
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    fsck(host)
    report = await host.maintain("acme")  # nobody is left who holds its lock
    assert report is not None
    assert report.after.loose == 0


MAINTAIN = """
import asyncio, sys
from pathlib import Path
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
print(flush=True)
asyncio.run(EmbeddedGitHost(Path(sys.argv[1])).maintain("acme"))
"""


def killed_after(host: EmbeddedGitHost, seconds: float) -> None:
    command = [sys.executable, "-c", MAINTAIN, str(host.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(seconds)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        for group in (*map(int, children.split()), process.pid):
            with contextlib.suppress(ProcessLookupError):  # a child that has just ended
                os.killpg(group, signal.SIGKILL)


async def test_killed_at_any_time_it_is_made_good(host: EmbeddedGitHost) -> None:
    """`kill -9` of the process and of the git it started."""
    import_history(host, 300)
    head = await host.head("acme")
    for milliseconds in (5, 40, 80, 120):
        killed_after(host, milliseconds / 1000)
        assert await host.head("acme") == head
        fsck(host)
    await host.commit("acme", author=ANN, message="m", edits={"a": b"a"})
    report = await host.maintain("acme")
    assert report is not None
    assert (report.after.loose, report.after.packs) == (0, 1)
    left = [path.name for path in (host.path("acme") / "objects").rglob("*tmp*")]
    assert left == []
    fsck(host)


async def test_a_repository_deleted_meanwhile_and_made_anew(
    host: EmbeddedGitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_history(host, 50)
    tidy = maintenance._tidy

    async def slow(repository: Path, lock: Path, own: int) -> None:
        await host.delete_repository("acme")
        await tidy(repository, lock, own)

    monkeypatch.setattr(maintenance, "_tidy", slow)
    with pytest.raises(RepositoryMissing):
        await host.maintain("acme")
    monkeypatch.undo()
    await host.ensure_repository("acme", TENANT)
    assert (await host.maintain("acme")) is not None
    fsck(host)


async def test_half_made_and_half_deleted_repositories_are_cleared(host: EmbeddedGitHost) -> None:
    parent = host.path("acme").parent
    for name in (".creating-umbrella", ".deleting-umbrella-0a1b2c3d"):
        (parent / name / "objects").mkdir(parents=True)
    assert await host.clear_leftovers() == []  # somebody may be at it
    found = clear_of_host(parent, older_than_seconds=-5)
    assert found == [".creating-umbrella", ".deleting-umbrella-0a1b2c3d"]
    assert list(parent.iterdir()) == [host.path("acme")]


def test_an_object_that_moves_into_a_pack_while_it_is_looked_for(host: EmbeddedGitHost) -> None:
    class Moving(DiskObjectStore):
        def _get_loose_object(self, sha: ObjectID) -> ShaFile | None:
            git_dir(host, "repack", "-a", "-d", "-q")
            return super()._get_loose_object(sha)

    head = git_dir(host, "rev-parse", "main")
    with closing(Moving(host.path("acme") / "objects")) as store:
        assert read_raw(store, head)[1].startswith(b"tree ")


def test_a_folder_of_objects_that_goes_away_while_one_is_written(
    host: EmbeddedGitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = host.path("acme") / "objects"
    new = NewObject(b"blob", b"found its folder gone")
    folder = objects / new.id[:2]
    folder.mkdir(exist_ok=True)
    opened = os.open

    def late(path: Path, *arguments: int) -> int:
        if folder.is_dir() and not list(folder.iterdir()) and "tmp_obj" in str(path):
            monkeypatch.undo()
            folder.rmdir()
        return opened(path, *arguments)

    monkeypatch.setattr(os, "open", late)
    durable.write_objects(objects, [new])
    assert git_dir(host, "cat-file", "blob", new.id) == "found its folder gone"
    assert count(host.path("acme")).loose > 0


async def test_a_repack_while_a_large_commit_is_written(
    host: EmbeddedGitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git gives up when it sees a pack without its index, which is how dulwich begins one."""

    class Tidied(DiskObjectStore):
        def _complete_pack(self, *arguments: Any, **options: Any) -> Any:
            git_dir(host, "-c", "gc.cruftPacks=true", "gc", "-q")
            return super()._complete_pack(*arguments, **options)

    monkeypatch.setattr(durable, "DiskObjectStore", Tidied)
    await host.commit("acme", author=ANN, message="m", edits={f"a/{n}": b"%d" % n for n in range(70)})
    fsck(host)
    objects = host.path("acme") / "objects"
    assert not list(objects.glob("tmp*"))
    assert {path.suffix for path in (objects / "pack").iterdir()} >= {".pack", ".idx"}


async def test_a_push_brings_a_pack_of_its_own(git: GitClient, platform: Platform, clone: Path) -> None:
    before = count(platform.host.path("acme"))
    (clone / "a").write_text("a")
    await git.ok("add", "-A", cwd=clone)
    await git.ok("commit", "-q", "-m", "m", cwd=clone)
    await git.ok("push", "-q", "origin", "main:side", cwd=clone)
    after = count(platform.host.path("acme"))
    assert (after.loose, after.packs) == (before.loose, before.packs + 1)
