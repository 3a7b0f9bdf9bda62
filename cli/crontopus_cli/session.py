"""A connection for a command."""

import sys
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
    # httpx loads its own command line with click, rich and pygments, two thirds of its start-up time, unless
    # that cannot be imported. Measured: 0.15 s instead of 0.44 s.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    # Here and not above: httpx takes as long to load as `--help` takes altogether.
    from crontopus_cli.client import Client  # noqa: PLC0415

    return Client(server, token)
