"""Which server, and with which token: the environment first, then what `crontopus login` stored.

One file, `cli.json` in the user's configuration directory, mode 0600. Tokens go to the system's keyring
when there is one; the file holds them otherwise. Tokens are kept per server, so that pointing
CRONTOPUS_SERVER at another machine never sends it a token made for the first.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal
from urllib.parse import urlsplit

import platformdirs

from crontopus_cli.errors import AuthError, CliError, UsageError
from crontopus_cli.files import written_whole

DEFAULT_SERVER = "http://127.0.0.1:8000"
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}

Origin = Literal["login", "token"]


@dataclass
class Account:
    """A stored log-in. `origin` decides what `logout` may revoke: only a token that `login` made."""

    user: str
    origin: Origin
    store: Literal["keyring", "file"]
    token: str | None = None


@dataclass
class Stored:
    """The content of the file: the server used last, and one account per server."""

    server: str | None = None
    accounts: dict[str, Account] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """Where a command goes and what it shows there."""

    server: str
    token: str


def config_path() -> Path:
    return platformdirs.user_config_path("crontopus", appauthor=False) / "cli.json"


def normalise_server(text: str) -> str:
    """`https://host[:port]` out of what people type. Without a scheme: http for this machine, else https."""
    address = text.strip()
    if "://" not in address:
        host = urlsplit(f"//{address}").hostname or ""
        address = f"{'http' if host in _LOCAL_HOSTS else 'https'}://{address}"
    parts = urlsplit(address)
    try:
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid = False
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
        raise UsageError(f"{text!r} is not a server address", "give one like https://crontopus.example.com")
    if parts.username or parts.password:
        raise UsageError(
            "the server address must not contain a user name or password", "use `crontopus login`"
        )
    path = parts.path.rstrip("/").removesuffix("/api/v1")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def is_cleartext(server: str) -> bool:
    """True when passwords and tokens would cross a network unencrypted."""
    parts = urlsplit(server)
    return parts.scheme == "http" and parts.hostname not in _LOCAL_HOSTS


def load() -> Stored:
    path = config_path()
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        accounts = {server: Account(**account) for server, account in raw["accounts"].items()}
        return Stored(server=raw["server"], accounts=accounts)
    except FileNotFoundError:
        return Stored()
    except OSError as error:
        raise CliError(
            f"cannot read {path}: {error.strerror}",
            "check its owner and permissions, or set CRONTOPUS_SERVER and CRONTOPUS_TOKEN",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CliError(
            f"{path} is not a Crontopus configuration file", "delete it and run `crontopus login`"
        ) from error


def save(stored: Stored) -> None:
    """Writes the file whole or not at all; it is never readable by others, not even for a moment."""
    path = config_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written_whole(path) as file:
            file.write(f"{json.dumps(asdict(stored), indent=2)}\n".encode())
    except OSError as error:
        raise CliError(
            f"cannot write {path}: {error.strerror}",
            "make the directory writable, or use CRONTOPUS_SERVER and CRONTOPUS_TOKEN instead of a log-in",
        ) from error


def remember(server: str, user: str, token: str, origin: Origin) -> Account:
    """Makes `server` the one commands go to, with this token."""
    stored = load()
    in_keyring = _keyring().keep(server, token)
    account = Account(user, origin, "keyring" if in_keyring else "file", None if in_keyring else token)
    stored.server = server
    stored.accounts[server] = account
    save(stored)
    return account


def forget(server: str) -> None:
    stored = load()
    account = stored.accounts.pop(server, None)
    if account is None:
        return
    if account.store == "keyring":
        _keyring().remove(server)
    save(stored)


def environment_token() -> str | None:
    """CRONTOPUS_TOKEN, or the content of the file that CRONTOPUS_TOKEN_FILE names."""
    if token := os.environ.get("CRONTOPUS_TOKEN", "").strip():
        return token
    path = os.environ.get("CRONTOPUS_TOKEN_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"CRONTOPUS_TOKEN_FILE names {path}, which cannot be read: {error}") from error


def current_server() -> str | None:
    """The server of CRONTOPUS_SERVER, else the one logged in to last."""
    if address := os.environ.get("CRONTOPUS_SERVER", "").strip():
        return normalise_server(address)
    return load().server


def stored_token(server: str) -> str | None:
    account = load().accounts.get(server)
    if account is None:
        return None
    if account.store == "file":
        return account.token
    token: str | None = _keyring().read(server)
    return token


def target() -> Target:
    """Server and token for a command that needs a log-in. Raises AuthError when there is none."""
    token = environment_token()
    server = current_server() or (DEFAULT_SERVER if token else None)
    if server is None:
        raise AuthError("not logged in", "run `crontopus login --server URL`")
    token = token or stored_token(server)
    if token is None:
        raise AuthError(f"not logged in to {server}", f"run `crontopus login --server {server}`")
    return Target(server, token)


def _keyring() -> ModuleType:
    # looking for its back ends takes longer than most commands
    from crontopus_cli import keyring_store  # noqa: PLC0415

    return keyring_store
