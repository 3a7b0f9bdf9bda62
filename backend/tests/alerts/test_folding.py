"""What goes wrong together is one piece of news."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from crontopus_api.alerts.folding import Outage, Trouble, shared

AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
OUTAGE = uuid4()


def troubles(count: int, commit: str | None = None, parent: UUID | None = None) -> list[Trouble]:
    return [Trouble(uuid4(), uuid4(), AT + timedelta(seconds=n % 10), commit, parent) for n in range(count)]


def sizes(outages: Sequence[Outage]) -> list[tuple[str | None, int]]:
    return [(each.commit, len(each.members)) for each in outages]


@pytest.mark.parametrize(
    ("count", "jobs", "commit", "folds"),
    [
        (4, 4, None, False),  # fewer than anybody would call an outage
        (5, 16, None, True),  # a third of a small tenant
        (5, 17, None, False),
        (10, 300, None, False),  # an accident, without anything in common
        (90, 300, None, True),
        (833, 5000, None, False),  # independent failures of a large tenant: their digest tells
        (9, 300, "abc", False),
        (10, 300, "abc", True),  # the same commit: no accident
        (5, 16, "abc", True),
        (4, 4, "abc", False),
    ],
)
def test_so_many_make_an_outage(count: int, jobs: int, commit: str | None, folds: bool) -> None:
    found = shared(troubles(count, commit), [], {}, jobs)
    assert sizes(found) == ([(commit, count)] if folds else [])


def test_those_of_the_last_seconds_count_and_become_a_part_of_it() -> None:
    assert sizes(shared(troubles(2), troubles(4), {}, 15)) == [(None, 6)]
    assert sizes(shared(troubles(2, "abc"), troubles(8, "abc"), {}, 300)) == [("abc", 10)]


def spread(count: int, apart: float) -> list[Trouble]:
    return [Trouble(uuid4(), uuid4(), AT + timedelta(seconds=n * apart), None) for n in range(count)]


def test_what_was_seen_at_once_but_happened_apart_is_no_outage() -> None:
    # A worker that was away for minutes finds them all in one batch.
    assert shared(spread(20, 3), [], {}, 20) == []
    assert shared(spread(4, 6), spread(1, 0), {}, 5) == []


def test_an_outage_in_a_long_batch_is_found_with_what_followed_closely() -> None:
    before, after = (
        spread(3, 30),
        [replace(each, at=each.at + timedelta(minutes=5)) for each in spread(3, 30)],
    )
    outage = [replace(each, at=each.at + timedelta(minutes=2)) for each in spread(8, 4)]
    dense = [replace(each, at=each.at + timedelta(minutes=2)) for each in spread(6, 1)]
    [found] = shared([*before, *outage, *after, *dense], [], {}, 18)
    assert {each.id for each in found.members} == {each.id for each in (*outage, *dense)}


def test_an_outage_has_stopped_growing_after_the_window() -> None:
    [child] = troubles(1, parent=OUTAGE)
    [soon, late] = spread(2, 25)
    soon = replace(soon, at=soon.at + timedelta(seconds=9))
    assert sizes(shared([soon, late], [child], {OUTAGE: None}, 300)) == [(None, 1)]


def test_instances_of_one_job_are_one_job() -> None:
    [one] = troubles(1)
    same = [Trouble(uuid4(), one.job_id, AT, None) for _ in range(20)]
    assert shared(same, [], {}, 10) == []


def test_two_commits_are_two_causes_and_the_rest_is_left_alone() -> None:
    found = shared([*troubles(10, "abc"), *troubles(12, "def"), *troubles(3)], [], {}, 300)
    assert sorted(sizes(found), key=str) == [("abc", 10), ("def", 12)]


def test_an_outage_grows_by_its_commit_as_long_as_it_is_open() -> None:
    found = shared([*troubles(1, "abc"), *troubles(1, "def")], [], {OUTAGE: "abc"}, 300)
    assert [(each.id, len(each.members)) for each in found] == [(OUTAGE, 1)]


def test_an_outage_without_a_commit_grows_while_something_of_it_is_new() -> None:
    found = shared(troubles(1), troubles(1, parent=OUTAGE), {OUTAGE: None}, 300)
    assert [(each.id, len(each.members)) for each in found] == [(OUTAGE, 1)]
    assert shared(troubles(1), [], {OUTAGE: None}, 300) == []


def test_what_was_a_part_of_something_is_not_counted_again() -> None:
    assert shared(troubles(1), troubles(9, parent=uuid4()), {}, 10) == []
