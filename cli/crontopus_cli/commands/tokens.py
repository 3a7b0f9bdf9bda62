"""`tokens list|create|rotate|revoke`: API tokens of the signed-in user, and for administrators everybody's."""

from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.results import one_by_one
from crontopus_cli.options import Limit, Output, at_most, new_app, one_more
from crontopus_cli.output import Column, emit_list, emit_text, note
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]

app = new_app("API tokens: what scripts and this command log in with.")


@app.command("list")
def list_tokens(
    *,
    everybody: Annotated[
        bool, typer.Option("--all", help="Everybody's in the tenant; for administrators.")
    ] = False,
    limit: Limit = 0,
    output: Output = OutputFormat.TABLE,
) -> None:
    """List your API tokens. The secrets themselves are shown only when they are made."""
    query = {"all": True} if everybody else {}
    with connect() as client:
        tokens = at_most(client.pages("tokens", limit=one_more(limit), **query), limit)
    emit_list(tokens, [_OWNER, *_COLUMNS] if everybody else _COLUMNS, output, empty="No tokens.")


@app.command("create")
def create_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the token is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            "-s",
            help="What it may do, such as `jobs:read`. May be repeated. Without: all of yours.",
        ),
    ] = None,
    expires_in: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="How long it is valid. Without: until it is revoked."),
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Make an API token and print its secret, once."""
    body: Json = {"name": name}
    if scope:
        body["scopes"] = scope
    if expires_in is not None:
        body["expires_in_seconds"] = words.seconds_of(expires_in)
    with connect() as client:
        created = client.post("tokens", body=body)
    if output is OutputFormat.TABLE:
        note(f"Token {name} ({created['token']['id']}). Keep it now: it is not shown again.")
    emit_text(f"{created['secret']}\n", created, output)


@app.command("rotate")
def rotate_token(
    token: Annotated[str, typer.Argument(metavar="ID", help="The token's id, from `tokens list`.")],
    overlap: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="So long the old secret works as well, 7d at most. Without: not at all."
        ),
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Give one of your tokens another secret, and print it, once. Name, scopes and life stay as they are."""
    body = {"overlap_seconds": 0 if overlap is None else words.seconds_of(overlap)}
    with connect() as client:
        issued = client.post("tokens", token, "rotate", body=body)
    if output is OutputFormat.TABLE:
        old = f"for another {overlap}" if overlap else "no longer"
        note(f"Token {issued['token']['name']} is {issued['token']['id']} now; the old secret works {old}.")
        note("Keep the new one now: it is not shown again.")
    emit_text(f"{issued['secret']}\n", issued, output)


@app.command("revoke")
def revoke_tokens(
    tokens: Annotated[
        list[str], typer.Argument(metavar="ID...", help="The tokens' ids, from `tokens list`.")
    ],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Revoke API tokens. They stop working at once. Administrators may revoke everybody's."""
    with connect() as client:
        one_by_one("token", tokens, "revoked", output, lambda token: client.delete("tokens", token))


_OWNER = Column("OWNER", lambda token: (token["owner"] or {}).get("username", ""), shrink=10)
_COLUMNS = [
    Column("NAME", lambda token: token["name"], shrink=12),
    Column("HINT", lambda token: token["hint"], drop=2),
    Column("LAST USED", lambda token: words.ago(token["last_used_at"]) or "never"),
    Column("EXPIRES", lambda token: words.ago(token["expires_at"]) or "never", drop=1),
    Column("CREATED", lambda token: words.ago(token["created_at"]), drop=3),
    Column("SCOPES", lambda token: ", ".join(token["scopes"]), drop=4, shrink=20),
    Column("ID", lambda token: token["id"]),
]
