"""`login`, `logout`, `whoami`."""

import os
import socket
import sys
from typing import Annotated, Any

import typer

from crontopus_cli import config
from crontopus_cli.errors import AuthError, CliError, UsageError
from crontopus_cli.options import Output
from crontopus_cli.output import emit_object, note
from crontopus_cli.session import connect_to
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]

_STANDARD_INPUT = "-"


def login(
    server: Annotated[
        str | None,
        typer.Option(
            help="Address of the server. Without it: CRONTOPUS_SERVER, the server used last, this machine."
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help="Use this API token instead of a password; `-` reads it from standard input."),
    ] = None,
    username: Annotated[
        str | None, typer.Option("--username", "-u", help="User name or email; asked for when left out.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Log in to a server and keep the token on this machine.

    With a user name and password the server makes a token named after this machine. It goes to the system's
    keyring, or where there is none to a file that only you can read.
    """
    if token is not None and (username is not None or password_stdin):
        raise UsageError("--token cannot go with --username or --password-stdin", "use one way to log in")
    address = config.normalise_server(server) if server else config.current_server() or config.DEFAULT_SERVER
    note(f"Logging in to {address}")
    if config.is_cleartext(address):
        note("Warning: http:// sends your password and token unencrypted; use https:// where you can.")
    if token is None:
        session = _password_login(address, username, from_stdin=password_stdin)
        _keep(address, session, str(session["token"]), "login")
        return
    secret = sys.stdin.readline().strip() if token == _STANDARD_INPUT else token.strip()
    with connect_to(address, secret) as client:
        session = client.get("auth", "me")
    _keep(address, session, secret, "token")


def logout() -> None:
    """Forget the stored token and revoke it.

    A token that you gave with `login --token` is forgotten but stays valid: others may use it too.
    """
    server = config.current_server()
    account = config.load().accounts.get(server) if server else None
    if server is None or account is None:
        note("Not logged in.")
        return
    token = _own_token(server)
    config.forget(server)
    note(f"Logged out of {server}.")
    if config.environment_token():
        note("CRONTOPUS_TOKEN is still set and will go on being used.")
    if token is not None and not _revoke(server, token):
        raise CliError(
            "the token is forgotten here but could not be revoked on the server",
            "revoke it with `crontopus tokens revoke` or in the console",
        )


def whoami(output: Output = OutputFormat.TABLE) -> None:
    """Show who you are, where, and what your token may do."""
    target = config.target()
    with connect_to(target.server, target.token) as client:
        session = client.get("auth", "me")
    emit_object(session, lambda item: _fields(target.server, item), output)


def _fields(server: str, session: Json) -> list[tuple[str, str]]:
    user, tenant = session["user"], session["tenant"]
    others = [
        f"{other['slug']} ({other['role']})" for other in session["tenants"] if other["id"] != tenant["id"]
    ]
    return [
        ("Server", server),
        ("User", f"{user['username']} <{user['email']}>"),
        ("Tenant", f"{tenant['slug']} ({tenant['role']})"),
        ("Also in", ", ".join(others)),
        ("Repository", session["repository"]["clone_url"]),
        ("Scopes", ", ".join(session["scopes"])),
    ]


def _keep(address: str, session: Json, secret: str, origin: config.Origin) -> None:
    """Stores the log-in, says where, and revokes the token that an earlier log-in made."""
    previous = _own_token(address)
    account = config.remember(address, session["user"]["username"], secret, origin)
    place = "the system keyring" if account.store == "keyring" else str(config.config_path())
    note(f"Logged in as {account.user} (tenant {session['tenant']['slug']}). The token is kept in {place}.")
    if previous and previous != secret:
        _revoke(address, previous)
    if config.environment_token():
        note("CRONTOPUS_TOKEN is set and goes before this log-in.")


def _password_login(address: str, username: str | None, *, from_stdin: bool) -> Json:
    user, password = _credentials(username, from_stdin=from_stdin)
    body = {
        "login": user,
        "password": password,
        "mode": "token",
        "token_name": f"cli on {socket.gethostname()}",
    }
    with connect_to(address) as client:
        session = client.post("auth", "login", body=body)
    if not session.get("token"):
        raise CliError(f"{address} gave no token", "this CLI may be too old or too new for the server")
    return session


def _credentials(username: str | None, *, from_stdin: bool) -> tuple[str, str]:
    if from_stdin:
        if username is None:
            raise UsageError("--password-stdin needs --username", "add --username NAME")
        return username, sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask for a password on",
            "use --token -, --username NAME --password-stdin, or set CRONTOPUS_TOKEN",
        )
    user = username or typer.prompt("User name or email", default=os.environ.get("USER") or None, err=True)
    return user, typer.prompt("Password", hide_input=True, err=True)


def _own_token(server: str) -> str | None:
    """The stored token, if `login` made it and so may revoke it."""
    account = config.load().accounts.get(server)
    if account is None or account.origin != "login":
        return None
    try:
        return config.stored_token(server)
    except AuthError as error:
        note(f"Warning: {error.message}; the earlier token stays valid until you revoke it.")
        return None


def _revoke(server: str, token: str) -> bool:
    """False when the server could not be told. A token it no longer knows is as good as revoked."""
    try:
        with connect_to(server, token) as client:
            client.post("auth", "logout")
    except AuthError:
        return True
    except CliError as error:
        note(f"Warning: the earlier token could not be revoked: {error.message}.")
        return False
    return True
