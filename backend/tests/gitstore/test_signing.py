"""Signatures as real `git` and `ssh-keygen` judge them."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.host import COMMITTER
from crontopus_api.gitstore.signing import RetiredSigner, SigningKeys, SigningKeyUnusable, SshSigner

from .conftest import TENANT, Done, GitClient

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="needs ssh-keygen (Debian: apt install openssh-client)"
)

ANN = Author("Ann Jürgens", "ann@example.org")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def verify(git: GitClient, repository: Path, commit: str, signers: str) -> Done:
    allowed = git.home / "allowed_signers"
    allowed.write_text(signers)
    config = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={allowed}")
    return await git("--git-dir", repository, *config, "verify-commit", "-v", commit)


async def signed_commit(root: Path, signer: SshSigner, at: datetime = NOON) -> tuple[Path, str]:
    host = EmbeddedGitHost(root, signer=signer, clock=lambda: at)
    await host.ensure_repository("acme", TENANT)
    edits: dict[str, bytes | None] = {"default/a.yaml": b"a: \xc3\xbc\n"}
    message = "Ändere a\n\nmit Rumpf  \n\n\nCrontopus-Intent: 1\n"
    result = await host.commit("acme", author=ANN, message=message, edits=edits)
    return host.path("acme"), result.commit


async def test_git_verifies_every_commit_with_the_published_line(tmp_path: Path, git: GitClient) -> None:
    signer = SshSigner.generate()
    repository, commit = await signed_commit(tmp_path / "git", signer)
    line = signer.allowed_signers_line()
    for one in (commit, f"{commit}~1"):  # the first commit of the repository too
        done = await verify(git, repository, one, line + "\n")
        assert done.code == 0, done
        assert f'Good "git" signature for {COMMITTER.email} with ED25519 key {signer.fingerprint}' in done.err
    shown = await git.ok("--git-dir", repository, "cat-file", "commit", commit)
    assert "author Ann Jürgens <ann@example.org>" in shown
    assert await git.ok("--git-dir", repository, "fsck", "--strict", "--full") == ""


async def test_another_key_or_an_altered_commit_does_not_verify(tmp_path: Path, git: GitClient) -> None:
    signer = SshSigner.generate()
    repository, commit = await signed_commit(tmp_path / "git", signer)
    good = signer.allowed_signers_line()
    assert (await verify(git, repository, commit, SshSigner.generate().allowed_signers_line())).code != 0
    assert (await verify(git, repository, commit, good.replace('"git"', '"file"'))).code != 0
    raw = await git.ok("--git-dir", repository, "cat-file", "commit", commit)
    parent = next(line for line in raw.splitlines(keepends=True) if line.startswith("parent "))
    for old, new in (("", ""), ("ann@", "bob@"), ("mit Rumpf", "mit rumpf"), (parent, "")):
        file = git.home / "altered"
        file.write_text(f"{raw.replace(old, new, 1)}\n")
        made = await git.ok("--git-dir", repository, "hash-object", "-t", "commit", "-w", file)
        assert (made == commit) == (old == "")
        done = await verify(git, repository, made, good)
        assert (done.code == 0) == (old == "")
        assert ("Good" in done.err) == (old == "")


async def test_a_retired_key_vouches_for_its_time_only(
    tmp_path: Path, git: GitClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = SigningKeys(SshSigner.generate())
    after = before.rotated(NOON, grace=timedelta(minutes=5))
    assert after.current.public_key != before.current.public_key
    signers = after.allowed_signers()
    assert signers.count("\n") == 2
    repository, old = await signed_commit(tmp_path / "old", before.current)
    assert (await verify(git, repository, old, signers)).code == 0
    repository, late = await signed_commit(tmp_path / "late", before.current, NOON + timedelta(minutes=6))
    assert (await verify(git, repository, late, signers)).code != 0
    repository, new = await signed_commit(tmp_path / "new", after.current, NOON + timedelta(days=9))
    assert (await verify(git, repository, new, signers)).code == 0


def test_retired_times_are_utc() -> None:
    zone = datetime(2026, 1, 2, 3, tzinfo=UTC).astimezone().tzinfo
    key = RetiredSigner("ssh-ed25519 AAAA", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).astimezone(zone))
    text = SigningKeys(SshSigner.generate(), [key]).allowed_signers()
    assert 'namespaces="git",valid-before="20260102030405Z" ssh-ed25519 AAAA' in text


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: SshSigner.load_or_create(path).public_key, range(16)))
    assert len(set(found)) == 1
    assert SshSigner.load_or_create(path).public_key == found[0]
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
    # ssh-keygen reads what we wrote ...
    shown = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, text=True, check=True)
    assert shown.stdout.split()[:2] == found[0].split()


def test_a_key_that_ssh_keygen_made_works(tmp_path: Path) -> None:
    path = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "made by hand", "-f", str(path)]
    subprocess.run(command, check=True)
    signer = SshSigner.load_or_create(path)
    assert signer.public_key.split() == (tmp_path / "key.pub").read_text().split()[:2]
    assert SshSigner.from_bytes(signer.to_bytes()).sign(b"x") == signer.sign(b"x")


def test_unusable_keys_are_refused(tmp_path: Path) -> None:
    def made(*arguments: str) -> Path:
        path = tmp_path / f"key{len(list(tmp_path.iterdir()))}"
        subprocess.run(["ssh-keygen", "-q", "-f", path, *arguments], check=True)
        return path

    for path in (made("-t", "ecdsa", "-N", ""), made("-t", "ed25519", "-N", "a password")):
        with pytest.raises(SigningKeyUnusable):
            SshSigner.load_or_create(path)
    with pytest.raises(SigningKeyUnusable):
        SshSigner.from_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    open_to_all = made("-t", "ed25519", "-N", "")
    open_to_all.chmod(0o640)
    with pytest.raises(SigningKeyUnusable, match="read by others"):
        SshSigner.load_or_create(open_to_all)
