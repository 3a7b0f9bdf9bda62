"""What goes wrong together is one piece of news: which incidents share a cause. Pure.

A job's incident is held by that of its endpoint (`keeping`). What is left is looked at here: what goes wrong within ten
seconds, by the commit that last changed the jobs, and all at once.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

import msgspec

# Jobs that start at the same minute and die of the same thing do so within seconds; ten make little mistake of what
# merely happens at the same time.
WINDOW = timedelta(seconds=10)
# Fewer people read as a list.
LEAST = 5
# Of a small tenant a third is an outage already.
LEAST_SHARE = 0.3
# Whatever the tenant's size: so many with the same last commit are no accident. Without a commit in common a number
# says nothing: of five thousand jobs ten may well fail within ten seconds, and their digest says so.
MANY_OF_ONE_COMMIT = 10


class Trouble(msgspec.Struct, frozen=True):
    """An incident of a job. `commit`: what changed the job within the day before. `parent_id`: what holds it."""

    id: UUID
    job_id: UUID
    at: datetime
    commit: str | None
    parent_id: UUID | None = None


class Outage(msgspec.Struct, frozen=True):
    """What some troubles have in common: a commit, or (None) the time. `id`: None when it has no incident yet."""

    id: UUID | None
    commit: str | None
    members: Sequence[Trouble]


def shared(
    new: Sequence[Trouble], recent: Sequence[Trouble], open_outages: Mapping[UUID, str | None], jobs: int
) -> list[Outage]:
    """Which of the new troubles belong together, or to an outage that is open; with those of the last seconds.

    `recent`: older than the new, younger than `WINDOW`, and open; of what an outage holds the newest is enough.
    `open_outages`: each with its commit. `jobs`: how many the tenant has.
    """
    joined, left = _joined(new, recent, open_outages)
    alone = [each for each in recent if each.parent_id is None]
    found = []
    for commit in {each.commit for each in left if each.commit is not None}:
        members = [each for each in (*alone, *left) if each.commit == commit]
        if _many(members, jobs, MANY_OF_ONE_COMMIT):
            found.append(Outage(None, commit, members))
    taken = {each.id for outage in found for each in outage.members}
    rest = [each for each in (*alone, *left) if each.id not in taken]
    fresh = {each.id for each in left}
    for burst in _bursts(rest, jobs):
        if any(each.id in fresh for each in burst):
            found.append(Outage(None, None, burst))
    return joined + found


def _bursts(troubles: Iterable[Trouble], jobs: int) -> Iterator[list[Trouble]]:
    """Many within `WINDOW`, and what followed each other as closely from there on. Who was away sees an hour at once:
    that alone makes nothing of it belong together."""
    ordered = sorted(troubles, key=attrgetter("at"))
    if not _many(ordered, jobs):
        return
    burst: deque[Trouble] = deque()
    burning = False
    for each in ordered:
        if burning and each.at - burst[-1].at > WINDOW:
            yield [*burst]
            burst.clear()
            burning = False
        burst.append(each)
        while not burning and each.at - burst[0].at > WINDOW:
            burst.popleft()
        burning = burning or _many(burst, jobs)
    if burning:
        yield [*burst]


def words(outage: Outage, members: int, jobs: int) -> str:
    """As the title of the incident."""
    if outage.commit is not None:
        return f"{members} jobs went wrong since commit {outage.commit[:7]}"
    return f"{members} jobs of {jobs} went wrong within {WINDOW.total_seconds():.0f} s"


def _many(members: Iterable[Trouble], jobs: int, enough: int | None = None) -> bool:
    count = len({each.job_id for each in members})
    return count >= LEAST and (count >= LEAST_SHARE * jobs or (enough is not None and count >= enough))


def _joined(
    new: Sequence[Trouble], recent: Sequence[Trouble], open_outages: Mapping[UUID, str | None]
) -> tuple[list[Outage], list[Trouble]]:
    """An outage takes in what its commit changed as long as it is open, and else what comes while it grows."""
    by_commit = {commit: outage for outage, commit in open_outages.items() if commit is not None}
    growing, last = None, None
    for each in recent:
        if (
            each.parent_id
            and open_outages.get(each.parent_id, "") is None
            and (last is None or each.at > last)
        ):
            growing, last = each.parent_id, each.at
    members: dict[UUID, list[Trouble]] = {}
    left = []
    for each in sorted(new, key=attrgetter("at")):
        outage = by_commit.get(each.commit) if each.commit is not None else None
        if outage is None and last is not None and each.at - last <= WINDOW:
            outage, last = growing, max(last, each.at)
        if outage is None:
            left.append(each)
        else:
            members.setdefault(outage, []).append(each)
    return [Outage(key, open_outages[key], found) for key, found in members.items()], left
