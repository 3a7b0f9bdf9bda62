"""Jobs that agents find: shown under discovered/, adopted by people."""

import base64
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crontopus_api.jobs.discovered.manifests import content_of, path_of
from crontopus_api.jobs.discovered.schemas import FoundIn
from crontopus_api.kit.ids import uuid7
from crontopus_api.tenants import plans

from ..platform import Person, Platform

BACKUP = {
    "id": "cron-1",
    "source": "crontab",
    "place": "line 3",
    "schedule": "0 2 * * *",
    "command": "nice /opt/backup.sh --all",
}
WARM_UP = {"id": "cron-2", "source": "crontab", "place": "line 4", "command": "/opt/warm-up"}
SECRET = BACKUP | {"id": "cron-3", "command": "/opt/sync --token [REDACTED]", "redacted": True}


async def machine_of(
    platform: Platform, person: Person, hostname: str = "web-1.example.com"
) -> httpx.AsyncClient:
    token = (await person.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    key = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    body = {
        "token": token,
        "hostname": hostname,
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1.0",
        "machine_id": hostname,
        "public_key": key,
    }
    answer = await platform.client().post("/api/v1/endpoints/enroll", json=body)
    assert answer.status_code == 201, answer.text
    return platform.client(answer.json()["token"])


@pytest.fixture
async def machine(platform: Platform, ada: Person) -> httpx.AsyncClient:
    return await machine_of(platform, ada)


async def tell(machine: httpx.AsyncClient, *entries: dict[str, Any], status: int = 200) -> Any:
    answer = await machine.post("/api/v1/endpoints/self/discovered", json={"entries": list(entries)})
    assert answer.status_code == status, answer.text
    return answer.json()


async def found(person: Person) -> list[str]:
    jobs = (await person.get("/jobs", namespace="discovered"))["items"]
    return sorted(job["name"] for job in jobs)


async def adopt(person: Person, name: str, status: int = 200, **more: Any) -> Any:
    body = {"namespace": "web", "name": "backup", **more}
    answer = await person.api.post(f"/api/v1/jobs/discovered/{name}/adopt", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_what_is_found_is_shown_and_follows_the_machine(
    ada: Person, machine: httpx.AsyncClient
) -> None:
    first = await tell(machine, BACKUP, WARM_UP, SECRET)
    assert (first["kept"], [each["id"] for each in first["left_out"]]) == (2, ["cron-2"])
    names = await found(ada)
    assert [name.rsplit("-", 1)[0] for name in names] == ["web-1-backup", "web-1-sync"]
    job = await ada.get(f"/jobs/discovered/{names[0]}")
    assert (job["enabled"], job["manifest"]["spec"]["selector"]) == (False, {"hostname": "web-1.example.com"})
    assert job["manifest"]["metadata"]["annotations"]["crontopus.dev/adopts"] == "cron-1"
    assert (await tell(machine, BACKUP, WARM_UP, SECRET))["commit"] is None
    changed = await tell(machine, BACKUP | {"schedule": "0 3 * * *"})
    assert changed["commit"] != first["commit"]
    assert await found(ada) == names[:1]
    assert (await ada.get(f"/jobs/discovered/{names[0]}"))["schedule"] == ["0 3 * * *"]
    assert (await tell(machine))["kept"] == 0
    assert await found(ada) == []


async def test_machines_keep_to_what_is_theirs(
    platform: Platform, ada: Person, machine: httpx.AsyncClient
) -> None:
    other = await machine_of(platform, ada, "web-2")
    await tell(machine, BACKUP)
    await tell(other, BACKUP)  # the same line on another machine is another job
    assert len(await found(ada)) == 2
    await tell(other)
    assert [name.rsplit("-", 1)[0] for name in await found(ada)] == ["web-1-backup"]
    bob = await platform.register("bob")
    assert await found(bob) == []


async def test_adoption_moves_and_enables(ada: Person, machine: httpx.AsyncClient) -> None:
    await tell(machine, BACKUP)
    [name] = await found(ada)
    before = await ada.get(f"/jobs/discovered/{name}")
    plan = await ada.api.post(
        f"/api/v1/jobs/discovered/{name}/adopt?dry_run=true", json={"namespace": "web", "name": "backup"}
    )
    assert plan.status_code == 200
    assert await found(ada) == [name]
    job = await adopt(ada, name)
    assert (job["namespace"], job["name"], job["enabled"]) == ("web", "backup", True)
    assert job["id"] == before["id"]
    assert job["manifest"]["metadata"]["annotations"]["crontopus.dev/adopts"] == "cron-1"
    # Until the agent has applied it, it goes on finding it.
    again = await tell(machine, BACKUP)
    assert (again["kept"], again["commit"]) == (0, None)
    assert again["left_out"] == [{"id": "cron-1", "reason": "adopted as web/backup"}]
    assert await found(ada) == []


async def test_a_command_without_its_secret_is_not_adopted(ada: Person, machine: httpx.AsyncClient) -> None:
    await tell(machine, SECRET, BACKUP | {"id": "cron-4", "fixed": "a systemd timer"})
    fixed, secret = await found(ada)
    assert (await adopt(ada, secret, 422))["code"] == "redacted"
    assert (await adopt(ada, secret, 422, command="/opt/sync --token [REDACTED]"))["code"] == "redacted"
    assert (await adopt(ada, fixed, 422))["code"] == "not_adoptable"
    job = await adopt(ada, secret, command="/opt/sync --token-file /etc/sync.token")
    assert job["manifest"]["spec"]["command"] == "/opt/sync --token-file /etc/sync.token"
    assert (await adopt(ada, "gone", 404))["code"] == "not_found"
    assert (await adopt(ada, fixed, 422, namespace="discovered"))["code"] == "not_discovered"


async def test_names_that_are_taken_and_stale_views(ada: Person, machine: httpx.AsyncClient) -> None:
    await tell(machine, BACKUP)
    [name] = await found(ada)
    await ada.put_job("web/backup")
    assert (await adopt(ada, name, 409))["code"] == "already_exists"
    answer = await ada.api.post(
        f"/api/v1/jobs/discovered/{name}/adopt",
        json={"namespace": "web", "name": "other"},
        headers={"If-Match": '"0000"'},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_etag")


async def test_policies_are_for_adopted_jobs(ada: Person, machine: httpx.AsyncClient) -> None:
    policy = (
        "apiVersion: v1\nkind: Policy\nmetadata: {name: users}\nspec: {rules: {allowedUsers: [backup]}}\n"
    )
    files = [{"path": ".crontopus/policies/users.yaml", "content": policy}]
    assert (await ada.api.post("/api/v1/jobs:apply", json={"files": files})).status_code == 200
    assert (await tell(machine, BACKUP))["kept"] == 1
    [name] = await found(ada)
    assert (await adopt(ada, name, 422))["code"] == "policy_violation"


async def test_a_tenant_may_not_want_to_know(ada: Person, machine: httpx.AsyncClient) -> None:
    answer = await ada.api.patch("/api/v1/tenants/current", json={"discovery": False})
    assert (answer.status_code, answer.json()["discovery"]) == (200, False)
    assert await tell(machine, BACKUP) == {"enabled": False, "kept": 0, "left_out": [], "commit": None}
    assert await found(ada) == []
    assert (await ada.api.patch("/api/v1/tenants/current", json={})).status_code == 422


async def test_the_plan_has_room_for_so_many(
    ada: Person, machine: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = (await ada.get("/tenants/current"))["plan"]
    small = replace(plans.PLANS[plan], jobs=3)
    monkeypatch.setitem(plans.PLANS, plan, small)
    await ada.put_job("web/mine")
    many = [BACKUP | {"id": f"cron-{n}"} for n in range(5)]
    answer = await tell(machine, *many)
    assert answer["kept"] == 2
    assert {each["reason"] for each in answer["left_out"]} == {"the tenant's plan has no room for more jobs"}
    again = await tell(machine, *many)
    assert (again["kept"], again["commit"]) == (2, None)


async def test_hostile_reports(ada: Person, machine: httpx.AsyncClient) -> None:
    for entry in (
        BACKUP | {"id": "../../x"},
        BACKUP | {"id": ""},
        BACKUP | {"command": "x" * 5000},
        BACKUP | {"enabled": True},
        {"id": "x"},
    ):
        await tell(machine, entry, status=422)
    await tell(machine, *[BACKUP | {"id": f"c{n}"} for n in range(501)], status=422)
    odd = await tell(
        machine,
        BACKUP | {"id": "a", "schedule": "at noon"},
        BACKUP | {"id": "b", "command": "x\u0007y"},
        BACKUP | {"id": "c", "user": "no such name"},
        BACKUP | {"id": "d", "command": "echo '}\n- kind: Policy'"},
    )
    assert (odd["kept"], [each["id"] for each in odd["left_out"]]) == (2, ["a", "c"])


def test_the_path_is_always_the_same_and_nobody_elses() -> None:
    endpoint, entry = uuid7(), FoundIn.model_validate(BACKUP)
    path = path_of(endpoint, "WEB_1.Example.com", entry)
    assert path == path_of(endpoint, "WEB_1.Example.com", entry)
    assert path != path_of(uuid7(), "WEB_1.Example.com", entry)
    assert path != path_of(endpoint, "WEB_1.Example.com", entry.model_copy(update={"id": "cron-9"}))
    assert path.startswith("discovered/web-1-backup-")
    long = path_of(endpoint, "h" * 200, entry.model_copy(update={"command": "/opt/" + "x" * 300}))
    assert len(long) <= len("discovered/") + 63 + len(".yaml")
    assert b"enabled: false" in content_of(endpoint, "web-1", entry, path)
