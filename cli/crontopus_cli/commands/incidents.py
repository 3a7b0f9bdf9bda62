"""`incidents list`: what is wrong, and what was."""

from typing import Annotated

import typer

from crontopus_cli import words
from crontopus_cli.options import Limit, Output, at_most, new_app, one_more
from crontopus_cli.output import Column, emit_list
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import IncidentState, OutputFormat

app = new_app("Incidents: what is wrong, from when it began to when it ended.")


@app.command("list")
def list_incidents(
    state: Annotated[IncidentState, typer.Option(help="Which incidents.")] = IncidentState.OPEN,
    limit: Limit = 50,
    output: Output = OutputFormat.TABLE,
) -> None:
    """List incidents, newest first. Without options: those that are open."""
    wanted = None if state is IncidentState.ALL else state
    with connect() as client:
        incidents = at_most(client.pages("incidents", limit=one_more(limit), state=wanted), limit)
    empty = "No open incidents." if state is IncidentState.OPEN else "No incidents."
    emit_list(incidents, _COLUMNS, output, empty=empty)


_COLUMNS = [
    Column("STATE", lambda incident: incident["state"], state=True),
    Column("KIND", lambda incident: incident["kind"]),
    Column("SEVERITY", lambda incident: incident["severity"], drop=2, state=True),
    Column("JOB", lambda incident: words.job_address(incident["job"]), shrink=26),
    Column("OPENED", lambda incident: words.ago(incident["opened_at"])),
    Column("RESOLVED", lambda incident: words.ago(incident["resolved_at"]), drop=1),
    Column("ENDPOINT", lambda incident: words.named(incident["endpoint"]), drop=4),
    Column("TITLE", lambda incident: incident["title"], shrink=40),
    Column("ID", lambda incident: incident["id"], drop=5),
]
