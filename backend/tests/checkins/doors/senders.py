"""What tests of the doors share: a tenant's key, a job to report, and what came of it."""

from typing import Any

from ...platform import Person

EVERY_DAY = "0 2 * * *"


async def tenant_key(person: Person) -> str:
    return (await person.get("/ping-key"))["key"]


async def runs(person: Person) -> list[dict[str, Any]]:
    """Newest first."""
    return (await person.get("/runs"))["items"]


async def output(person: Person, run: dict[str, Any]) -> str:
    return (await person.api.get(f"/api/v1/runs/{run['id']}/output")).text
