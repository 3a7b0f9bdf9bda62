"""Where main of many repositories is, asked every few seconds: one request when nothing was pushed.

Forgejo notes when it last saw a push to each repository. A round reads that list, newest first, as far as
the newest seen before, and looks up only the repositories on the way; and each again that was not looked
up for `FULL_SECONDS`, whatever the list says.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from crontopus_api.gitstore.errors import RepositoryMissing
from crontopus_api.gitstore.forgejo.client import ForgejoClient

FULL_SECONDS = 300.0
_AT_ONCE = 8
# Forgejo notes whole seconds, and a moment after the push: those near the newest are looked up again.
_MARGIN = timedelta(seconds=10)
_MAX_PAGES = 200


@dataclass(frozen=True, slots=True)
class _Seen:
    head: str | None
    at: float  # monotonic


class HeadWatch:
    def __init__(self, client: ForgejoClient) -> None:
        self._client = client
        self._seen: dict[str, _Seen] = {}
        self._newest: datetime | None = None
        self._organization: int | None = None

    async def heads(self, slugs: Iterable[str]) -> dict[str, str | None]:
        """Raises `GitUnavailable`; what was found until then is kept for the next round."""
        wanted = list(dict.fromkeys(slugs))
        for gone in self._seen.keys() - set(wanted):
            del self._seen[gone]
        if not wanted:
            return {}
        updated, newest = await self._updated()
        old = time.monotonic() - FULL_SECONDS
        unsure = [s for s in wanted if s not in self._seen or s in updated or self._seen[s].at < old]
        await self._look_up(unsure)
        self._newest = newest  # only now: a round that failed is repeated from where it began
        return {slug: self._seen[slug].head for slug in wanted if slug in self._seen}

    async def _updated(self) -> tuple[set[str], datetime | None]:
        """The slugs pushed to since the last round, and the newest time Forgejo noted."""
        if self._organization is None:
            self._organization = await self._client.organization_id()
        if self._organization is None:
            return set(), None
        slugs: set[str] = set()
        newest = self._newest
        for page in range(1, _MAX_PAGES):
            entries = await self._client.updated(self._organization, page)
            for entry in entries:
                if self._newest is not None and entry.at < self._newest - _MARGIN:
                    return slugs, newest
                newest = entry.at if newest is None else max(newest, entry.at)
                if entry.slug is not None:
                    slugs.add(entry.slug)
            if not entries:
                self._organization = None if page == 1 else self._organization  # made anew, perhaps
                break
            if self._newest is None:
                break  # the first round looks everything up: it only needs to know where to begin
        return slugs, newest

    async def _look_up(self, slugs: list[str]) -> None:
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(slug: str) -> None:
            async with places:
                try:
                    head = await self._client.branch(slug)
                except RepositoryMissing:
                    self._seen.pop(slug, None)
                else:
                    self._seen[slug] = _Seen(head, time.monotonic())

        results = await asyncio.gather(*map(one, slugs), return_exceptions=True)
        for error in filter(None, results):
            raise error
