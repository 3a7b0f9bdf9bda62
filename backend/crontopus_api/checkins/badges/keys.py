"""Badge keys: what a badge is of, sealed. They let see one state and do nothing, whatever else the address may tell.

Deterministic (AES-SIV), so that the same badge has the same address each time and nothing has to be stored.
"""

import base64
import binascii
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from crontopus_api.kit.crypto import derive

_JOB, _LABEL = b"j", b"l"
_UUID_BYTES = 16


@dataclass(frozen=True)
class Subject:
    """What a badge is of: a job, or all jobs with a label (`key=value`)."""

    tenant_id: UUID
    job_id: UUID | None = None
    label: str | None = None


class BadgeKeys:
    def __init__(self, secret: bytes, previous: bytes | None = None) -> None:
        """Addresses made with the `previous` secret are still answered."""
        self._ciphers = [AESSIV(derive(each, "badges")) for each in (secret, previous) if each is not None]

    def key_of(self, subject: Subject) -> str:
        what = _JOB + subject.job_id.bytes if subject.job_id else _LABEL + (subject.label or "").encode()
        sealed = self._ciphers[0].encrypt(subject.tenant_id.bytes + what, None)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def subject_of(self, key: str) -> Subject | None:
        """None: it is no key of this installation."""
        try:
            sealed = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        opened = next((found for cipher in self._ciphers if (found := _opened(cipher, sealed))), None)
        if opened is None:
            return None
        tenant_id, kind, rest = UUID(bytes=opened[:_UUID_BYTES]), opened[16:17], opened[17:]
        if kind == _JOB:
            return Subject(tenant_id, job_id=UUID(bytes=rest))
        return Subject(tenant_id, label=rest.decode())


def _opened(cipher: AESSIV, sealed: bytes) -> bytes | None:
    try:
        return cipher.decrypt(sealed, None)
    except (ValueError, InvalidTag):
        return None
