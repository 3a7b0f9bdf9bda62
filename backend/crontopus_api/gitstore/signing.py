"""SSH signatures of commits: one Ed25519 key per installation, in memory, no process started per commit.

The formats are OpenSSH's: SSHSIG (PROTOCOL.sshsig) in the commit's `gpgsig` header, and an allowed-signers line
(ssh-keygen(1)), with which anybody checks by `git verify-commit` what Crontopus published. dulwich signs
too, but by starting `ssh-keygen` with a key file for every commit.
"""

import base64
import hashlib
import struct
from datetime import UTC, datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crontopus_api.gitstore.host import COMMITTER

_MAGIC = b"SSHSIG"
_VERSION = 1
_NAMESPACE = b"git"
_SUCCESSION = b"crontopus-signer"
_HASH = b"sha512"
_KEY_TYPE = b"ssh-ed25519"
_ARMOUR_WIDTH = 70  # as ssh-keygen folds it


class SshSigner:
    """Signs with one Ed25519 key. Safe to share between threads."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self._public = _string(_KEY_TYPE) + _string(public)

    @classmethod
    def from_seed(cls, seed: bytes) -> "SshSigner":
        """The key that 32 secret bytes stand for: every process that knows them has the same one."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    def sign(self, payload: bytes, namespace: bytes = _NAMESPACE) -> bytes:
        """The armoured signature of a commit without its `gpgsig` header; no newline at the end."""
        about = _string(namespace) + _string(b"") + _string(_HASH)
        signed = _MAGIC + about + _string(hashlib.sha512(payload).digest())
        signature = _string(_KEY_TYPE) + _string(self._key.sign(signed))
        blob = _MAGIC + struct.pack(">I", _VERSION) + _string(self._public) + about + _string(signature)
        text = base64.b64encode(blob)
        lines = [text[at : at + _ARMOUR_WIDTH] for at in range(0, len(text), _ARMOUR_WIDTH)]
        return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----"])

    def succeeded_by(self, new: str, at: datetime) -> str:
        """The armoured signature by which this key hands over to another: agents have pinned this one."""
        return self.sign(succession(self.public_key, new, at).encode(), _SUCCESSION).decode()

    @property
    def public_key(self) -> str:
        """`ssh-ed25519 AAAA…`, as in an `authorized_keys` file."""
        return f"{_KEY_TYPE.decode()} {base64.b64encode(self._public).decode()}"

    @property
    def fingerprint(self) -> str:
        """`SHA256:…`, as `ssh-keygen -l` and `git verify-commit` show it."""
        return fingerprint_of(self.public_key)

    def allowed_signers(self) -> str:
        """The content of the file for `gpg.ssh.allowedSignersFile`."""
        return allowed_signer(self.public_key)


def succession(old: str, new: str, at: datetime) -> str:
    """What is signed when one key follows another."""
    return f"crontopus-signer-v1\n{old}\n{new}\n{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n"


def fingerprint_of(public_key: str) -> str:
    """Of `ssh-ed25519 AAAA…`."""
    digest = hashlib.sha256(base64.b64decode(public_key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).rstrip(b'=').decode()}"


def allowed_signer(public_key: str, until: datetime | None = None) -> str:
    """A line for `gpg.ssh.allowedSignersFile`: good for commits made before `until`."""
    end = f',valid-before="{until.astimezone(UTC):%Y%m%d%H%M%SZ}"' if until is not None else ""
    return f'{COMMITTER.email} namespaces="{_NAMESPACE.decode()}"{end} {public_key}\n'


def _string(data: bytes) -> bytes:
    """SSH's `string`: a length in four bytes, then that many."""
    return struct.pack(">I", len(data)) + data
