"""The answers of Forgejo that Crontopus relies on: statuses and fields, on the fake and on a real one alike."""

from datetime import UTC, datetime, timedelta

import httpx

from crontopus_api.gitstore.forgejo.pktline import listed_ref, ls_refs_request

from .conftest import GitClient
from .forges import Forge

HOOK = {
    "type": "forgejo",
    "active": True,
    "events": ["push"],
    "branch_filter": "main",
    "config": {"url": "http://127.0.0.1:9/hook", "content_type": "json", "secret": "a secret"},
}


async def made(forge: Forge, name: str = "job-manifests-acme") -> str:
    await forge.api("POST", "orgs", {"username": forge.organization, "visibility": "private"})
    body = {"name": name, "private": True, "default_branch": "main", "description": "d"}
    answer = await forge.api("POST", f"orgs/{forge.organization}/repos", body)
    assert answer.status_code == 201, answer.text
    return f"repos/{forge.organization}/{name}"


async def test_a_wrong_token(forge: Forge) -> None:
    answer = await forge.api("GET", f"orgs/{forge.organization}", token="f" * 40)
    assert answer.status_code == 401
    assert "message" in answer.json()


async def test_an_organisation(forge: Forge) -> None:
    path = f"orgs/{forge.organization}"
    assert (await forge.api("GET", path)).status_code == 404
    body = {"username": forge.organization, "visibility": "private"}
    assert (await forge.api("POST", "orgs", body)).status_code == 201
    again = await forge.api("POST", "orgs", body)
    assert (again.status_code, "already exists" in again.json()["message"]) == (422, True)
    found = (await forge.api("GET", path)).json()
    assert (type(found["id"]), found["username"], found["visibility"]) == (int, forge.organization, "private")


async def test_a_repository(forge: Forge) -> None:
    body = {"name": "job-manifests-acme", "private": True, "default_branch": "main"}
    early = await forge.api("POST", f"orgs/{forge.organization}/repos", body)
    assert early.status_code == 404
    path = await made(forge)
    again = await forge.api("POST", f"orgs/{forge.organization}/repos", body)
    assert (again.status_code, "already exists" in again.json()["message"]) == (409, True)
    found = (await forge.api("GET", path)).json()
    assert (found["name"], found["private"], found["default_branch"]) == ("job-manifests-acme", True, "main")
    assert (await forge.api("DELETE", path)).status_code == 204
    assert (await forge.api("DELETE", path)).status_code == 404
    assert (await forge.api("GET", path)).status_code == 404


async def test_hooks_are_listed_without_their_secrets(forge: Forge) -> None:
    path = await made(forge) + "/hooks"
    created = await forge.api("POST", path, HOOK)
    assert created.status_code == 201
    for shown in (created.json(), (await forge.api("GET", f"{path}?limit=50&page=1")).json()[0]):
        assert shown["config"] == {"url": "http://127.0.0.1:9/hook", "content_type": "json"}
        assert (shown["active"], shown["events"], shown["branch_filter"]) == (True, ["push"], "main")
        assert "a secret" not in str(shown)
    assert (await forge.api("GET", f"{path}?limit=50&page=2")).json() == []
    hook = f"{path}/{created.json()['id']}"
    assert (await forge.api("DELETE", hook)).status_code == 204
    assert (await forge.api("DELETE", hook)).status_code == 404
    assert (await forge.api("GET", path.replace("acme", "none"))).status_code == 404


async def test_wrong_hooks(forge: Forge) -> None:
    path = await made(forge) + "/hooks"
    assert (await forge.api("POST", path, HOOK | {"type": "pigeon"})).status_code == 422
    assert (await forge.api("POST", path, HOOK | {"config": {"url": "http://x/"}})).status_code == 422


async def test_what_was_pushed_to_last_comes_first(forge: Forge, git: GitClient) -> None:
    await made(forge)
    await made(forge, "job-manifests-umbrella")
    org = (await forge.api("GET", f"orgs/{forge.organization}")).json()["id"]
    query = f"repos/search?uid={org}&exclusive=true&sort=updated&order=desc&limit=50"
    answer = (await forge.api("GET", f"{query}&page=1")).json()
    assert answer["ok"] is True
    assert {entry["name"] for entry in answer["data"]} == {"job-manifests-acme", "job-manifests-umbrella"}
    for entry in answer["data"]:
        at = datetime.fromisoformat(entry["updated_at"])
        assert at.tzinfo is not None
        assert at.microsecond == 0
        assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert (await forge.api("GET", f"{query}&page=2")).json()["data"] == []
    one = (await forge.api("GET", f"{query.replace('limit=50', 'limit=1')}&page=2")).json()["data"]
    assert len(one) == 1


async def git_http(
    forge: Forge, path: str, body: bytes, headers: dict[str, str], token: str | None = None
) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        address = f"{forge.url}/{forge.organization}/{path}"
        auth = ("anyone", token or forge.token)
        return await client.post(address, content=body, headers=headers, auth=auth)


async def test_where_a_branch_is(forge: Forge, git: GitClient) -> None:
    await made(forge)
    body = ls_refs_request("refs/heads/main")
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2"}
    path = "job-manifests-acme.git/git-upload-pack"
    empty = await git_http(forge, path, body, headers)
    assert (empty.status_code, empty.content) == (200, b"0000")
    await git.ok("init", "-q", "-b", "main", "work")
    work = git.home / "work"
    await git.ok("commit", "-q", "--allow-empty", "-m", "m", cwd=work)
    await git.ok("push", "-q", forge.address(), "main", "main:main2", cwd=work)
    answer = await git_http(forge, path, body, headers)
    assert answer.headers["content-type"] == "application/x-git-upload-pack-result"
    assert listed_ref(answer.content, "refs/heads/main") == await git.ok("rev-parse", "HEAD", cwd=work)
    assert listed_ref(answer.content, "refs/heads/mai") is None
    assert b"main2" in answer.content  # a prefix is a prefix


async def test_git_without_repository_token_or_media_type(forge: Forge) -> None:
    await made(forge)
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2"}
    body = ls_refs_request("refs/heads/main")
    missing = await git_http(forge, "job-manifests-none.git/git-upload-pack", body, headers)
    assert missing.status_code == 404
    push = {"Content-Type": "application/x-git-receive-pack-request"}
    unmade = await git_http(forge, "job-manifests-none.git/git-receive-pack", b"0000", push)
    assert unmade.status_code == 403
    wrong = await git_http(forge, "job-manifests-acme.git/git-upload-pack", body, headers, "f" * 40)
    assert wrong.status_code == 401
    media = {"Content-Type": "application/json"}
    other = await git_http(forge, "job-manifests-acme.git/git-upload-pack", body, media)
    assert other.status_code == 401
