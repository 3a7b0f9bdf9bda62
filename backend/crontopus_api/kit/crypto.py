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


class Keyring:
    """Seals and opens stored secrets. A sealed value is `key id (1 byte) | nonce (12) | ciphertext`."""

    def __init__(self, secret: bytes, *, key_id: int = 1) -> None:
        self._key_id = key_id
        self._aead = AESGCM(derive(secret, f"seal/{key_id}"))
        self._lookup_key = derive(secret, "lookup")

    def seal(self, value: bytes, place: Place) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return bytes([self._key_id]) + nonce + self._aead.encrypt(nonce, value, place.associated_data())

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Raises SealBroken when the value does not belong to this place and key."""
        if not sealed or sealed[0] != self._key_id:
            raise SealBroken(f"{place.table}: sealed with an unknown key")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, ciphertext, place.associated_data())
        except InvalidTag as error:
            raise SealBroken(f"{place.table}: the stored value does not open") from error

    def lookup(self, value: str) -> bytes:
        """A keyed digest by which a secret can be found without being stored readable."""
        return hmac.digest(self._lookup_key, value.encode(), "sha256")
