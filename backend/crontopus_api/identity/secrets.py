"""Passwords and token secrets.

A token reads `ctp_<kind>_<30 random characters><6 of checksum>`: the prefix tells people and secret
scanners what it is, the checksum tells a typo from a revoked token without asking the database.
"""

import hashlib
import secrets
import string
import zlib
from functools import cache
from typing import Final, Literal

import anyio.to_thread
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

TokenKind = Literal["user", "session", "endpoint", "enrollment"]

PREFIXES: Final[dict[TokenKind, str]] = {
    "user": "ctp_user_",
    "session": "ctp_sess_",
    "endpoint": "ctp_ep_",
    "enrollment": "ctp_enr_",
}
_ALPHABET = string.digits + string.ascii_letters
_RANDOM_CHARACTERS = 30  # 178 bits
_CHECKSUM_CHARACTERS = 6

_hasher = PasswordHash((Argon2Hasher(),))


@cache
def _nobody() -> str:
    """Verified when there is no such account, so that both answers cost the same. Made at first need."""
    return _hasher.hash(secrets.token_hex(16))


def _checksum(text: str) -> str:
    value = zlib.crc32(text.encode())
    digits = []
    for _ in range(_CHECKSUM_CHARACTERS):
        value, digit = divmod(value, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def new_token(kind: TokenKind) -> str:
    body = PREFIXES[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
    return body + _checksum(body)


def token_kind(token: str) -> TokenKind | None:
    """The kind of a well-formed token, or None for anything that this product did not issue."""
    for kind, prefix in PREFIXES.items():
        if token.startswith(prefix):
            well_formed = len(token) == len(prefix) + _RANDOM_CHARACTERS + _CHECKSUM_CHARACTERS
            if well_formed and token.isascii() and _checksum(token[:-_CHECKSUM_CHARACTERS]) == token[-6:]:
                return kind
    return None


def token_digest(token: str) -> bytes:
    """What is stored. Tokens carry 178 random bits, so a plain hash cannot be reversed by guessing."""
    return hashlib.sha256(token.encode()).digest()


def token_hint(token: str) -> str:
    """Enough for its owner to recognise it in a list."""
    return f"{token[: token.index('_', 4) + 5]}…"


async def hash_password(password: str) -> str:
    return await anyio.to_thread.run_sync(_hasher.hash, password)


async def verify_password(password: str, stored: str | None) -> bool:
    """Exactly one argon2 verification, whether or not the account exists."""
    matches = await anyio.to_thread.run_sync(lambda: _hasher.verify(password, stored or _nobody()))
    return matches and stored is not None
