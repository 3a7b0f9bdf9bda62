"""A check-in on its way from a door to where it is kept."""

import asyncio
from datetime import datetime
from functools import lru_cache
from typing import Literal

from msgspec.structs import replace

from crontopus_api.checkins.doors.away import needing_database
from crontopus_api.checkins.doors.directory import Directory, Place
from crontopus_api.checkins.doors.names import Slug
from crontopus_api.checkins.metering import CheckInMeter
from crontopus_api.checkins.pending.service import PendingJobs
from crontopus_api.checkins.pending.wishes import JobWish
from crontopus_api.checkins.records import Answer, CheckIn, Target
from crontopus_api.checkins.writer import CheckInWriter
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.errors import Unavailable

Outcome = Literal["stored", "created", "unknown", "ambiguous", "too_old"]
# Each try goes wrong only when the job is committed or removed at that very moment.
_TRIES = 3
_MOST_TARGETS = 10_000


class Reporter:
    def __init__(
        self,
        writer: CheckInWriter,
        directory: Directory,
        pending: PendingJobs,
        keyring: Keyring,
        meter: CheckInMeter,
    ) -> None:
        self._writer = writer
        self._directory = directory
        self._pending = pending
        self._meter = meter
        self.rekeying = keyring.former_lookup("") is not None
        # The same few thousand keys come again and again, and a digest takes as long as reading the address.
        self._target = lru_cache(_MOST_TARGETS)(
            lambda key: Target(digest=keyring.lookup(key), former_digest=keyring.former_lookup(key))
        )

    def of_job(self, key: str) -> Target:
        """What a job's own key stands for; whether there is such a job is found out when it is written.

        Raises TooManyRequests when it has reported enough for now.
        """
        key = key.lower()
        self._meter.count(key)
        return self._target(key)

    async def write(self, check_in: CheckIn) -> Outcome:
        """Answers once it is stored. Raises Unavailable when it could not be."""
        now = self._writer.now()
        at = now if check_in.at is None else min(check_in.at, now)
        answer = await self._writer.submit(replace(check_in, at=at, minted=True))
        if answer.status == "unknown" and (former := check_in.target.former_digest) is not None:
            # The secret is being changed, and this key is still kept under the previous one.
            by_former = replace(check_in, target=Target(digest=former), at=at, minted=True)
            answer = await self._writer.submit(by_former)
        return outcome_of(answer)

    def submit(self, check_in: CheckIn) -> "asyncio.Future[Answer]":
        """Of a check-in that has its time; where keys are found by their former digests too, `write` must be asked."""
        return self._writer.enqueue(check_in)

    def now(self) -> datetime:
        return self._writer.now()

    async def by_slug(self, key: str, slug: Slug, check_in: CheckIn, wish: JobWish | None = None) -> Outcome:
        """The same, of the job that a tenant's ping key and a slug name. With a `wish` a job that is not there is made.

        Raises Invalid, Conflict or Forbidden when it cannot be made, TooManyRequests when the key has reported enough.
        """
        self._meter.count(key)
        for _ in range(_TRIES):
            place = await self._directory.find(key, slug)
            if place is None or (place.matches == 0 and wish is None):
                return "unknown"
            if place.matches > 1:
                return "ambiguous"
            with needing_database():
                outcome = await self._at(place, slug, check_in, wish)
            if outcome is not None:
                return outcome
        raise Unavailable("The job is just being made or removed.", retry_after_seconds=1)

    async def _at(self, place: Place, slug: Slug, check_in: CheckIn, wish: JobWish | None) -> Outcome | None:
        """None: the place has changed meanwhile."""
        if place.pending_id is not None:
            # Also when the job itself is there by now: what came before must be written before.
            return (
                "stored" if await self._pending.append(place.tenant_id, place.pending_id, check_in) else None
            )
        if place.instance_id is not None:
            target = Target(tenant_id=place.tenant_id, instance_id=place.instance_id)
            return await self.write(replace(check_in, target=target))
        assert wish is not None
        made = await self._pending.create(place.tenant_id, slug.namespace, slug.name, wish, check_in)
        return {"created": "created", "kept": "stored", "there": None}[made]


def outcome_of(answer: Answer) -> Outcome:
    return answer.status if answer.status in {"unknown", "too_old"} else "stored"
