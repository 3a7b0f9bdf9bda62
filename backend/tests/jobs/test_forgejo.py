"""The whole product on a Forgejo: changes by API, pushes past it, its webhooks, and its absence."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from crontopus_api.gitstore.forgejo.hooks import webhook_secret
from crontopus_api.gitstore.forgejo.host import ForgejoGitHost
from crontopus_api.worker.repositories import RepositoryUpkeep

from ..gitstore.fake_forgejo import TOKEN, FakeForgejo, Fault
from ..platform import Person, Platform, running_platform
from .git import git
from .killed import JOB


@pytest.fixture
async def forgejo(tmp_path: Path) -> AsyncIterator[FakeForgejo]:
    async with FakeForgejo(tmp_path / "forgejo").serve() as fake:
        yield fake


@pytest.fixture
async def platform(database_url: str, tmp_path: Path, forgejo: FakeForgejo) -> AsyncIterator[Platform]:
    more = {"git_host": "forgejo", "forgejo_url": forgejo.url, "forgejo_token": TOKEN}
    async with running_platform(database_url, tmp_path / "data", **more) as running:
        yield running


async def _push(forgejo: FakeForgejo, scratch: Path, files: dict[str, bytes]) -> str:
    """A push by somebody with an account on Forgejo; the commit."""
    scheme, _, rest = forgejo.url.partition("://")
    work = scratch / "work"
    if not work.exists():
        address = f"{scheme}://x:{TOKEN}@{rest}/crontopus/job-manifests-ada.git"
        await git("clone", "-q", address, work, cwd=scratch)
    await git("pull", "-q", cwd=work)
    for path, content in files.items():
        (work / path).write_bytes(content)
    await git("add", "-A", cwd=work)
    await git("commit", "-q", "-m", "by hand", cwd=work)
    await git("push", "-q", "origin", "HEAD:main", cwd=work)
    return await git("rev-parse", "HEAD", cwd=work)


async def _tell(platform: Platform, commit: str, *, key: bytes | None = None) -> httpx.Response:
    """What Forgejo sends after a push."""
    host = platform.services.git
    assert isinstance(host, ForgejoGitHost)
    payload = {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": commit,
        "repository": {"name": "job-manifests-ada"},
    }
    body = json.dumps(payload).encode()
    secret = webhook_secret(key or host.config.webhook_key, "ada")
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Forgejo-Signature": signature}
    return await platform.client().post("/git/webhook/ada", content=body, headers=headers)


async def test_changes_are_signed_commits_on_forgejo(
    platform: Platform, ada: Person, forgejo: FakeForgejo, tmp_path: Path
) -> None:
    job = await ada.put_job()
    bare = forgejo.repo_path("crontopus", "job-manifests-ada")
    assert await git("rev-parse", "main", cwd=bare) == job["commit"]
    allowed = tmp_path / "allowed"
    allowed.write_text((await platform.client().get("/api/v1/signers")).json()["allowed_signers"])
    await git("-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", job["commit"], cwd=bare)


async def test_a_push_is_in_force_when_forgejo_has_told_of_it(
    platform: Platform, ada: Person, forgejo: FakeForgejo, tmp_path: Path
) -> None:
    await ada.put_job("default/other")
    commit = await _push(forgejo, tmp_path, {"default/hello.yaml": JOB})
    forged = await _tell(platform, commit, key=b"x" * 32)
    assert forged.status_code == 401
    assert (await ada.api.get("/api/v1/jobs/default/hello")).status_code == 404
    for _ in range(2):  # a delivery may come twice
        assert (await _tell(platform, commit)).status_code == 204
    job = await ada.get("/jobs/default/hello")
    assert (job["commit"], job["changed_by"]) == (commit, "bob")


async def test_a_push_nobody_told_of_is_found_by_polling(
    platform: Platform, ada: Person, forgejo: FakeForgejo, tmp_path: Path
) -> None:
    await ada.put_job("default/other")
    upkeep = RepositoryUpkeep(platform.services)
    await upkeep.round()
    await _push(forgejo, tmp_path, {"default/hello.yaml": JOB, "default/other.yaml": b"kind: Job\n"})
    await upkeep.round()
    assert (await ada.get("/jobs/default/hello"))["schedule"] == ["0 2 * * *"]
    # This host could not refuse the broken file: the last good definition stays, and says so.
    other = await ada.get("/jobs/default/other")
    assert (other["schedule"], bool(other["errors"])) == (["0 2 * * *"], True)


async def test_without_forgejo_jobs_are_read_but_not_changed(
    platform: Platform, ada: Person, forgejo: FakeForgejo
) -> None:
    await ada.put_job()
    forgejo.faults.append(Fault("", status=503, headers={"Retry-After": "7"}, times=1_000))
    assert (await ada.get("/jobs/default/hello"))["name"] == "hello"
    answer = await ada.api.put("/api/v1/jobs/default/hello", json={"spec": {"schedule": "@daily"}})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert TOKEN not in answer.text
    await RepositoryUpkeep(platform.services).round()  # complains, and goes on
