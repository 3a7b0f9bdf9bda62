"""What happens to several tenants at once is handled in one transaction, and each hears of its own only."""

from typing import Any

from sqlalchemy import event

from crontopus_api.kit.ids import uuid7

from ..platform import Person, Platform
from .acting import deliver, settle
from .mail import Sink

_JOB = """apiVersion: crontopus/v1
kind: Job
metadata: {{name: {name}, id: {id}}}
spec: {{schedule: "0 2 * * *"}}
"""


async def _failing(platform: Platform, person: Person, name: str, job_id: str) -> None:
    path = f"default/{name}.yaml"
    files = [{"path": path, "content": _JOB.format(name=name, id=job_id)}]
    answer = await person.api.post("/api/v1/jobs:apply", json={"files": files})
    assert answer.is_success, answer.text
    await platform.ping((await person.get(f"/jobs/default/{name}"))["ping_url"] + "/fail")


async def _statements_of(platform: Platform) -> int:
    """How many it takes to handle what has happened."""
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    engine = platform.services.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert await platform.services.incident_keeper.handle_changes()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(statements)


async def test_jobs_of_the_same_id_are_not_mixed_up(platform: Platform, ada: Person, sink: Sink) -> None:
    """A tenant may give its job the id of another's."""
    bob, job_id = await platform.register("bob"), str(uuid7())
    await _failing(platform, ada, "hers", job_id)
    await _failing(platform, bob, "his", job_id)
    await settle(platform)
    for person, name in ((ada, "hers"), (bob, "his")):
        [incident] = (await person.get("/incidents"))["items"]
        assert incident["title"] == f"default/{name} is failing"
        await deliver(platform, person)
    assert {str(each["to"]): str(each["subject"]).count("default/hers") for each in sink.messages} == {
        "ada@example.org": 1,
        "bob@example.org": 0,
    }


async def test_many_tenants_cost_as_many_statements_as_one(platform: Platform, ada: Person) -> None:
    people = [await platform.register(f"person-{number}") for number in range(5)]
    await _failing(platform, ada, "first", str(uuid7()))
    alone = await _statements_of(platform)
    for each in people:
        await _failing(platform, each, "job", str(uuid7()))
    assert await _statements_of(platform) == alone
    assert [len((await each.get("/incidents"))["items"]) for each in people] == [1] * 5
