"""Backups of repositories in use, and repositories made of them."""

import asyncio
from pathlib import Path

import pytest

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.bare import bundles
from crontopus_api.gitstore.bare.bundles import BundleFailed
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.errors import RepositoryForeign, RepositoryMissing

from .conftest import OTHER_TENANT, TENANT, GitClient, Platform, serve
from .test_crash import fsck
from .test_maintenance import git_dir

ANN = Author("Ann", "ann@example.org")


async def test_a_backup_comes_back_whole(
    platform: Platform, git: GitClient, clone: Path, tmp_path: Path
) -> None:
    (clone / "default/a.yaml").write_text("a: 1\n")
    await git.ok("add", "-A", cwd=clone)
    await git.ok("commit", "-q", "-m", "m", cwd=clone)
    await git.ok("push", "-q", "origin", "main", "main~1:refs/heads/side", "main:refs/tags/v1", cwd=clone)
    bundle = await platform.host.backup("acme", tmp_path / "acme.bundle")
    assert bundle.head == await platform.host.head("acme")
    refs = git_dir(platform.host, "for-each-ref")

    other = EmbeddedGitHost(tmp_path / "other")
    assert await other.restore("acme", tmp_path / "acme.bundle") == bundle.head
    assert git_dir(other, "for-each-ref") == refs
    assert await other.slugs() == ["acme"]
    config = "config"
    assert (other.path("acme") / config).read_bytes() == (platform.host.path("acme") / config).read_bytes()
    fsck(other)
    await other.ensure_repository("acme", TENANT)  # knows its tenant
    with pytest.raises(RepositoryForeign):
        await other.ensure_repository("acme", OTHER_TENANT)
    # It is in every way one of ours: served, pushed to, judged by the hook.
    async with serve(Platform(other, platform.limits)) as served:
        (clone / "default/b.yaml").write_text("bad\n")
        await git.ok("add", "-A", cwd=clone)
        await git.ok("commit", "-q", "-m", "m", cwd=clone)
        refused = await git("push", served.url(), "main", cwd=clone)
        assert "default/b.yaml:1: unknown key" in refused.err
        await git.ok("reset", "-q", "--hard", "HEAD~1", cwd=clone)
        await git.ok("commit", "-q", "--allow-empty", "-m", "m", cwd=clone)
        await git.ok("push", "-q", served.url(), "main", cwd=clone)
    assert (await other.commit("acme", author=ANN, message="m", edits={"c": b"c"})).changed


async def test_a_backup_beside_writers_is_one_instant(host: EmbeddedGitHost, tmp_path: Path) -> None:
    """Files a and b change together: whatever the backup has, it has both or neither."""
    done = asyncio.Event()

    async def committing() -> None:
        n = 0
        while not done.is_set():
            n += 1
            await host.commit("acme", author=ANN, message="m", edits={"a": b"%d" % n, "b": b"%d" % n})

    await host.commit("acme", author=ANN, message="m", edits={"a": b"0", "b": b"0"})
    writing = asyncio.create_task(committing())
    heads = set()
    for n in range(5):
        bundle = await host.backup("acme", tmp_path / f"{n}.bundle")
        other = EmbeddedGitHost(tmp_path / f"other{n}")
        head = await other.restore("acme", tmp_path / f"{n}.bundle")
        assert head == bundle.head
        heads.add(head)
        assert await other.read_file("acme", head, "a") == await other.read_file("acme", head, "b")
        fsck(other)
    done.set()
    await writing
    assert len(heads) > 1


async def test_a_ref_that_moves_while_it_is_packed_is_in_it(
    host: EmbeddedGitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git bundle create` leaves such a ref out."""
    old = await host.head("acme")
    git_dir(host, "update-ref", "refs/heads/side", "main")
    listed = bundles._refs

    def moving(repository: Path) -> dict[str, str]:
        refs = listed(repository)
        tree = git_dir(host, "rev-parse", "main^{tree}")
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        new = git_dir(host, *identity, "commit-tree", tree, "-p", "main", "-m", "m")
        git_dir(host, "update-ref", "refs/heads/main", new)
        git_dir(host, "update-ref", "-d", "refs/heads/side")
        return refs

    monkeypatch.setattr(bundles, "_refs", moving)
    assert (await host.backup("acme", tmp_path / "acme.bundle")).head == old
    other = EmbeddedGitHost(tmp_path / "other")
    await other.restore("acme", tmp_path / "acme.bundle")
    refs = git_dir(other, "for-each-ref", "--format=%(objectname) %(refname)").splitlines()
    assert refs == [f"{old} refs/heads/main", f"{old} refs/heads/side"]
    fsck(other)


async def test_git_itself_reads_a_backup(host: EmbeddedGitHost, git: GitClient, tmp_path: Path) -> None:
    await host.backup("acme", tmp_path / "acme.bundle")
    await git.ok("clone", "-q", tmp_path / "acme.bundle", "acme")
    assert await git.ok("rev-parse", "HEAD", cwd=git.home / "acme") == await host.head("acme")
    assert (git.home / "acme/README.md").exists()


async def test_what_is_there_is_never_overwritten(host: EmbeddedGitHost, tmp_path: Path) -> None:
    target = tmp_path / "acme.bundle"
    await host.backup("acme", target)
    content = target.read_bytes()
    await host.commit("acme", author=ANN, message="m", edits={"a": b"a"})
    with pytest.raises(BundleFailed, match="exists"):
        await host.backup("acme", target)
    assert target.read_bytes() == content
    head = await host.head("acme")
    with pytest.raises(RepositoryForeign, match="exists"):
        await host.restore("acme", target)
    assert await host.head("acme") == head
    with pytest.raises(RepositoryMissing):
        await host.backup("never", tmp_path / "never.bundle")


@pytest.mark.parametrize("damage", ["cut", "flipped", "other"])
async def test_a_damaged_backup_makes_no_repository(
    host: EmbeddedGitHost, tmp_path: Path, damage: str
) -> None:
    target = tmp_path / "acme.bundle"
    await host.backup("acme", target)
    content = bytearray(target.read_bytes())
    if damage == "cut":
        del content[-30:]
    elif damage == "flipped":
        content[-60] ^= 1
    else:
        content = bytearray(b"no bundle\n" * 100)
    target.write_bytes(content)
    other = EmbeddedGitHost(tmp_path / "other")
    with pytest.raises(BundleFailed):
        await other.restore("acme", target)
    assert await other.slugs() == []
    target.unlink()
    await host.backup("acme", target)
    await other.restore("acme", target)  # what the failed one left is not in the way
    fsck(other)
