"""`members list|role|remove`: who works in the tenant."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from crontopus_cli import words
from crontopus_cli.commands.results import one_by_one
from crontopus_cli.errors import CliError
from crontopus_cli.options import Limit, Output, Yes, at_most, confirm, new_app, one_more
from crontopus_cli.output import Column, emit_list
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat, Role

if TYPE_CHECKING:
    from crontopus_cli.client import Client

app = new_app("Members: the people in the tenant, and what each may do.")

Member = Annotated[
    str, typer.Argument(metavar="MEMBER", help="A member's user name, email address or user id.")
]


@app.command("list")
def list_members(limit: Limit = 0, output: Output = OutputFormat.TABLE) -> None:
    """List the members and their roles."""
    with connect() as client:
        members = at_most(client.pages("members", limit=one_more(limit)), limit)
    emit_list(members, _COLUMNS, output)


@app.command("role")
def change_role(
    member: Member,
    role: Annotated[Role, typer.Argument(metavar="ROLE", help="owner, admin, editor or viewer.")],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Give a member another role, no higher than your own. It holds at once, for their tokens as well."""
    with connect() as client:
        changed = client.patch("members", member_id(client, member), body={"role": role})
    emit_list([changed], _COLUMNS, output)


@app.command("remove")
def remove_members(
    members: Annotated[
        list[str], typer.Argument(metavar="MEMBER...", help="User names, email addresses or user ids.")
    ],
    yes: Yes = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Remove members from the tenant. Their sessions and tokens of it stop working at once."""
    confirm(f"Remove {', '.join(members)} from the tenant?", yes=yes)
    with connect() as client:
        ids = {member: member_id(client, member) for member in members}
        one_by_one("member", members, "removed", output, lambda member: client.delete("members", ids[member]))


def member_id(client: "Client", member: str) -> str:
    """Of the member that is called so. Raises CliError when nobody is."""
    try:
        return str(UUID(member))
    except ValueError:
        wanted = member.lower()
    for each in client.pages("members"):
        if wanted in {each["username"].lower(), each["email"].lower()}:
            return str(each["user_id"])
    raise CliError(f"{member} is no member of the tenant", "`crontopus members list` shows who is")


_COLUMNS = [
    Column("MEMBER", lambda member: member["username"], shrink=12),
    Column("ROLE", lambda member: member["role"]),
    Column("EMAIL", lambda member: member["email"], shrink=16),
    Column("JOINED", lambda member: words.ago(member["joined_at"]), drop=1),
    Column("USER ID", lambda member: member["user_id"], drop=2),
]
