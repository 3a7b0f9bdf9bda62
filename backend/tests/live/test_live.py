"""Hints arrive at the tenant they are for, and at no other."""

import asyncio
from uuid import uuid4

from crontopus_api.live.topics import ALL, announce, decode, encode

from ..platform import Person, Platform


def test_a_notification_names_tenants_until_there_are_too_many() -> None:
    few = {uuid4() for _ in range(3)}
    assert decode(encode(few, ("runs", "jobs"))) == (few, frozenset({"runs", "jobs"}))
    many = encode((uuid4() for _ in range(1000)), ("runs",))
    assert len(many) < 8000
    assert decode(many) == (None, frozenset({"runs"}))


async def test_a_change_reaches_its_tenant_only(platform: Platform, ada: Person) -> None:
    grace = await platform.register("grace")
    services = platform.services
    async with (
        services.hub.subscribe(ada.tenant_id) as hers,
        services.hub.subscribe(grace.tenant_id) as other,
    ):
        first, _ = await asyncio.gather(hers.wait(10), other.wait(0.5))
        assert first <= ALL
        async with services.database.tenant(ada.tenant_id) as session:
            await announce(session, ada.tenant_id, "runs")
            await announce(session, ada.tenant_id, "jobs")
        topics: set[str] = set()
        while topics < {"runs", "jobs"}:
            topics |= await hers.wait(10)
        assert topics == {"runs", "jobs"}
        assert await other.wait(0.1) == frozenset()
