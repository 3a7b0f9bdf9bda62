"""Twenty real `git` clients at once: all kinds of clones, pushes to branches and to main, some refused."""

import asyncio
from pathlib import Path

from .conftest import Done, GitClient, Platform
from .test_crash import fsck
from .test_maintenance import git_dir

KINDS = (("--depth=1",), ("--filter=blob:none",), (), ("-c", "protocol.version=0"))


async def commit_file(git: GitClient, work: Path, name: str, text: str) -> None:
    (work / name).parent.mkdir(exist_ok=True)
    (work / name).write_text(text)
    await git.ok("add", "-A", cwd=work)
    await git.ok("commit", "-q", "-m", f"Put {name}", cwd=work)


async def push_to_main(git: GitClient, work: Path) -> Done:
    """As people do: when somebody else was faster, fetch and try again."""
    while True:
        done = await git("push", "origin", "HEAD:main", cwd=work)
        if not any(said in done.err for said in ("[rejected]", "failed to update ref", "cannot lock ref")):
            return done
        await git.ok("pull", "-q", "--rebase", "origin", "main", cwd=work)


async def client(git: GitClient, platform: Platform, number: int) -> Done | None:
    """A working day: everybody clones and pushes a branch, a quarter pushes to main as well, and another
    quarter pushes something there that is refused."""
    name = f"c{number}"
    await git.ok("clone", "-q", *KINDS[number // 4 % len(KINDS)], platform.url(), name)
    work = git.home / name
    await commit_file(git, work, f"{name}/own.yaml", f"fine\nbad {name}\n" if number % 4 == 1 else "1\n")
    await git.ok("push", "-q", "origin", f"HEAD:refs/heads/{name}", cwd=work)
    if number % 4 > 1:
        await git.ok("pull", "-q", "--rebase", "origin", "main", cwd=work)
        return None
    return await push_to_main(git, work)


async def test_twenty_clients_at_once(platform: Platform, git: GitClient) -> None:
    done = await asyncio.gather(*(client(git, platform, number) for number in range(20)))
    for number in range(1, 20, 4):
        refused = done[number]
        assert refused is not None
        assert refused.code == 1
        lines = refused.err.splitlines()
        said = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
        assert said == [f"c{number}/own.yaml:2: unknown key ?[31m`bad c{number}`"]
        assert any("! [remote rejected] HEAD -> main (pre-receive hook declined)" in line for line in lines)
    names = git_dir(platform.host, "ls-tree", "-r", "--name-only", "main").split()
    assert {name for name in names if name.endswith("own.yaml")} == {
        f"c{n}/own.yaml" for n in range(0, 20, 4)
    }
    branches = git_dir(platform.host, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert set(branches) == {"main", *(f"c{number}" for number in range(20))}
    # Every push that reached main was reported, each from where another had left it.
    assert len(platform.pushes) == 5
    assert len({move.new for move in platform.pushes} | {move.old for move in platform.pushes}) == 6
    fsck(platform.host)
