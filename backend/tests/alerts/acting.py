"""What tests of alerting do again and again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from crontopus_api.alerts.routing import owners_id
from crontopus_api.worker.main import queue_app

from ..platform import Person, Platform
from .receiver import Receiver


async def settle(platform: Platform) -> None:
    """Status changes become incidents and deliveries."""
    while await platform.services.incident_keeper.handle_changes():
        pass


async def work(platform: Platform) -> None:
    """What a worker does, until nothing is due any more."""
    app = queue_app(platform.services)
    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


async def fail(platform: Platform, person: Person, *names: str) -> list[str]:
    """Jobs fail: their ping addresses."""
    urls = []
    for name in names or ("default/hello",):
        urls.append((await person.put_job(name))["ping_url"])
        await platform.ping(urls[-1] + "/fail")
    await settle(platform)
    return urls


async def deliver(
    platform: Platform, person: Person, channel_id: str | UUID | None = None, target: str | None = None
) -> timedelta | None:
    """By the channel, or by the built-in one to the person themselves."""
    channel = UUID(str(channel_id)) if channel_id else owners_id(person.tenant_id)
    to = target or f"{person.username}@example.org"
    return await platform.services.alerts.deliveries.deliver(person.tenant_id, channel, to)


async def make_channel(person: Person, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"name": config["kind"], "default": True, "config": config} | more
    answer = await person.api.post("/api/v1/channels", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def verified_hook(person: Person, hook: Receiver, **more: Any) -> dict[str, Any]:
    """A channel of the kind webhook that was tested, and forgets that it was."""
    made = await make_channel(person, {"kind": "webhook", "url": f"{hook.url}/hook"}, **more)
    answer = await person.api.post(f"/api/v1/channels/{made['id']}/test")
    assert answer.json()["ok"], answer.text
    hook.asked.clear()
    return made


async def hush_owners(person: Person) -> None:
    """The built-in channel is told of nothing."""
    await patch(person, str(owners_id(person.tenant_id)), default=False)


async def patch(person: Person, channel_id: str, **values: Any) -> dict[str, Any]:
    answer = await person.api.patch(f"/api/v1/channels/{channel_id}", json=values)
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


async def rows(platform: Platform, person: Person, query: str) -> Sequence[Any]:
    async with platform.services.database.tenant(person.tenant_id) as session:
        return (await session.execute(text(query))).all()


async def states(platform: Platform, person: Person) -> dict[str, int]:
    """How many deliveries are in each state."""
    found = await rows(platform, person, "SELECT state, count(*) FROM deliveries GROUP BY state")
    return {row.state: row.count for row in found}
