"""Which check-ins a group may take while others are on their way."""

import pytest

from crontopus_api.checkins import line
from crontopus_api.checkins.cache import StatusCache
from crontopus_api.checkins.line import Line, Waiting
from crontopus_api.checkins.records import CheckIn, Output, Target
from crontopus_api.kit.errors import Unavailable
from crontopus_api.kit.ids import uuid7

TENANT = uuid7()


def of(target: Target, content: bytes = b"") -> CheckIn:
    output = Output(content, len(content), False) if content else None
    return CheckIn(event_id=uuid7(), target=target, kind="finish", source="ping", output=output)


def instance() -> Target:
    return Target(tenant_id=TENANT, instance_id=uuid7())


@pytest.fixture
def cache() -> StatusCache:
    return StatusCache()


def targets(group: list[Waiting]) -> list[Target]:
    return [each.check_in.target for each in group]


async def test_what_follows_of_an_instance_waits_until_the_group_has_landed(cache: StatusCache) -> None:
    waiting, one, other = Line(cache), instance(), instance()
    for target in (one, other, one):
        waiting.add(of(target))
    first = waiting.take(1)
    second = waiting.take(10)
    assert (targets(first), targets(second), len(waiting)) == ([one], [other], 1)
    assert waiting.take(10) == []
    waiting.landed(first)
    assert targets(waiting.take(10)) == [one]


async def test_what_is_to_come_again_is_first_in_line(cache: StatusCache) -> None:
    waiting, one = Line(cache), instance()
    for content in (b"1", b"2", b"3"):
        waiting.add(of(one, content))
    group = waiting.take(2)
    waiting.landed(group, [group[1]])
    outputs = [each.check_in.output.content for each in waiting.take(10) if each.check_in.output]
    assert outputs == [b"2", b"3"]


async def test_a_key_that_becomes_known_meanwhile_is_still_the_same_sender(cache: StatusCache) -> None:
    waiting, key = Line(cache), Target(digest=b"digest")
    waiting.add(of(key))
    waiting.add(of(key))
    group = waiting.take(1)
    cache.learn(b"digest", (TENANT, uuid7()))
    assert waiting.take(1) == []
    waiting.landed(group)
    assert len(waiting.take(1)) == 1


async def test_an_instance_is_the_same_by_its_key_and_by_its_id(cache: StatusCache) -> None:
    waiting, one = Line(cache), instance()
    assert one.instance_id is not None
    cache.learn(b"digest", (TENANT, one.instance_id))
    waiting.add(of(Target(digest=b"digest")))
    waiting.add(of(one))
    assert (len(waiting.take(1)), waiting.take(1)) == (1, [])


async def test_a_line_is_bounded_in_number_and_bytes(
    cache: StatusCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "MOST_WAITING", 2)
    monkeypatch.setattr(line, "MOST_WAITING_BYTES", 10)
    waiting = Line(cache)
    waiting.add(of(instance(), b"12345678"))
    with pytest.raises(Unavailable):
        waiting.add(of(instance(), b"123"))
    waiting.add(of(instance()))
    with pytest.raises(Unavailable):
        waiting.add(of(instance()))
    # What has been taken makes room.
    waiting.landed(waiting.take(2))
    waiting.add(of(instance(), b"123"))
