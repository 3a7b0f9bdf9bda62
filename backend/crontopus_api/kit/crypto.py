"""Secrets at rest.

One installation secret yields, through HKDF, a key for sealing (AES-256-GCM) and one for look-up
(HMAC-SHA256). A sealed value is bound to where it is stored by associated data `table/tenant/row`,
so a copy of it in another row or tenant does not open.
"""

import hmac
import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
# Until there was more than one secret, every value was sealed with key 1.
_UNNUMBERED = 1
_FIRST_NUMBER = 2


class SealBroken(Exception):
    """The value was sealed with another key, for another place, or has been altered."""


@dataclass(frozen=True)
class Place:
    """Where a sealed value is stored."""

    table: str
    tenant_id: UUID
    row: str

    def associated_data(self) -> bytes:
        return f"{self.table}/{self.tenant_id}/{self.row}".encode()


def derive(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose, from which neither the secret nor another purpose's key can be found."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"crontopus/{purpose}".encode()).derive(
        secret
    )


class _Key:
    """What one installation secret yields. `number` names it in the values that it sealed."""

    def __init__(self, secret: bytes) -> None:
        self.number = _FIRST_NUMBER + derive(secret, "key-id")[0] % (256 - _FIRST_NUMBER)
        self.aead = AESGCM(derive(secret, "seal/1"))
        self._lookup_key = derive(secret, "lookup")

    def digest(self, value: str) -> bytes:
        return hmac.digest(self._lookup_key, value.encode(), "sha256")


class Keyring:
    """Seals and opens stored secrets. A sealed value is `key id (1 byte) | nonce (12) | ciphertext`.

    While the secret is being changed, what `previous` sealed opens as well, and is found by its digest.
    """

    def __init__(self, secret: bytes, previous: bytes | None = None) -> None:
        self._key = _Key(secret)
        self._former = _Key(previous) if previous is not None else None

    def seal(self, value: bytes, place: Place) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return (
            bytes([self._key.number]) + nonce + self._key.aead.encrypt(nonce, value, place.associated_data())
        )

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Raises SealBroken when the value does not belong to this place and to a key of the ring."""
        for key in (self._key, self._former):
            if key is not None and (value := _opened(key, sealed, place)) is not None:
                return value
        raise SealBroken(f"{place.table}: the stored value does not open")

    def reseal(self, sealed: bytes, place: Place) -> bytes | None:
        """The same value, sealed with the present secret; None when it is already. Raises SealBroken."""
        if _opened(self._key, sealed, place) is not None:
            return None
        return self.seal(self.open(sealed, place), place)

    def lookup(self, value: str) -> bytes:
        """A keyed digest by which a secret can be found without being stored readable."""
        return self._key.digest(value)

    def former_lookup(self, value: str) -> bytes | None:
        """That of the previous secret: by it are found what has not been sealed anew yet. None: there is none."""
        return self._former.digest(value) if self._former is not None else None


def _opened(key: _Key, sealed: bytes, place: Place) -> bytes | None:
    if not sealed or sealed[0] not in {_UNNUMBERED, key.number}:
        return None
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return key.aead.decrypt(nonce, ciphertext, place.associated_data())
    except InvalidTag:
        return None
