"""`invitations list|create|resend|delete|accept`: how people get into a tenant."""

from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.results import one_by_one
from crontopus_cli.commands.tenants import COLUMNS as TENANT_COLUMNS
from crontopus_cli.options import Limit, Output, at_most, invitation_token, new_app, one_more
from crontopus_cli.output import Column, emit_list, emit_object, note
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat, Role

Json = dict[str, Any]

app = new_app("Invitations: links by email that make somebody a member.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The invitation's id, from `invitations list`.")]


@app.command("list")
def list_invitations(limit: Limit = 0, output: Output = OutputFormat.TABLE) -> None:
    """List the invitations that nobody has accepted yet, newest first."""
    with connect() as client:
        found = at_most(client.pages("invitations", limit=one_more(limit)), limit)
    emit_list(found, _COLUMNS, output, empty="No open invitations.")


@app.command("create")
def create_invitation(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Where the link is sent.")],
    role: Annotated[Role, typer.Option(help="What they may do, no more than you.")] = Role.VIEWER,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Invite somebody into the tenant by email. The link works for seven days, once.

    Where the server sends no email the link is printed: hand it over yourself.
    """
    with connect() as client:
        invitation = client.post("invitations", body={"email": email, "role": role})
    emit_object(invitation, _fields, output)


@app.command("resend")
def resend_invitation(invitation: Id, output: Output = OutputFormat.TABLE) -> None:
    """Send an invitation's email again; its link works for seven more days."""
    with connect() as client:
        sent = client.post("invitations", invitation, "resend")
    emit_object(sent, _fields, output)


@app.command("delete")
def delete_invitations(
    invitations: Annotated[
        list[str], typer.Argument(metavar="ID...", help="The invitations' ids, from `invitations list`.")
    ],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Withdraw invitations. Their links stop working at once."""
    with connect() as client:
        one_by_one(
            "invitation", invitations, "deleted", output, lambda each: client.delete("invitations", each)
        )


@app.command("accept")
def accept_invitation(
    invitation: Annotated[
        str,
        typer.Argument(
            metavar="LINK",
            help="The link in the email, or the token in it; `-` reads it from standard input.",
        ),
    ],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Join a tenant that you were invited to, as who you are logged in as."""
    with connect() as client:
        tenant = client.post("invitations", "accept", body={"token": invitation_token(invitation)})
    note(
        f"You are in. Your token is for another tenant: `crontopus login --tenant {tenant['slug']}` goes there."
    )
    emit_list([tenant], TENANT_COLUMNS, output)


def _fields(invitation: Json) -> list[tuple[str, str]]:
    return [
        ("Invitation", invitation["id"]),
        ("Email", invitation["email"]),
        ("Role", invitation["role"]),
        ("Expires", words.moment(invitation["expires_at"])),
        ("Problem", invitation["problem"] or ""),
        ("Link", invitation["link"] or ""),
    ]


_COLUMNS = [
    Column("EMAIL", lambda invitation: invitation["email"], shrink=16),
    Column("ROLE", lambda invitation: invitation["role"]),
    Column("EXPIRES", lambda invitation: words.ago(invitation["expires_at"])),
    Column("SENT", lambda invitation: words.ago(invitation["sent_at"]), drop=1),
    Column("BY", lambda invitation: invitation["invited_by"], drop=2, shrink=10),
    Column("PROBLEM", lambda invitation: invitation["problem"] or "", drop=3, shrink=20),
    Column("ID", lambda invitation: invitation["id"]),
]
