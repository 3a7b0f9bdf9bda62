"""`login`, `register`, `logout`, `whoami`."""

import sys
from typing import Annotated, Any

import typer

from crontopus_cli import config, signing_in, words
from crontopus_cli.errors import CliError, UsageError
from crontopus_cli.options import Output, invitation_token
from crontopus_cli.output import emit_object, note
from crontopus_cli.session import connect_to
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]

_STANDARD_INPUT = "-"

Server = Annotated[
    str | None,
    typer.Option(
        help="Address of the server. Without it: CRONTOPUS_SERVER, the server used last, this machine."
    ),
]
Token = Annotated[
    str | None,
    typer.Option(help="Use this API token instead of a password; `-` reads it from standard input."),
]
Username = Annotated[
    str | None, typer.Option("--username", "-u", help="User name or email; asked for when left out.")
]
Code = Annotated[
    str | None,
    typer.Option(
        help="Code of the authenticator app, or a recovery code, for accounts with two-step sign-in;"
        " asked for when left out."
    ),
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def login(
    *,
    server: Server = None,
    token: Token = None,
    username: Username = None,
    password_stdin: PasswordStdin = False,
    code: Code = None,
    tenant: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Which of your tenants. Without: the oldest.")
    ] = None,
) -> None:
    """Log in to a server and keep the token on this machine.

    With a user name and password the server makes a token named after this machine. It goes to the system's
    keyring, or where there is none to a file that only you can read. A token is for one tenant: log in again with
    `--tenant` to go to another.
    """
    by_password = (username, code, tenant)
    if token is not None and (password_stdin or any(each is not None for each in by_password)):
        raise UsageError(
            "--token cannot go with --username, --password-stdin, --code or --tenant", "use one way to log in"
        )
    if token is not None:
        _log_in_by_token(server, token)
        return
    if password_stdin and username is None:
        raise UsageError("--password-stdin needs --username", "add --username NAME")
    if not password_stdin:
        signing_in.must_have_terminal()
    address = signing_in.server_address(server, "Logging in to")
    body = {"login": signing_in.ask_user(username)}
    body["password"] = signing_in.ask_password(from_stdin=password_stdin)
    if code is not None:
        body["code"] = code.strip()
    session = signing_in.sign_in(address, body, tenant)
    signing_in.keep(address, session, str(session["token"]), "login")


def _log_in_by_token(server: str | None, token: str) -> None:
    address = signing_in.server_address(server, "Logging in to")
    secret = sys.stdin.readline().strip() if token == _STANDARD_INPUT else token.strip()
    with connect_to(address, secret) as client:
        session = client.get("auth", "me")
    signing_in.keep(address, session, secret, "token")


def register(
    *,
    username: Annotated[
        str, typer.Option("--username", "-u", help="Your user name, and your tenant's slug.")
    ],
    email: Annotated[str, typer.Option(help="Your email address.")],
    server: Server = None,
    password_stdin: PasswordStdin = False,
    invitation: Annotated[
        str | None,
        typer.Option(help="The link of an invitation, or the token in it; `-` reads it from standard input."),
    ] = None,
) -> None:
    """Make an account with a tenant and a repository of its own, and log in to it.

    Where the server confirms addresses it sends a link first: open it, then log in.
    """
    address = signing_in.server_address(server, "Registering with")
    body = {"username": username, "email": email, "mode": "token", "token_name": signing_in.token_name()}
    if invitation is not None:
        body["invitation"] = invitation_token(invitation)
    body["password"] = signing_in.ask_password(from_stdin=password_stdin, new=True)
    with connect_to(address) as client:
        session = client.post("auth", "register", body=body)
    if session.get("token"):
        signing_in.keep(address, session, str(session["token"]), "login")
        return
    note(f"An email is on its way to {email}. Open the link in it, then run `crontopus login`.")


def logout() -> None:
    """Forget the stored token and revoke it.

    A token that you gave with `login --token` is forgotten but stays valid: others may use it too.
    """
    server = config.current_server()
    account = config.load().accounts.get(server) if server else None
    if server is None or account is None:
        note("Not logged in.")
        return
    token = signing_in.own_token(server)
    config.forget(server)
    note(f"Logged out of {server}.")
    if config.environment_token():
        note("CRONTOPUS_TOKEN is still set and will go on being used.")
    if token is not None and not signing_in.revoke(server, token):
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
        ("Deleted", words.ends(tenant)),
        ("Also in", ", ".join(others)),
        ("Repository", session["repository"]["clone_url"]),
        ("Scopes", ", ".join(session["scopes"])),
    ]
