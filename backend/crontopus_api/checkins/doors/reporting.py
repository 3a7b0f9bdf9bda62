"""A check-in on its way from a door to where it is kept."""

from dataclasses import replace
from typing import Literal

from crontopus_api.checkins.doors.directory import Directory
from crontopus_api.checkins.doors.names import Slug
from crontopus_api.checkins.records import CheckIn, Target
from crontopus_api.checkins.writer import CheckInWriter
from crontopus_api.kit.crypto import Keyring

Outcome = Literal["stored", "unknown", "ambiguous", "too_old"]


class Reporter:
    def __init__(self, writer: CheckInWriter, directory: Directory, keyring: Keyring) -> None:
        self._writer = writer
        self._directory = directory
        self._keyring = keyring

    async def by_job_key(self, key: str, check_in: CheckIn) -> Outcome:
        """Answers once it is stored. Raises Unavailable when it could not be."""
        return await self._write(replace(check_in, target=Target(digest=self._keyring.lookup(key))))

    async def by_slug(self, key: str, slug: Slug, check_in: CheckIn) -> Outcome:
        """The same with a tenant's ping key and a job's name."""
        place = await self._directory.find(key, slug)
        if place is None or place.matches == 0:
            return "unknown"
        if place.matches > 1:
            return "ambiguous"
        target = Target(tenant_id=place.tenant_id, instance_id=place.instance_id)
        return await self._write(replace(check_in, target=target))

    async def _write(self, check_in: CheckIn) -> Outcome:
        answer = await self._writer.submit(check_in)
        match answer.status:
            case "unknown" | "too_old":
                return answer.status
            case _:
                return "stored"
