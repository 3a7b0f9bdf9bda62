"""Every operation of the API, tried by every kind of caller: one table says what each is answered."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from crontopus_api.identity.scopes import BY_ROLE, ENDPOINT_SCOPES
from crontopus_api.kit.ids import uuid7

from ..platform import Person, Platform, running_platform
from ..tenants.conftest import Join, enter_tenant, join  # noqa: F401 - `join` is a fixture
from .access import TABLE, Row

# One of each is called `hello`, as the job is: they share the name of their path's parameter.
DOCUMENTS = {
    "policies": {"enforcement": "warn", "rules": {"minimumInterval": "1m"}},
    "routes": {"channels": ["oncall"]},
    "maintenance-windows": {"schedule": "0 3 * * 0", "duration": "2h"},
}
OWNER = frozenset(BY_ROLE["owner"])


@dataclass
class Actor:
    """`refused`: whoever this is, the token is good for nothing."""

    api: httpx.AsyncClient
    kind: str = "session"
    scopes: frozenset[str] = OWNER
    refused: bool = False
    elsewhere: bool = False
    token: str = ""


@dataclass
class World:
    """A tenant with one of everything. `objects`: by the names of path parameters."""

    actors: dict[str, Actor]
    objects: dict[str, str] = field(default_factory=dict)
    slug: str = "ada"


async def _token(person: Person, **wanted: Any) -> dict[str, Any]:
    answer = await person.api.post("/api/v1/tokens", json={"name": "one", **wanted})
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


async def _endpoint(platform: Platform, ada: Person) -> dict[str, Any]:
    enrol = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    about = {
        "hostname": "web-1",
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1",
        "public_key": "A" * 43 + "=",
        "machine_id": "m",
    }
    answer = await platform.client().post("/api/v1/endpoints/enroll", json={"token": enrol, **about})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _objects(platform: Platform, ada: Person, endpoint: dict[str, Any]) -> dict[str, str]:
    job = await ada.put_job("default/hello")
    await platform.ping(job["ping_url"] + "/fail", "words")
    await platform.services.incident_keeper.handle_changes()
    for path, spec in DOCUMENTS.items():
        made = await ada.api.put(f"/api/v1/{path}/hello", json={"spec": spec})
        assert made.status_code == 201, made.text
    invited = {"email": "invited@example.org", "role": "viewer"}
    invitation = (await ada.api.post("/api/v1/invitations", json=invited)).json()
    return {
        "namespace": "default",
        "name": "hello",
        "run_id": (await ada.get("/runs"))["items"][0]["id"],
        "incident_id": (await ada.get("/incidents"))["items"][0]["id"],
        "channel_id": (await ada.get("/channels"))["items"][0]["id"],
        "delivery_id": (await ada.get("/deliveries"))["items"][0]["id"],
        "endpoint_id": endpoint["endpoint_id"],
        "token_id": (await _token(ada))["token"]["id"],
        "invitation_id": invitation["id"],
        "user_id": (await ada.get("/auth/me"))["user"]["id"],
        "session_id": str(uuid7()),
        "key": "no-such-key",
    }


@pytest.fixture
async def platform(database_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """Without the limits that so many attempts from one address meet."""
    limits = {"auth_limit": "off", "api_limit": "off"}
    async with running_platform(database_url, tmp_path / "data", **limits) as running:
        yield running


@pytest.fixture
async def world(platform: Platform, ada: Person, join: Join) -> World:  # noqa: F811
    endpoint = await _endpoint(platform, ada)
    objects = await _objects(platform, ada, endpoint)
    narrow = await _token(ada, scopes=["alerts:manage"])
    gone, old = await _token(ada), await _token(ada, expires_in_seconds=3600)
    await ada.api.delete(f"/api/v1/tokens/{gone['token']['id']}")
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(
            text("UPDATE tokens SET expires_at = now() - interval '1 minute' WHERE id = :id"),
            {"id": UUID(old["token"]["id"])},
        )
    owner = await enter_tenant(platform, ada, ada)
    eve = await platform.register("eve")
    stranger = await enter_tenant(platform, eve, eve)
    actors = {
        "anonymous": Actor(platform.client(), refused=True),
        "revoked token": Actor(platform.client(gone["secret"]), refused=True, token=gone["secret"]),
        "expired token": Actor(platform.client(old["secret"]), refused=True, token=old["secret"]),
        "narrow token": Actor(
            platform.client(narrow["secret"]), "user", frozenset(["alerts:manage"]), token=narrow["secret"]
        ),
        "endpoint": Actor(
            platform.client(endpoint["token"]),
            "endpoint",
            frozenset(ENDPOINT_SCOPES),
            token=endpoint["token"],
        ),
        "owner": Actor(owner.api, token=owner.token),
        "owner's token": Actor(ada.api, "user", token=ada.token),
        "other tenant": Actor(stranger.api, elsewhere=True, token=stranger.token),
    }
    for role in ("viewer", "editor", "admin"):
        member = await join(role, role)
        actors[role] = Actor(member.api, scopes=frozenset(BY_ROLE[role]), token=member.token)
    return World(actors, objects)


def _may(actor: Actor, door: str) -> bool:
    if door == "account":
        return actor.kind == "session"
    if door == "person":
        return actor.kind != "endpoint"
    scopes, _, of_people = door.partition(" of ")
    may = all(scope in actor.scopes for scope in scopes.split(" and "))
    return may and not (of_people and actor.kind == "endpoint")


def _expected(actor: Actor, row: Row, operation: str) -> int:
    if row.door == "public":
        return row.beyond
    if actor.refused:
        return 401
    if not _may(actor, row.door):
        return 403
    reads = operation.startswith("GET")
    return 404 if actor.elsewhere and reads and "{" in operation else row.beyond


def _address(operation: str, objects: dict[str, str], *, real: bool) -> str:
    """With the ids that there are, or with such as nobody has."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return objects[name] if real else (str(uuid7()) if name.endswith("_id") else "none-such")

    return re.sub(r"\{(\w+)\}", value, operation.partition(" ")[2])


def _operations(platform: Platform) -> Iterator[str]:
    for path, operations in platform.app.api.openapi()["paths"].items():
        yield from (f"{method.upper()} {path}" for method in operations)


def test_every_operation_has_a_row(platform: Platform) -> None:
    assert set(_operations(platform)) == set(TABLE)


async def test_everybody_is_answered_as_the_table_says(world: World) -> None:
    wrong = []
    for operation, row in TABLE.items():
        method = operation.partition(" ")[0]
        for name, actor in world.actors.items():
            expected = _expected(actor, row, operation)
            if expected == 0:
                continue
            # Who may change things is given nothing to change; who may not is given what there is.
            real = method == "GET" or expected in {401, 403} or actor.elsewhere
            answer = await actor.api.request(method, _address(operation, world.objects, real=real))
            if answer.status_code != expected:
                said = answer.text[:120].replace("\n", " ")
                wrong.append(f"{operation} by {name}: {answer.status_code}, not {expected}: {said}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("service", "door"), [("git-upload-pack", "jobs:read"), ("git-receive-pack", "jobs:write")]
)
async def test_git_asks_for_the_same_scopes(
    world: World, platform: Platform, service: str, door: str
) -> None:
    wrong = []
    for name, actor in world.actors.items():
        expected = 401 if actor.refused else 404 if actor.elsewhere else 200 if door in actor.scopes else 403
        answer = await platform.client().get(
            f"/git/crontopus/job-manifests-{world.slug}.git/info/refs",
            params={"service": service},
            auth=("token", actor.token) if actor.token else None,
        )
        if answer.status_code != expected:
            wrong.append(f"{service} by {name}: {answer.status_code}, not {expected}")
    assert not wrong, "\n".join(wrong)
