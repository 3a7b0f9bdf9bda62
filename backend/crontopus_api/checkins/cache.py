"""What this process knows of instances, so that a check-in need not read what the last one left.

Nothing here is trusted: what is concluded from a remembered status row is written only if the row is still that
one (`Live.seen`), and whoever is wrong is forgotten and looked up again. Ping keys are remembered apart and
longer: while the database is away they say whose message it is.
"""

from collections import OrderedDict
from typing import Any
from uuid import UUID

from crontopus_api.checkins.records import Live, Target

Key = tuple[UUID, UUID]
"""(tenant id, instance id)"""
QuickKey = tuple[int, int]

MOST_LIVES = 10_000  # about 3 KB each
MOST_ADDRESSES = 100_000  # about 0.3 KB each


def quick(key: Key) -> QuickKey:
    """The same for dictionaries that are asked for every check-in: UUIDs are hashed and compared in Python."""
    return key[0].int, key[1].int


class StatusCache:
    """The instances used last, all that were ever seen to be there, and the digests of the keys they are called by."""

    def __init__(self, most_lives: int = MOST_LIVES, most_addresses: int = MOST_ADDRESSES) -> None:
        self._most_lives, self._most_addresses = most_lives, most_addresses
        self._lives: OrderedDict[QuickKey, Live] = OrderedDict()
        self._addresses: OrderedDict[bytes, Key] = OrderedDict()
        self._keys: OrderedDict[Key, None] = OrderedDict()

    def key_of(self, target: Target) -> Key | None:
        """Without asking the database; None when that would be needed."""
        if target.digest is not None:
            return self._addresses.get(target.digest)
        assert target.tenant_id is not None
        assert target.instance_id is not None
        return target.tenant_id, target.instance_id

    def knows(self, target: Target) -> bool:
        """Whether a message for `target` is sure to find its instance later, as far as anybody can tell now."""
        return self.key_of(target) in self._keys

    def get(self, key: Key) -> Live | None:
        name = quick(key)
        live = self._lives.get(name)
        if live is not None:
            self._lives.move_to_end(name)
        return live

    def put(self, key: Key, live: Live) -> None:
        name = quick(key)
        self._lives[name] = live
        self._keys[key] = None
        _keep_newest(self._lives, name, self._most_lives)
        _keep_newest(self._keys, key, self._most_addresses)

    def forget(self, key: Key) -> None:
        self._lives.pop(quick(key), None)

    def learn(self, digest: bytes, key: Key | None) -> None:
        """What the database says a key stands for; None: nothing any more."""
        if key is None:
            self._addresses.pop(digest, None)
            return
        self._addresses[digest] = key
        _keep_newest(self._addresses, digest, self._most_addresses)


def _keep_newest(known: OrderedDict[Any, Any], used: object, most: int) -> None:
    known.move_to_end(used)
    if len(known) > most:
        known.popitem(last=False)
