"""Two tenants share the platform and never see each other."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from harness.events import listening
from harness.git import Git
from harness.narrative import Story
from harness.stack import Stack
from harness.tenant import Tenant, client, ping, with_password
from harness.waiting import eventually

Register = Callable[[str], Tenant]


@pytest.fixture
def alice(register: Register) -> Tenant:
    """A tenant with something of everything."""
    tenant = register("alice")
    url = tenant.put_job("default/secret-plan", {"schedule": "0 3 * * *"})["ping_url"]
    ping(url, "1", body="the treasure is under the oak\n")
    enrol(tenant)
    tenant.enrollment_token(name="not used yet")
    tenant.incident("default/secret-plan", "open", within=10)
    return tenant


def enrol(tenant: Tenant) -> dict[str, Any]:
    """An endpoint as an agent enrols it."""
    answer = client(tenant.base_url, None).post(
        "/endpoints/enroll",
        json={
            "token": tenant.enrollment_token(),
            "hostname": "vault",
            "platform": "linux",
            "arch": "amd64",
            "agent_version": "0",
            "public_key": "A" * 43 + "=",
            "machine_id": tenant.slug,
        },
    )
    assert answer.status_code == 201, answer.text
    endpoint: dict[str, Any] = answer.json()
    return endpoint


def test_nothing_of_another_tenant_is_seen(alice: Tenant, register: Register, story: Story) -> None:
    """Another tenant's jobs, runs, outputs, incidents and endpoints do not exist"""
    bob = register("bob")
    (run,) = alice.items("/runs")
    (incident,) = alice.items("/incidents")
    (endpoint,) = alice.items("/endpoints")
    (invitation,) = alice.items("/enrollment-tokens")
    (token,) = alice.items("/tokens")

    for noun in ("/jobs", "/instances", "/runs", "/incidents", "/endpoints", "/enrollment-tokens"):
        assert bob.items(noun) == [], noun
    assert [each["id"] for each in bob.items("/tokens")] != [token["id"]]

    hidden = {
        "GET": [
            "/jobs/default/secret-plan",
            "/jobs/default/secret-plan/next-runs",
            f"/runs/{run['id']}",
            f"/runs/{run['id']}/output",
            f"/incidents/{incident['id']}",
            f"/endpoints/{endpoint['id']}",
        ],
        "DELETE": [
            "/jobs/default/secret-plan",
            f"/endpoints/{endpoint['id']}",
            f"/enrollment-tokens/{invitation['id']}",
            f"/tokens/{token['id']}",
        ],
    }
    for method, paths in hidden.items():
        for path in paths:
            assert bob.api.request(method, path).status_code == 404, f"{method} {path}"
            assert client(bob.base_url, None).request(method, path).status_code == 401, f"{method} {path}"
    assert bob.api.patch(f"/endpoints/{endpoint['id']}", json={"name": "mine"}).status_code == 404
    assert bob.items("/runs", endpoint_id=endpoint["id"]) == []
    story.tell(f"{sum(map(len, hidden.values())) + 1} addresses of the other tenant: 404; signed out: 401")

    assert alice.get(f"/runs/{run['id']}")["id"] == run["id"], "and they are still there"
    assert alice.get(f"/endpoints/{endpoint['id']}")["state"] != "revoked"
    output = alice.api.get(f"/runs/{run['id']}/output").text
    assert output == "the treasure is under the oak\n"


def test_same_address_is_another_job(alice: Tenant, register: Register) -> None:
    """The same namespace/name in two tenants is two jobs"""
    bob = register("bob")
    mine = bob.put_job("default/secret-plan", {"schedule": "0 9 * * *"})
    theirs = alice.get("/jobs/default/secret-plan")

    assert mine["id"] != theirs["id"]
    assert mine["ping_url"] != theirs["ping_url"]
    assert theirs["schedule"] == ["0 3 * * *"]
    assert bob.items("/runs") == []


def test_repository_of_another_tenant(alice: Tenant, register: Register, git: Git, story: Story) -> None:
    """git clone and push of another tenant's repository: refused without a word about it"""
    bob = register("bob")
    theirs = with_password(alice.clone_url, bob.token)
    absent = theirs.replace(alice.slug, f"{alice.slug}-no")
    said = {}
    for name, url in (("theirs", theirs), ("absent", absent)):
        clone = git.run("clone", url, name)
        assert clone.returncode != 0
        said[name] = clone.stderr.replace("-no", "").replace(f"'{name}'", "")
        status = httpx.get(f"{url}/info/refs?service=git-upload-pack", trust_env=False).status_code
        assert status in {401, 404}
    story.tell(said["theirs"].strip().splitlines()[-1].replace(bob.token, "…"))
    assert said["theirs"] == said["absent"], "whether it exists is nobody's business"
    assert git.run("clone", with_password(alice.clone_url, "ctp_user_wrong"), "wrong").returncode != 0
    assert git.run("clone", alice.clone_url, "anonymous").returncode != 0

    own = git.clone(bob.authenticated_clone_url, "own")
    own("remote", "set-url", "origin", theirs)
    assert own.push().returncode != 0


def test_endpoint_token_is_one_endpoints(alice: Tenant, register: Register, git: Git, story: Story) -> None:
    """An endpoint's token reads its own tenant's repository and writes none"""
    bob = register("bob")
    endpoint = enrol(bob)
    token = endpoint["token"]

    git.clone(with_password(bob.clone_url, token), "own")
    checkout = git.clone(bob.authenticated_clone_url, "copy")
    checkout("remote", "set-url", "origin", with_password(bob.clone_url, token))
    checkout.write("default/x.yaml", "kind: Job\n")
    checkout.commit("As an endpoint")
    assert checkout.push().returncode != 0
    assert git.run("clone", with_password(alice.clone_url, token), "theirs").returncode != 0

    job_id = alice.get("/jobs/default/secret-plan")["id"]
    item = {"job_id": job_id, "kind": "finish", "outcome": "success"}
    sent = client(bob.base_url, token).post("/check-ins/batch", json={"items": [item]})
    story.tell(f"check-in for another tenant's job: {sent.status_code} {sent.text[:120]}")
    assert sent.json()["results"][0]["status"] == "rejected"
    assert len(alice.items("/runs")) == 1


def test_events_stay_at_home(stack: Stack, alice: Tenant, register: Register, story: Story) -> None:
    """Live events reach the own tenant only"""
    bob = register("bob")
    url = alice.get("/jobs/default/secret-plan")["ping_url"]
    own = bob.put_job("default/own", {"schedule": "0 9 * * *"})["ping_url"]
    with listening(stack.url, alice.token) as hers, listening(stack.url, bob.token) as his:
        ping(own)  # from here on his stream has nothing more to say about his own doings
        eventually(lambda: "runs" in his.topics, "his own event", within=5)
        eventually(lambda: {"jobs", "runs"} <= set(his.topics), "all of it", within=5)
        hers.clear()
        his.clear()
        for _ in range(5):
            ping(url)
        eventually(lambda: "runs" in hers.topics, "her event", within=5)
        ping(own)
        eventually(lambda: "runs" in his.topics, "his next event, later than all of hers", within=5)
        story.tell(f"five pings of hers: she hears {sorted(set(hers.topics))}")
        assert his.topics.count("runs") == 1, his.topics
