"""A connection for a command."""

from typing import TYPE_CHECKING

from crontopus_cli import config

if TYPE_CHECKING:
    from crontopus_cli.client import Client


def connect() -> "Client":
    """To the current server with the current token. Raises AuthError when there is none."""
    target = config.target()
    return connect_to(target.server, target.token)


def connect_to(server: str, token: str | None = None) -> "Client":
    """To this server with this token, or anonymously."""
    # httpx takes longer to load than `--help` takes altogether
    from crontopus_cli.client import Client  # noqa: PLC0415

    return Client(server, token)
