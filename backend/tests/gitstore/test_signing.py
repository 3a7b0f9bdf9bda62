"""Signatures as real `git` and `ssh-keygen` judge them."""

import os
from datetime import UTC, datetime
from pathlib import Path

from crontopus_api.gitstore import Author
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.host import COMMITTER
from crontopus_api.gitstore.signing import SshSigner

from .conftest import TENANT, Done, GitClient

ANN = Author("Ann Jürgens", "ann@example.org")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _new_signer() -> SshSigner:
    return SshSigner.from_seed(os.urandom(32))


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
    signer = _new_signer()
    repository, commit = await signed_commit(tmp_path / "git", signer)
    line = signer.allowed_signers()
    for one in (commit, f"{commit}~1"):  # the first commit of the repository too
        done = await verify(git, repository, one, line)
        assert done.code == 0, done
        assert f'Good "git" signature for {COMMITTER.email} with ED25519 key {signer.fingerprint}' in done.err
    shown = await git.ok("--git-dir", repository, "cat-file", "commit", commit)
    assert "author Ann Jürgens <ann@example.org>" in shown
    assert await git.ok("--git-dir", repository, "fsck", "--strict", "--full") == ""


async def test_another_key_or_an_altered_commit_does_not_verify(tmp_path: Path, git: GitClient) -> None:
    signer = _new_signer()
    repository, commit = await signed_commit(tmp_path / "git", signer)
    good = signer.allowed_signers()
    assert (await verify(git, repository, commit, _new_signer().allowed_signers())).code != 0
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


def test_the_same_secret_is_the_same_key_everywhere() -> None:
    one, other = SshSigner.from_seed(b"s" * 32), SshSigner.from_seed(b"s" * 32)
    assert (one.public_key, one.sign(b"x")) == (other.public_key, other.sign(b"x"))
    assert one.public_key != SshSigner.from_seed(b"t" * 32).public_key
