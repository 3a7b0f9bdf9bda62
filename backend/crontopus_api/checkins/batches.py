"""A batch of check-ins into the database, one of two ways.

Most pings are about an instance whose status row this process wrote last: `write_known` folds them onto what is
remembered and sends one statement. All others, and those whose row somebody else has changed meanwhile, are
looked up, locked and folded in a transaction: `write_looked_up`. The rules are the same engine's in both.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crontopus_api.checkins import store
from crontopus_api.checkins.cache import StatusCache
from crontopus_api.checkins.fold import Fold
from crontopus_api.checkins.metrics import WAYS
from crontopus_api.checkins.records import Answer, CheckIn, Live, Output, Target
from crontopus_api.checkins.withdrawing import withdraw
from crontopus_api.checkins.writing import Written, write

Key = tuple[UUID, UUID]
"""(tenant id, instance id)"""


class Known(NamedTuple):
    """A check-in and the instance it is about, as this process remembers it."""

    check_in: CheckIn
    key: Key
    live: Live


def remembered(cache: StatusCache, check_in: CheckIn) -> Known | None:
    """Of a check-in that `write_known` can take: its instance is known, and so is that nobody has seen it before."""
    if not check_in.minted or check_in.run_key is not None:
        return None
    key = cache.key_of(check_in.target)
    live = cache.get(key) if key is not None else None
    if key is None or live is None or live.status is None or live.status.missed_slot_at is not None:
        return None  # what answers a miss may have to take its row back
    if check_in.output is not None and any(run.printed for run in live.status.open_runs):
        return None  # it goes below what was said of the run before
    return Known(check_in, key, live)


async def write_known(
    connection: store.Connection, cache: StatusCache, known: Sequence[Known], now: datetime
) -> list[Answer | None]:
    """One check-in per instance, in a transaction of its own. None: its row has changed, nothing was written."""
    fold = Fold(now, {})
    try:
        answers: list[Answer | None] = [fold.add(each.check_in, each.live) for each in known]
        if (
            fold.withdrawn
        ):  # waited so long that a miss may be in the history by now: that takes a transaction
            _forget(cache, known)
            return [None] * len(known)
        written = Written(
            [each.live for each in known],
            list(fold.runs.values()),
            fold.new_keys,
            fold.changes,
            fresh=not fold.resumed,
        )
        versions = await write(connection, written, now)
    except BaseException:
        # The engine changes in place: what is remembered now is of a future that did not come.
        _forget(cache, known)
        raise
    for each in known:
        each.live.seen, each.live.last_run = versions.now, None
    WAYS.labels("remembered").inc(len(known) - len(versions.stale))
    if not versions.stale:
        return answers
    _forget(cache, [each for each in known if each.live.instance_id in versions.stale])
    return [
        None if each.live.instance_id in versions.stale else answer
        for each, answer in zip(known, answers, strict=True)
    ]


def _forget(cache: StatusCache, known: Sequence[Known]) -> None:
    for each in known:
        cache.forget(each.key)


async def write_looked_up(
    connection: store.Connection, cache: StatusCache, check_ins: Sequence[CheckIn]
) -> tuple[list[Answer], set[UUID]]:
    """Apply check-ins in order, in a transaction of their own. (answers, tenants whose runs changed)"""
    WAYS.labels("looked up").inc(len(check_ins))
    async with connection.transaction():
        now = await store.enter_role(connection, "crontopus_ingest")
        keys = await _resolve(connection, cache, check_ins)
        lives = await store.load(connection, {key for key in keys if key is not None})
        known = await _seen_before(connection, keys, check_ins)
        fold = Fold(now, known, await _printed(connection, lives, keys, check_ins, known))
        answers, touched = _fold(fold, lives, keys, check_ins)
        written = Written(
            [lives[key] for key in touched], list(fold.runs.values()), fold.new_keys, fold.changes
        )
        versions = await write(connection, written, now) if touched else None
        if fold.withdrawn:
            await withdraw(connection, fold.withdrawn)
    # Committed: what was written is what there is.
    for key in touched:
        if versions is not None and (live := lives[key]).status is not None:
            live.seen, live.last_run = versions.now, None
            cache.put(key, live)
    return answers, {key[0] for key in touched}


def _fold(
    fold: Fold, lives: Mapping[Key, Live], keys: Sequence[Key | None], check_ins: Sequence[CheckIn]
) -> tuple[list[Answer], set[Key]]:
    """(answers, whose status or runs changed)"""
    answers = []
    touched: set[Key] = set()
    for key, check_in in zip(keys, check_ins, strict=True):
        live = lives.get(key) if key is not None else None
        if key is None or live is None or not _may(check_in.target, live.endpoint_id):
            answers.append(Answer(check_in.event_id, "unknown"))
            continue
        answer = fold.add(check_in, live)
        answers.append(answer)
        if answer.status == "accepted":
            touched.add(key)
    return answers, touched


async def _resolve(
    connection: store.Connection, cache: StatusCache, check_ins: Sequence[CheckIn]
) -> list[Key | None]:
    digests = [check_in.target.digest for check_in in check_ins if check_in.target.digest is not None]
    by_digest = await store.resolve_digests(connection, digests) if digests else {}
    for digest in digests:
        cache.learn(digest, by_digest.get(digest))
    return [_key(check_in.target, by_digest) for check_in in check_ins]


async def _seen_before(
    connection: store.Connection, keys: Sequence[Key | None], check_ins: Sequence[CheckIn]
) -> dict[Key, tuple[UUID, datetime]]:
    """By (instance, message's or sender's run id): the run it is about, and when that was first heard of."""
    pairs = [(key, check_in) for key, check_in in zip(keys, check_ins, strict=True) if key is not None]
    wanted = {
        (*key, identifier)
        for key, check_in in pairs
        for identifier in (check_in.event_id, check_in.run_key)
        if identifier is not None
    }
    known = await store.find_keys(connection, wanted)
    own = [
        (key[0], check_in.at, check_in.event_id) for key, check_in in pairs if check_in.minted and check_in.at
    ]
    return known | (await store.find_own_runs(connection, own) if own else {})


async def _printed(
    connection: store.Connection,
    lives: Mapping[Key, Live],
    keys: Sequence[Key | None],
    check_ins: Sequence[CheckIn],
    known: Mapping[Key, tuple[UUID, datetime]],
) -> dict[UUID, Output]:
    """By run: the output that was kept before, of those that the check-ins may say more of.

    That is one for each, or two: what is held in memory must not grow with the runs that a tenant leaves open.
    """
    wanted = set()
    of_each = Counter(keys)
    for key, check_in in zip(keys, check_ins, strict=True):
        live = lives.get(key) if key is not None else None
        if live is None or check_in.output is None:
            continue
        open_runs = live.status.open_runs if live.status is not None else []
        newest = sorted(open_runs, key=lambda run: run.started_at)[-of_each[key] :]
        wanted |= {(live.tenant_id, run.partition_at, run.run_id) for run in newest if run.printed}
        named = known.get((live.instance_id, check_in.run_key)) if check_in.run_key is not None else None
        if named is not None and all(run.printed for run in open_runs if run.run_id == named[0]):
            wanted.add((live.tenant_id, named[1], named[0]))
    return await store.find_outputs(connection, wanted) if wanted else {}


def _key(target: Target, by_digest: dict[bytes, store.Key]) -> store.Key | None:
    if target.digest is not None:
        return by_digest.get(target.digest)
    assert target.tenant_id is not None
    assert target.instance_id is not None
    return target.tenant_id, target.instance_id


def _may(target: Target, endpoint_id: object) -> bool:
    return target.endpoint_id is None or target.endpoint_id == endpoint_id
