"""`endpoints list|unlock`: the machines that run the agent."""

from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.finding import id_of
from crontopus_cli.options import Limit, Output, Yes, at_most, confirm, new_app, one_more
from crontopus_cli.output import Column, emit_list
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]

app = new_app("Endpoints: the machines that run the agent.")


@app.command("list")
def list_endpoints(limit: Limit = 0, output: Output = OutputFormat.TABLE) -> None:
    """List endpoints with their state and the commit they have applied."""
    with connect() as client:
        endpoints = at_most(client.pages("endpoints", limit=one_more(limit)), limit)
    emit_list(
        endpoints,
        _COLUMNS,
        output,
        empty="No endpoints. `crontopus enroll-token create` prints how to add one.",
    )


@app.command("unlock")
def unlock_endpoint(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's name or id.")],
    yes: Yes = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Let an endpoint that is locked go on, because it seemed to be in use twice.

    The next of its copies to come goes on as this endpoint; any other has to enrol. Find out first which machine that
    is: `crontopus endpoints list -o json` says why it was locked.
    """
    with connect() as client:
        endpoint_id = id_of(client, "endpoints", endpoint)
        confirm(f"Unlock {endpoint}, for whichever of its copies comes next?", yes=yes)
        unlocked = client.post("endpoints", endpoint_id, "unlock")
    emit_list([unlocked], _COLUMNS, output)


def _applied(endpoint: Json) -> str:
    """The applied commit, marked when the agent has fetched a newer one and not finished with it."""
    applied, fetched = endpoint["applied_commit"], endpoint["fetched_commit"]
    behind = " (behind)" if fetched and fetched != applied else ""
    return f"{applied[:7]}{behind}" if applied else behind.strip()


_COLUMNS = [
    Column("NAME", lambda endpoint: endpoint["name"], shrink=12),
    Column("STATE", lambda endpoint: endpoint["state"], state=True),
    Column("LAST SEEN", lambda endpoint: words.ago(endpoint["last_seen_at"])),
    Column("PLATFORM", lambda endpoint: f"{endpoint['platform']}/{endpoint['arch']}", drop=4),
    Column("AGENT", lambda endpoint: endpoint["agent_version"], drop=3),
    Column("INSTANCES", lambda endpoint: str(endpoint["instances"]), drop=5, right=True),
    Column("APPLIED", _applied, drop=2),
    Column("LABELS", lambda endpoint: words.labels(endpoint["labels"]), drop=6, shrink=16),
    Column("ID", lambda endpoint: endpoint["id"], drop=7),
]
