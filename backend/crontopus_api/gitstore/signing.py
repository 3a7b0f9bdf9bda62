"""SSH signatures of commits: one Ed25519 key per installation, in memory, no process started per commit.

The formats are OpenSSH's: the private key's file, SSHSIG (PROTOCOL.sshsig) in the commit's `gpgsig` header,
and allowed-signers lines (ssh-keygen(1)), with which anybody checks by `git verify-commit` what Crontopus
published. dulwich signs too, but by starting `ssh-keygen` with a key file for every commit.
"""

import base64
import hashlib
import os
import secrets
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.gitstore.host import COMMITTER

_MAGIC = b"SSHSIG"
_VERSION = 1
_NAMESPACE = b"git"
_HASH = b"sha512"
_KEY_TYPE = b"ssh-ed25519"
_ARMOUR_WIDTH = 70  # as ssh-keygen folds it


class SigningKeyUnusable(GitStoreError):
    """The installation's signing key is no Ed25519 key, encrypted, damaged, or readable by others."""


class SshSigner:
    """Signs with one Ed25519 key. Safe to share between threads."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self._public = _string(_KEY_TYPE) + _string(public)

    @classmethod
    def generate(cls) -> "SshSigner":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, private_key: bytes) -> "SshSigner":
        """From what `to_bytes` gave, or an unencrypted key file that `ssh-keygen -t ed25519` made."""
        try:
            key = serialization.load_ssh_private_key(private_key, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SigningKeyUnusable(f"the signing key can not be read: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningKeyUnusable("the signing key is not an Ed25519 key")
        return cls(key)

    @classmethod
    def from_seed(cls, seed: bytes) -> "SshSigner":
        """The key that 32 secret bytes stand for: every process that knows them has the same one."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def to_bytes(self) -> bytes:
        """The private key as OpenSSH stores it, unencrypted: seal it before it goes anywhere."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )

    def sign(self, payload: bytes) -> bytes:
        """The armoured signature of a commit without its `gpgsig` header; no newline at the end."""
        about = _string(_NAMESPACE) + _string(b"") + _string(_HASH)
        signed = _MAGIC + about + _string(hashlib.sha512(payload).digest())
        signature = _string(_KEY_TYPE) + _string(self._key.sign(signed))
        blob = _MAGIC + struct.pack(">I", _VERSION) + _string(self._public) + about + _string(signature)
        text = base64.b64encode(blob)
        lines = [text[at : at + _ARMOUR_WIDTH] for at in range(0, len(text), _ARMOUR_WIDTH)]
        return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----"])

    @property
    def public_key(self) -> str:
        """`ssh-ed25519 AAAA…`, as in an `authorized_keys` file."""
        return f"{_KEY_TYPE.decode()} {base64.b64encode(self._public).decode()}"

    @property
    def fingerprint(self) -> str:
        """`SHA256:…`, as `ssh-keygen -l` and `git verify-commit` show it."""
        digest = hashlib.sha256(self._public).digest()
        return f"SHA256:{base64.b64encode(digest).rstrip(b'=').decode()}"

    def allowed_signers_line(self) -> str:
        return _allowed_line(self.public_key, None)


@dataclass(frozen=True, slots=True)
class RetiredSigner:
    """A key that signed until then: its older commits stay valid."""

    public_key: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The key that signs now, and those that did before, for the file of allowed signers."""

    current: SshSigner
    retired: Sequence[RetiredSigner] = ()

    def rotated(self, now: datetime, *, grace: timedelta = timedelta(hours=1)) -> "SigningKeys":
        """With a new key. The old one stays valid for `grace`: other processes sign with it until they
        have learned of the new one."""
        old = RetiredSigner(self.current.public_key, now + grace)
        return SigningKeys(SshSigner.generate(), (*self.retired, old))

    def allowed_signers(self) -> str:
        """The content of the file for `gpg.ssh.allowedSignersFile`: one line per key, oldest first."""
        lines = [_allowed_line(key.public_key, key.until) for key in self.retired]
        return "".join(f"{line}\n" for line in (*lines, self.current.allowed_signers_line()))


def _allowed_line(public_key: str, until: datetime | None) -> str:
    options = f'namespaces="{_NAMESPACE.decode()}"'
    if until is not None:
        options += f',valid-before="{until.astimezone(UTC):%Y%m%d%H%M%SZ}"'
    return f"{COMMITTER.email} {options} {public_key}"


def _string(data: bytes) -> bytes:
    """SSH's `string`: a length in four bytes, then that many."""
    return struct.pack(">I", len(data)) + data


def _read_private(path: Path) -> bytes:
    with path.open("rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise SigningKeyUnusable(f"{path} can be read by others: make a new key, or chmod 600 it")
        return stream.read(1 << 16)


def _write_temporary(path: Path, data: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return temporary
