"""The time in which a job was well: spans by hand, against counting minute by minute, and through the API."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from crontopus_api.checkins.models import StatusChange
from crontopus_api.checkins.runs.uptime import DOWN, UP, Move, figures, times_of
from crontopus_api.kit.sql import table
from crontopus_api.manifests import instance_id

from ...platform import Person, Platform
from .history import INGEST, ago

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=10)


def _at(hours: float) -> datetime:
    return SINCE + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("moves", "current", "down", "known"),
    [
        ([], "healthy", 0, 10),
        ([], "failing", 10, 10),
        ([], "paused", 0, 0),
        ([], None, 0, 0),
        ([Move(_at(4), "healthy", "failing"), Move(_at(6), "failing", "healthy")], "healthy", 2, 10),
        ([Move(_at(-3), "healthy", "missed"), Move(_at(1), "missed", "healthy")], "healthy", 1, 10),
        ([Move(_at(4), "new", "healthy")], "healthy", 0, 6),
        ([Move(_at(4), "healthy", "paused"), Move(_at(9), "paused", "new")], "new", 0, 4),
        ([Move(_at(4), "healthy", "stuck"), Move(_at(5), "stuck", "retired")], None, 1, 5),
        (
            [Move(_at(4), "healthy", "missed"), Move(_at(6), "missed", "healthy", "retracted: …")],
            "healthy",
            0,
            10,
        ),
        ([Move(_at(4), "healthy", "missed"), Move(_at(6), "missed", "healthy", "a run")], "healthy", 2, 10),
    ],
)
def test_one_instance(moves: list[Move], current: str | None, down: float, known: float) -> None:
    found = figures([times_of(moves, current, SINCE, UNTIL)])
    assert (found.down, found.known) == (timedelta(hours=down), timedelta(hours=known))


def test_several_instances_are_down_together_once() -> None:
    states = (*sorted(DOWN), *sorted(UP), "new", "paused")
    for seed in range(50):
        rng = random.Random(seed)
        lines = []
        for _ in range(3):
            cuts = sorted(rng.sample(range(1, 600), rng.randrange(6)))
            lines.append((cuts, [rng.choice(states) for _ in range(len(cuts) + 1)]))
        found = figures(
            times_of(
                [
                    Move(SINCE + timedelta(minutes=cut), names[each], names[each + 1])
                    for each, cut in enumerate(cuts)
                ],
                names[-1],
                SINCE,
                UNTIL,
            )
            for cuts, names in lines
        )
        by_minute = [
            {names[sum(cut <= minute for cut in cuts)] for cuts, names in lines} for minute in range(600)
        ]
        assert found.down == timedelta(minutes=sum(bool(now & DOWN) for now in by_minute))
        assert found.known == timedelta(minutes=sum(bool(now & (DOWN | UP)) for now in by_minute))


async def test_a_job_tells_its_uptime(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    moves = [("new", "healthy", 10), ("healthy", "failing", 4), ("failing", "healthy", 3)]
    rows = [
        {
            "tenant_id": ada.tenant_id,
            "instance_id": instance_id(UUID(job["id"]), None),
            "version": version,
            "job_id": UUID(job["id"]),
            "endpoint_id": None,
            "from_state": before,
            "to_state": after,
            "reason": "",
            "run_id": uuid4(),
            "at": ago(days=days),
            "recorded_at": ago(days=days),
            "claimed_at": None,
        }
        for version, (before, after, days) in enumerate(moves)
    ]
    async with platform.services.database.session(INGEST) as session:
        await session.execute(insert(table(StatusChange)), rows)
    for days, known in {5: 5, 30: 10}.items():
        found = await ada.get("/jobs/default/hello/uptime", days=days)
        assert found["down_seconds"] == pytest.approx(86_400, abs=2)
        assert found["known_seconds"] == pytest.approx(known * 86_400, abs=2)
        assert found["uptime"] == pytest.approx(1 - 1 / known, abs=1e-4)
        assert [each["down_seconds"] for each in found["instances"]] == [found["down_seconds"]]
    assert (await ada.api.get("/api/v1/jobs/default/none/uptime")).status_code == 404
    grace = await platform.register("grace")
    assert (await grace.api.get("/api/v1/jobs/default/hello/uptime")).status_code == 404
