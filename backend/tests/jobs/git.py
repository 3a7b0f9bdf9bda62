"""Commits that others make: straight into the tenant's bare repository, past the API and its hook."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from ..platform import Platform

_ENVIRONMENT = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "bob"), ("EMAIL", "bob@example.org"))
}


async def git(*arguments: str | Path, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        "git", *map(str, arguments), cwd=cwd, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **_ENVIRONMENT},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode().strip()


async def branch_with(
    platform: Platform,
    scratch: Path,
    files: Mapping[str, bytes | None],
    *,
    name: str = "tidy",
    slug: str = "ada",
) -> str:
    """A branch of main as it is now with these files changed; its commit."""
    bare = platform.services.git.path(slug)
    work = scratch / f"work-{name}"
    await git("clone", "-q", bare, work, cwd=scratch)
    await git("checkout", "-q", "-B", name, cwd=work)
    for path, content in files.items():
        target = work / path
        if content is None:
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    await git("add", "-A", cwd=work)
    await git("commit", "-q", "-m", f"work on {name}", cwd=work)
    await push_ref(work, "HEAD", name)
    return await git("rev-parse", "HEAD", cwd=work)


async def push_ref(work: Path, commit: str, branch: str) -> None:
    # The hook asks the API about pushes; here none is listening, and these need no judgement.
    receive = "git -c core.hooksPath=/dev/null receive-pack"
    target = f"+{commit}:refs/heads/{branch}"
    await git("push", "-q", f"--receive-pack={receive}", "origin", target, cwd=work)
