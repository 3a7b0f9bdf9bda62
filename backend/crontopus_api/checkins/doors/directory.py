"""From a ping key and a slug to what is reported."""

from collections import OrderedDict
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from crontopus_api.checkins.doors.away import needing_database
from crontopus_api.checkins.doors.names import Slug
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Unavailable

_LOOKUP = text("SELECT * FROM lookup_slug(:digest, :namespace, :name)")
_KEY_LENGTH = 22
_MOST_REMEMBERED = 20_000


class Place(NamedTuple):
    """Of a tenant, how many jobs a slug fits. With one: its instance, or the job that is still pending, or both."""

    tenant_id: UUID
    matches: int
    instance_id: UUID | None
    pending_id: UUID | None


class Directory:
    """Asks the database each time: keys are rotated and jobs renamed by other processes.

    What it answered last is remembered for the time when the database is away and the writer keeps a journal.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._known: OrderedDict[tuple[bytes, Slug], Place] = OrderedDict()

    async def find(self, key: str, slug: Slug) -> Place | None:
        """None: nobody has that key. Raises Unavailable when that cannot be found out."""
        if len(key) != _KEY_LENGTH:
            return None
        digest = self._keyring.lookup(key)
        wanted = {"namespace": slug.namespace, "name": slug.name}
        try:
            with needing_database():
                row = await self._database.look_up(_LOOKUP, digest=digest, **wanted)
                former = self._keyring.former_lookup(key)
                if row is None and former is not None:
                    row = await self._database.look_up(_LOOKUP, digest=former, **wanted)
        except Unavailable:
            if (digest, slug) not in self._known:
                raise
            return self._known[digest, slug]
        place = Place._make(row) if row is not None else None
        self._remember(digest, slug, place)
        return place

    def _remember(self, digest: bytes, slug: Slug, place: Place | None) -> None:
        self._known.pop((digest, slug), None)
        if place is not None and place.matches == 1 and place.pending_id is None:
            self._known[digest, slug] = place
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
