"""A Forgejo that is down, slow, busy or silent, and a process that dies: nothing is lost, and nothing half done."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable
from pathlib import Path

import pytest

from crontopus_api.gitstore import Author, CommitResult
from crontopus_api.gitstore.errors import GitUnavailable
from crontopus_api.gitstore.forgejo.config import ForgejoConfig
from crontopus_api.gitstore.forgejo.host import ForgejoGitHost

from .conftest import TENANT
from .fake_forgejo import FakeForgejo, Fault
from .forges import Forge

ANN = Author("Ann", "ann@example.org")


@pytest.fixture
async def fake(fake_forge: Forge) -> FakeForgejo:
    assert fake_forge.fake is not None
    return fake_forge.fake


@pytest.fixture
async def acme(fake_forge: Forge) -> ForgejoGitHost:
    """As patient as in production: on a slow machine nothing but a fault may run into a limit."""
    host = fake_forge.host()
    await host.ensure_repository("acme", TENANT)
    await put(host)
    return host


def put(host: ForgejoGitHost, path: str = "default/a.yaml", data: bytes = b"a") -> Awaitable[CommitResult]:
    return host.commit("acme", author=ANN, message=f"Set {path}", edits={path: data})


def asking(host: ForgejoGitHost) -> list[Awaitable[object]]:
    """Everything that cannot be answered from the cache."""
    return [
        host.head("acme"),
        host.heads(["acme"]),
        host.history("acme"),
        host.resolve("acme", "main"),
        host.ensure_repository("acme", TENANT),
        host.delete_repository("acme"),
        host.list_files("acme", "1" * 40),
        put(host, "default/b.yaml"),
    ]


async def all_unavailable(host: ForgejoGitHost, retry_after: int | None) -> None:
    began = time.monotonic()
    for call in asking(host):
        host.client.left_alone_until = 0.0
        with pytest.raises(GitUnavailable) as refused:
            await call
        assert refused.value.retry_after == retry_after
        assert not refused.value.uncertain
    assert time.monotonic() - began < 15


async def test_down_and_up_again(acme: ForgejoGitHost, fake: FakeForgejo) -> None:
    head = await acme.head("acme")
    assert head is not None
    await fake.stop()
    await all_unavailable(acme, 5)
    # What is known by its id needs no Forgejo.
    assert await acme.read_file("acme", head, "default/a.yaml") == b"a"
    await fake.start()
    assert await acme.head("acme") == head
    await put(acme, "default/b.yaml")
    assert len(await acme.history("acme")) == 3


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        (Fault(".", 429, {"Retry-After": "7"}), 7),
        (Fault(".", 429), 30),
        (Fault(".", 429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), 30),
        (Fault(".", 429, {"Retry-After": "999999999"}), 3600),
        (Fault(".", 500), 5),
        (Fault(".", 503, {"Retry-After": "11"}), 11),
        (Fault(".", 403), None),
        (Fault(".", 301, {"Location": "/elsewhere"}), None),
        (Fault(".", 418), None),
    ],
)
async def test_no_answer_but_a_status(
    acme: ForgejoGitHost, fake: FakeForgejo, fault: Fault, retry_after: int | None
) -> None:
    fake.faults = [fault]
    await all_unavailable(acme, retry_after)
    acme.client.left_alone_until = 0.0
    fake.faults = []
    assert len(await acme.history("acme")) == 2


async def test_after_a_429_forgejo_is_left_alone(
    acme: ForgejoGitHost, fake: FakeForgejo, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.faults = [Fault(".", 429, {"Retry-After": "7"}, times=1)]
    with pytest.raises(GitUnavailable):
        await acme.head("acme")
    fake.requests = []
    for call in asking(acme):
        with pytest.raises(GitUnavailable, match="left alone") as refused:
            await call
        assert refused.value.retry_after in range(1, 8)
    assert fake.requests == []
    real = time.monotonic
    monkeypatch.setattr("crontopus_api.gitstore.forgejo.client.monotonic", lambda: real() + 7)
    assert len(await acme.history("acme")) == 2


async def test_an_answer_that_does_not_come(
    fake_forge: Forge, acme: ForgejoGitHost, fake: FakeForgejo
) -> None:
    release = asyncio.Event()
    fake.faults = [Fault(".", release=release, lost=True)]
    await all_unavailable(fake_forge.host(answer_seconds=0.2, transfer_seconds=0.4), 5)
    fake.faults = []
    release.set()
    assert len(await acme.history("acme")) == 2


@pytest.mark.parametrize("match", ["POST /api/v1/orgs/", "hooks", "git-upload-pack", "receive-pack"])
async def test_making_a_repository_interrupted_anywhere_is_finished(
    fake_forge: Forge, fake: FakeForgejo, match: str
) -> None:
    host = fake_forge.host(webhook_url="http://127.0.0.1:9/git/webhook", webhook_key=b"k" * 32)
    fake.faults = [Fault(match, work_first=work_first) for work_first in (True, False)]
    for fault in fake.faults:
        fault.times = 1
    fake.faults[1].skip = 1
    for _ in range(2):
        with pytest.raises(GitUnavailable):
            await host.ensure_repository("acme", TENANT)
    fake.faults = []
    await host.ensure_repository("acme", TENANT)
    assert len(await host.history("acme")) == 1
    assert len(await host.client.hooks("acme")) == 1


async def test_webhooks_switched_off_are_done_without(fake_forge: Forge, fake: FakeForgejo) -> None:
    host = fake_forge.host(webhook_url="http://127.0.0.1:9/git/webhook", webhook_key=b"k" * 32)
    fake.faults = [Fault("hooks", 403)]
    await host.ensure_repository("acme", TENANT)
    assert len(await host.history("acme")) == 1


async def test_a_wrong_token_says_so(fake_forge: Forge) -> None:
    config = ForgejoConfig(fake_forge.url, "f" * 40, organization=fake_forge.organization)
    host = ForgejoGitHost(config, fake_forge.directory / "wrong")
    for call in asking(host):
        with pytest.raises(GitUnavailable, match="refuses Crontopus' token"):
            await call
    await host.aclose()


async def test_a_push_that_is_refused_at_its_start_is_not_uncertain(
    acme: ForgejoGitHost, fake: FakeForgejo
) -> None:
    fake.faults = [Fault("GET .*service=git-receive-pack", 429)]
    with pytest.raises(GitUnavailable) as refused:
        await put(acme, "default/b.yaml")
    assert (refused.value.uncertain, refused.value.retry_after) == (False, 30)


async def test_a_lost_answer_to_a_push_is_looked_up(acme: ForgejoGitHost, fake: FakeForgejo) -> None:
    fake.faults = [Fault("POST .*git-receive-pack", 502, work_first=True, times=1)]
    result = await put(acme, "default/b.yaml")
    assert fake.faults[0].seen == 1
    assert result.changed
    assert [commit.id for commit in await acme.history("acme", limit=1)] == [result.commit]
    assert len(await acme.history("acme")) == 3


async def test_a_lost_answer_to_a_push_under_others_is_looked_up(
    fake_forge: Forge, acme: ForgejoGitHost, fake: FakeForgejo
) -> None:
    """When it is looked for, somebody else has already built upon it."""
    look = Fault("POST .*git-upload-pack", release=asyncio.Event(), skip=1, times=1)
    fake.faults = [Fault("POST .*git-receive-pack", 502, work_first=True, times=1), look]
    pushing = asyncio.ensure_future(put(acme, "default/b.yaml"))
    await look.reached.wait()
    await put(fake_forge.host("other"), "default/c.yaml")
    assert look.release is not None
    look.release.set()
    result = await pushing
    assert result.changed
    assert [c.message for c in await acme.history("acme", limit=2)] == [
        "Set default/c.yaml",
        "Set default/b.yaml",
    ]


async def test_a_push_without_answer_is_uncertain(acme: ForgejoGitHost, fake: FakeForgejo) -> None:
    for work_first, commits in ((False, 2), (True, 3)):
        fake.faults = [
            Fault("POST .*git-receive-pack", 502, work_first=work_first),
            Fault("POST .*git-upload-pack", 503, skip=1),
        ]
        with pytest.raises(GitUnavailable) as unknown:
            await put(acme, "default/b.yaml")
        assert unknown.value.uncertain
        fake.faults = []
        assert len(await acme.history("acme")) == commits
    result = await acme.commit("acme", author=ANN, message="m", edits={"default/b.yaml": b"a"})
    assert not result.changed


async def test_a_push_that_failed_and_is_not_there_may_yet_come(
    acme: ForgejoGitHost, fake: FakeForgejo
) -> None:
    """A proxy gave up waiting, Forgejo may not have: main is still where it was, and that says nothing."""
    fake.faults = [Fault("POST .*git-receive-pack", 504)]
    with pytest.raises(GitUnavailable) as unknown:
        await put(acme, "default/b.yaml")
    assert unknown.value.uncertain
    assert fake.faults[0].seen == 1


async def test_a_push_that_hangs_is_given_up_as_uncertain(
    fake_forge: Forge, acme: ForgejoGitHost, fake: FakeForgejo
) -> None:
    release = asyncio.Event()
    fake.faults = [Fault("POST .*git-receive-pack", release=release)]
    # On acme's cache, so that only the push itself is waited for.
    impatient = fake_forge.host(transfer_seconds=3.0)
    with pytest.raises(GitUnavailable) as unknown:
        await put(impatient, "default/b.yaml")
    assert unknown.value.uncertain
    release.set()
    fake.faults = []
    await put(acme, "default/c.yaml")
    assert not list(acme.shelf.path("acme").rglob("*.lock"))


async def test_a_commit_that_forgejo_does_not_take(
    fake_forge: Forge, acme: ForgejoGitHost, fake: FakeForgejo
) -> None:
    """A protected branch, a quota: its hook says no."""
    hook = fake.repo_path(fake_forge.organization, "job-manifests-acme") / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'main is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    head = await acme.head("acme")
    with pytest.raises(GitUnavailable, match="main is protected") as refused:
        await put(acme, "default/b.yaml")
    assert not refused.value.uncertain
    assert await acme.head("acme") == head


async def test_objects_that_git_refuses_do_not_come_into_the_cache(
    fake_forge: Forge, acme: ForgejoGitHost, fake: FakeForgejo
) -> None:
    """`.git` in a tree, put there past Git's own checks."""
    git = ["git", "--git-dir", str(fake.repo_path(fake_forge.organization, "job-manifests-acme"))]

    def run(*arguments: str, data: bytes = b"") -> str:
        done = subprocess.run([*git, *arguments], input=data, capture_output=True, check=True)
        return done.stdout.decode().strip()

    old = run("rev-parse", "main")
    blob = run("hash-object", "-w", "--stdin", data=b"x")
    tree = b"100644 .git\0" + bytes.fromhex(blob)
    evil = run("hash-object", "--literally", "-t", "tree", "-w", "--stdin", data=tree)
    identity = ["-c", "user.name=x", "-c", "user.email=x@x"]
    commit = run(*identity, "commit-tree", evil, "-p", old, "-m", "evil")
    run("update-ref", "refs/heads/main", commit)
    assert await acme.head("acme") == commit
    with pytest.raises(GitUnavailable, match="fsck"):
        await acme.list_files("acme", commit)
    assert await acme.read_file("acme", old, "default/a.yaml") == b"a"
    run("update-ref", "refs/heads/main", old)
    await put(acme, "default/b.yaml")


DYING = """
import asyncio, os, signal, sys
from pathlib import Path
from crontopus_api.gitstore import Author, CommitResult
from crontopus_api.gitstore.forgejo.config import ForgejoConfig
from crontopus_api.gitstore.forgejo.host import ForgejoGitHost

url, token, organization, cache, step = *sys.argv[1:5], int(sys.argv[5])
EVENTS = {"open", "os.rename", "os.mkdir", "os.link", "os.utime", "os.remove", "subprocess.Popen"}
count = 0

def hook(event, arguments):
    global count
    if event in EVENTS and (event == "subprocess.Popen" or cache in os.fsdecode(str(arguments[0]))):
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)

async def main():
    host = ForgejoGitHost(ForgejoConfig(url, token, organization=organization), Path(cache))
    sys.addaudithook(hook)
    edits = {f"default/n{step}.yaml": b"new", "default/shared.yaml": b"%d" % step}
    await host.commit("acme", author=Author("a", "a@b"), message=f"step {step}", edits=edits)
    await host.aclose()

asyncio.run(main())
"""


async def test_killed_at_steps_of_a_commit(fake_forge: Forge, fake: FakeForgejo) -> None:
    """`kill -9` with a cache that was lost before, so that fetching is among the steps."""
    maker = fake_forge.host("maker")
    await maker.ensure_repository("acme", TENANT)
    repository = fake.repo_path(fake_forge.organization, "job-manifests-acme")
    stride = 9  # of about a hundred steps
    step, code, outcomes = 1 - stride, -signal.SIGKILL, []
    while code == -signal.SIGKILL:
        step += stride
        cache = fake_forge.directory / f"cache{step}"
        old = await maker.head("acme")
        arguments = [fake_forge.url, fake_forge.token, fake_forge.organization, str(cache), str(step)]
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", DYING, *arguments)
        code = await child.wait()
        # Nobody stands in the way of the next process, on the same cache: not locks, not half an object.
        host = fake_forge.host(cache.name)
        await put(host, f"default/after{step}.yaml", b"%d" % step)
        messages = [commit.message for commit in await maker.history("acme", limit=3)]
        outcomes.append(messages.count(f"step {step}"))
        assert await maker.is_ancestor("acme", str(old), str(await maker.head("acme")))
        fsck(repository)
        fsck(host.shelf.path("acme"))
    assert code == 0
    assert outcomes[0] == 0
    assert outcomes[-1] == 1
    assert len(outcomes) > 8
    assert outcomes == sorted(outcomes)  # nothing, nothing, …, all: one instant decides


def fsck(repository: Path) -> None:
    command = ["git", "--git-dir", str(repository), "fsck", "--strict", "--full"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}
    )
    assert done.returncode == 0, done
    assert [line for line in done.stderr.splitlines() if "garbage" not in line] == []
