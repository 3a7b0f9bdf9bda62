"""What `login` and `register` share: asking for secrets, the second factor, keeping the token."""

import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import typer

from crontopus_cli import config
from crontopus_cli.errors import AuthError, CliError, UsageError
from crontopus_cli.output import note
from crontopus_cli.session import connect_to

if TYPE_CHECKING:
    from crontopus_cli.client import Client

Json = dict[str, Any]


def server_address(server: str | None, doing: str) -> str:
    """The one given, else that of CRONTOPUS_SERVER, the one used last, this machine. Says what is done there."""
    address = config.normalise_server(server) if server else config.current_server() or config.DEFAULT_SERVER
    note(f"{doing} {address}")
    if config.is_cleartext(address):
        note("Warning: http:// sends your password and token unencrypted; use https:// where you can.")
    return address


def token_name() -> str:
    return f"cli on {socket.gethostname()}"


def ask_user(username: str | None) -> str:
    if username is not None:
        return username
    return str(typer.prompt("User name or email", default=os.environ.get("USER") or None, err=True))


def ask_password(*, from_stdin: bool, new: bool = False) -> str:
    """A `new` one is asked for twice. Raises UsageError where there is nobody to ask."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    must_have_terminal()
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=new, err=True))


def must_have_terminal() -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask for a password on",
            "use --token -, --username NAME --password-stdin, or set CRONTOPUS_TOKEN",
        )


def sign_in(address: str, body: Json, tenant: str | None) -> Json:
    """A session of the API with a token that lasts, in the oldest tenant or the one called `tenant`.

    `body`: login and password, and perhaps a code; a code that is wanted and lacking is asked for.
    """
    with connect_to(address) as client:
        if tenant is None:
            session = _with_code(client, {**body, "mode": "token", "token_name": token_name()})
        else:
            session = _switched(client, body, tenant)
    if not session.get("token"):
        raise CliError(f"{address} gave no token", "this CLI may be too old or too new for the server")
    return session


def _with_code(client: "Client", body: Json) -> Json:
    try:
        return client.post("auth", "login", body=body)
    except AuthError as error:
        if error.code != "second_factor_required":
            raise
        code = _ask_code()
    return client.post("auth", "login", body={**body, "code": code})


def _ask_code() -> str:
    if not sys.stdin.isatty():
        raise AuthError(
            "this account asks for a code as well as the password",
            "add --code CODE: from the authenticator app, or a recovery code",
        )
    # Not hidden: it is worthless as soon as it was used, and people misread six digits.
    return str(typer.prompt("Code from your authenticator app, or a recovery code", err=True)).strip()


def _switched(client: "Client", body: Json, tenant: str) -> Json:
    """Tokens are made in the tenant that one is in: a browser's session goes there, makes one and ends."""
    _with_code(client, {**body, "mode": "cookie"})
    try:
        session = client.post("auth", "switch", body={"tenant": tenant})
        issued = client.post("tokens", body={"name": token_name()})
        return {**session, "token": issued["secret"]}
    finally:
        client.post("auth", "logout")


def keep(address: str, session: Json, secret: str, origin: config.Origin) -> None:
    """Stores the log-in, says where, and revokes the token that an earlier log-in made."""
    previous = own_token(address)
    account = config.remember(address, session["user"]["username"], secret, origin)
    place = "the system keyring" if account.store == "keyring" else str(config.config_path())
    note(f"Logged in as {account.user} (tenant {session['tenant']['slug']}). The token is kept in {place}.")
    if previous and previous != secret:
        revoke(address, previous)
    if config.environment_token():
        note("CRONTOPUS_TOKEN is set and goes before this log-in.")


def own_token(server: str) -> str | None:
    """The stored token, if `login` made it and so may revoke it."""
    account = config.load().accounts.get(server)
    if account is None or account.origin != "login":
        return None
    try:
        return config.stored_token(server)
    except AuthError as error:
        note(f"Warning: {error.message}; the earlier token stays valid until you revoke it.")
        return None


def revoke(server: str, token: str) -> bool:
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
