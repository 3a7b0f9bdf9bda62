"""Tokens in links that people get by email: signed, dated, good for one purpose, stored nowhere.

A link is used up when what it was made for changes: `state` is something its use changes (the hash of the password
that a reset replaces), and it is part of what is signed, not of what is sent.
"""

import hashlib
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from crontopus_api.kit.crypto import derive
from crontopus_api.kit.errors import Invalid

# What is not signed yet may unpack to a thousand times its size.
_LONGEST = 1_000


class Links:
    def __init__(self, secret: bytes, previous: bytes | None = None) -> None:
        """Links made with the `previous` secret are still believed."""
        # itsdangerous signs with the last one and believes all of them.
        self._keys = [derive(each, "links") for each in (previous, secret) if each is not None]

    def make(self, purpose: str, data: dict[str, Any], *, state: str = "") -> str:
        """A URL-safe token that carries `data` (readable by whoever holds it: ids, no secrets)."""
        return str(self._serializer(purpose, state).dumps(data))

    def peek(self, purpose: str, token: str) -> dict[str, Any]:
        """What the token says, believed by nobody yet: enough to find the state that `read` needs.

        Raises Invalid when it does not even have the form of one.
        """
        data = None
        if len(token) <= _LONGEST:
            # Whether the signature holds cannot be told without the state.
            _, data = self._serializer(purpose, "").loads_unsafe(token)
        if not isinstance(data, dict):
            raise _broken()
        return data

    def read(self, purpose: str, token: str, *, state: str = "", max_age_seconds: int) -> dict[str, Any]:
        """What the token carries. Raises Invalid when it is forged, too old, or has been used."""
        try:
            data: dict[str, Any] = self._serializer(purpose, state).loads(token, max_age=max_age_seconds)
        except SignatureExpired as error:
            raise Invalid("This link is too old.", code="expired_link", hint="Ask for a new one.") from error
        except BadSignature as error:
            raise _broken() from error
        return data

    def _serializer(self, purpose: str, state: str) -> URLSafeTimedSerializer:
        digest = hashlib.sha256(state.encode()).hexdigest()
        return URLSafeTimedSerializer(
            self._keys, salt=f"{purpose}/{digest}", signer_kwargs={"digest_method": hashlib.sha256}
        )


def _broken() -> Invalid:
    return Invalid(
        "This link does not work: it was used already, or was not copied whole.",
        code="invalid_link",
        hint="Ask for a new one.",
    )
