"""Status rows as this process knows them: a check-in need not read what the last one left.

Nothing here is trusted: what is concluded from a remembered row is written only if the row is still that one
(`Live.seen`), and whoever is wrong is forgotten and read again.
"""

from collections import OrderedDict
from uuid import UUID

from crontopus_api.checkins.records import Live, Target

Key = tuple[UUID, UUID]
"""(tenant id, instance id)"""

# About 3 KB each.
MOST_REMEMBERED = 10_000


class StatusCache:
    """The instances used last. `address` finds one by what its sender calls it, such as a ping key's digest."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._lives: OrderedDict[Key, Live] = OrderedDict()
        self._keys: dict[bytes, Key] = {}
        self._digests: dict[Key, bytes] = {}

    def key_of(self, target: Target) -> Key | None:
        """Without asking the database; None when that would be needed."""
        if target.digest is not None:
            return self._keys.get(target.digest)
        assert target.tenant_id is not None
        assert target.instance_id is not None
        return target.tenant_id, target.instance_id

    def get(self, key: Key) -> Live | None:
        live = self._lives.get(key)
        if live is not None:
            self._lives.move_to_end(key)
        return live

    def knows(self, target: Target) -> bool:
        """Whether a message for `target` is sure to find its instance later."""
        key = self.key_of(target)
        return key is not None and key in self._lives

    def put(self, key: Key, live: Live, digest: bytes | None) -> None:
        self._lives[key] = live
        self._lives.move_to_end(key)
        if digest is not None:
            self._keys[digest], self._digests[key] = key, digest
        if len(self._lives) > self._most:
            self.forget(next(iter(self._lives)))

    def forget(self, key: Key) -> None:
        self._lives.pop(key, None)
        digest = self._digests.pop(key, None)
        if digest is not None:
            self._keys.pop(digest, None)
