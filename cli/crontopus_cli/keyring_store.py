"""Tokens in the system's keyring, one per server. Loaded only where needed: it looks for its back ends."""

import keyring
from keyring.errors import KeyringError, PasswordDeleteError

from crontopus_cli.errors import AuthError, CliError

SERVICE = "crontopus"
# Back ends raise more than KeyringError when the service behind them is missing or locked.
_FAILURES = (KeyringError, RuntimeError, OSError)


def keep(server: str, token: str) -> bool:
    """False where no keyring keeps what it is given (servers, containers, SSH sessions)."""
    try:
        keyring.set_password(SERVICE, server, token)
        return keyring.get_password(SERVICE, server) == token
    except _FAILURES:
        return False  # the caller keeps the token in its 0600 file, and `login` says where


def read(server: str) -> str | None:
    try:
        return keyring.get_password(SERVICE, server)
    except _FAILURES as error:
        raise AuthError(
            f"the system keyring does not give up the token for {server}: {error}",
            "unlock it, or set CRONTOPUS_TOKEN",
        ) from error


def remove(server: str) -> None:
    try:
        keyring.delete_password(SERVICE, server)
    except PasswordDeleteError:
        return  # already gone
    except _FAILURES as error:
        raise CliError(
            f"cannot remove the token for {server} from the system keyring: {error}",
            f"remove the entry {SERVICE!r} with your system's key manager",
        ) from error
