"""`tenants list|create|show|rename|transfer|leave|delete|restore`: one's tenants, and the one the token is for."""

from typing import Annotated, Any

import typer

from crontopus_cli import config, words
from crontopus_cli.commands.members import Member, member_id
from crontopus_cli.options import Output, Yes, confirm, new_app
from crontopus_cli.output import Column, emit_list, emit_object, note
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]

app = new_app("Tenants: what jobs, endpoints and members belong to.")


@app.command("list")
def list_tenants(output: Output = OutputFormat.TABLE) -> None:
    """List the tenants you are a member of."""
    with connect() as client:
        found = list(client.pages("tenants"))
    emit_list(found, COLUMNS, output)


@app.command("create")
def create_tenant(
    slug: Annotated[
        str,
        typer.Argument(metavar="SLUG", help="Its address: lower-case letters, digits, hyphens; for ever."),
    ],
    name: Annotated[str | None, typer.Option(help="Its name. Without: the slug.")] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Make one more tenant, yours, with a repository of its own."""
    body = {"slug": slug} if name is None else {"slug": slug, "name": name}
    with connect() as client:
        created = client.post("tenants", body=body)
    note(f"Your token is for another tenant: `crontopus login --tenant {created['slug']}` goes there.")
    emit_list([created], COLUMNS, output)


@app.command("show")
def show_tenant(output: Output = OutputFormat.TABLE) -> None:
    """Show the tenant that your token is for."""
    with connect() as client:
        found = client.get("tenants", "current")
    emit_object(found, _fields, output)


@app.command("rename")
def rename_tenant(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Give the tenant another name. Its slug stays: it is part of addresses that machines know."""
    with connect() as client:
        renamed = client.patch("tenants", "current", body={"name": name})
    emit_object(renamed, _fields, output)


@app.command("transfer")
def transfer_tenant(member: Member, yes: Yes = False, output: Output = OutputFormat.TABLE) -> None:
    """Make another member the tenant's owner. You become an admin."""
    confirm(f"Make {member} owner and yourself admin?", yes=yes)
    with connect() as client:
        body = {"user_id": member_id(client, member)}
        transferred = client.post("tenants", "current", "transfer", body=body)
    emit_object(transferred, _fields, output)


@app.command("leave")
def leave_tenant(yes: Yes = False, output: Output = OutputFormat.TABLE) -> None:
    """Leave the tenant. Your tokens of it, the one in use included, stop working at once."""
    with connect() as client:
        slug = client.get("tenants", "current")["slug"]
        confirm(f"Leave {slug}?", yes=yes)
        client.post("tenants", "current", "leave")
        server = client.server
    if config.environment_token() is None:
        config.forget(server)
        note(f"Logged out of {server}: the token was for {slug}.")
    emit_list([{"tenant": slug, "result": "left"}], _RESULT_COLUMNS, output)


@app.command("delete")
def delete_tenant(
    slug: Annotated[
        str, typer.Argument(metavar="SLUG", help="The tenant's slug, to be sure it is this one.")
    ],
    yes: Yes = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Delete the tenant that your token is for, with all it has.

    It works on for a time of grace, in which `crontopus tenants restore` takes the deletion back. Then all of it
    is removed for good; `crontopus tenants export` before that keeps a copy.
    """
    confirm(f"Delete {slug} with its jobs, runs and repository?", yes=yes)
    with connect() as client:
        deleted = client.delete("tenants", "current", body={"confirm": slug})
    emit_object(deleted, _fields, output)


@app.command("restore")
def restore_tenant(output: Output = OutputFormat.TABLE) -> None:
    """Take the deletion of the tenant back."""
    with connect() as client:
        restored = client.post("tenants", "current", "restore")
    emit_object(restored, _fields, output)


def _fields(tenant: Json) -> list[tuple[str, str]]:
    return [
        ("Tenant", tenant["slug"]),
        ("Name", tenant["name"]),
        ("Your role", tenant["role"]),
        ("Plan", tenant["plan"]),
        ("Deleted", words.ends(tenant)),
    ]


COLUMNS = [
    Column("TENANT", lambda tenant: tenant["slug"], shrink=16),
    Column("NAME", lambda tenant: tenant["name"], drop=1, shrink=16),
    Column("ROLE", lambda tenant: tenant["role"]),
    Column("PLAN", lambda tenant: tenant["plan"], drop=2),
    Column("ENDS", lambda tenant: words.ago(tenant["delete_at"])),
]
_RESULT_COLUMNS = [
    Column("RESULT", lambda row: row["result"], state=True),
    Column("TENANT", lambda row: row["tenant"]),
]
