"""`incidents …`: what is wrong, what was, and what people do about it."""

import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.finding import id_of
from crontopus_cli.commands.results import one_by_one
from crontopus_cli.errors import UsageError
from crontopus_cli.filters import filtered_by
from crontopus_cli.options import Limit, Output, at_most, new_app, one_more, parse_address
from crontopus_cli.output import Column, emit_list, emit_object
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import IncidentKind, IncidentState, OutputFormat, Severity

Json = dict[str, Any]

app = new_app("Incidents: what is wrong, from when it began to when it ended.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, from `incidents list`.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="The incidents' ids, from `incidents list`.")]


@dataclass(frozen=True)
class Filter:
    """Which incidents."""

    state: Annotated[IncidentState, typer.Option(help="Which incidents.")] = IncidentState.OPEN
    kind: Annotated[IncidentKind | None, typer.Option(help="Only of this kind.")] = None
    severity: Annotated[Severity | None, typer.Option(help="Only of this severity.")] = None
    job: Annotated[str | None, typer.Option("--job", "-j", help="Only of this job: NAMESPACE/NAME.")] = None
    endpoint: Annotated[str | None, typer.Option(help="Only of this endpoint: its name or id.")] = None
    parent: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those that are folded into this incident.")
    ] = None
    top: Annotated[bool, typer.Option("--top", help="Without those that are folded into another.")] = False


@app.command("list")
@filtered_by(Filter)
def list_incidents(chosen: Filter, limit: Limit = 50, output: Output = OutputFormat.TABLE) -> None:
    """List incidents, newest first. Without options: those that are open."""
    wanted = None if chosen.state is IncidentState.ALL else chosen.state
    with connect() as client:
        query = {
            "state": wanted,
            "kind": chosen.kind,
            "severity": chosen.severity,
            "job": "/".join(parse_address(chosen.job)) if chosen.job else None,
            "endpoint": id_of(client, "endpoints", chosen.endpoint) if chosen.endpoint else None,
            "parent": chosen.parent,
            "top": chosen.top or None,
        }
        incidents = at_most(client.pages("incidents", limit=one_more(limit), **query), limit)
    empty = "No open incidents." if chosen.state is IncidentState.OPEN else "No incidents."
    emit_list(incidents, _COLUMNS, output, empty=empty)


@app.command("show")
def show_incident(incident: Id, output: Output = OutputFormat.TABLE) -> None:
    """Show one incident with its timeline."""
    with connect() as client:
        found = client.get("incidents", incident)
    emit_object(found, _fields, output)
    if output is OutputFormat.TABLE and found["events"]:
        sys.stdout.write("\n")
        emit_list(found["events"], _EVENT_COLUMNS, output)


@app.command("acknowledge")
def acknowledge_incidents(incidents: Ids, output: Output = OutputFormat.TABLE) -> None:
    """Take incidents on. Slack, PagerDuty, Opsgenie and webhooks hear of it, and it goes no further up."""
    _each(incidents, "acknowledge", "acknowledged", output)


@app.command("snooze")
def snooze_incidents(
    incidents: Ids,
    duration: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="For how long, 30d at most.")
    ] = "1h",
    output: Output = OutputFormat.TABLE,
) -> None:
    """Leave people alone with incidents for a while.

    `crontopus incidents snooze ID --for 4h`
    """
    _each(incidents, "snooze", "snoozed", output, {"duration_seconds": words.seconds_of(duration)})


@app.command("mute")
def mute_incidents(incidents: Ids, output: Output = OutputFormat.TABLE) -> None:
    """Say no more about incidents, not even that they are over."""
    _each(incidents, "mute", "muted", output)


@app.command("unmute")
def unmute_incidents(incidents: Ids, output: Output = OutputFormat.TABLE) -> None:
    """Let people hear of incidents again."""
    _each(incidents, "unmute", "unmuted", output)


@app.command("resolve")
def resolve_incidents(incidents: Ids, output: Output = OutputFormat.TABLE) -> None:
    """Declare incidents over. The next thing that goes wrong is a new one."""
    _each(incidents, "resolve", "resolved", output)


@app.command("comment")
def comment_incident(
    incident: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Your words; `-` reads standard input.")],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Write something into an incident's timeline.

    `crontopus incidents comment ID "The disk was full; it is being replaced."`
    """
    said = (sys.stdin.read() if text == "-" else text).strip()
    if not said:
        raise UsageError("the comment is empty", "write something")
    _each([incident], "comment", "commented", output, {"text": said})


def _each(
    incidents: list[str], act: str, result: str, output: OutputFormat, body: Json | None = None
) -> None:
    with connect() as client:
        one_by_one(
            "incident", incidents, result, output, lambda each: client.post("incidents", each, act, body=body)
        )


def _fields(incident: Json) -> list[tuple[str, str]]:
    acknowledged, children = "", incident.get("children")
    if incident["acknowledged_at"]:
        acknowledged = f"{words.moment(incident['acknowledged_at'])} by {incident['acknowledged_by']}"
    return [
        ("Incident", incident["title"]),
        ("State", incident["state"]),
        ("Kind", incident["kind"]),
        ("Severity", incident["severity"]),
        ("Cause", incident["cause"] or ""),
        ("Job", words.job_address(incident["job"])),
        ("Endpoint", words.named(incident["endpoint"])),
        ("Opened", words.moment(incident["opened_at"])),
        ("Resolved", words.moment(incident["resolved_at"])),
        ("Acknowledged", acknowledged),
        ("Snoozed", f"until {words.moment(incident['snoozed_until'])}" if incident["snoozed_until"] else ""),
        ("Muted", "yes" if incident.get("muted") else ""),
        ("Flapping", "yes" if incident.get("flapping") else ""),
        ("Folded into", incident.get("parent_id") or ""),
        ("Folds", words.counted(children, "other incident") if children else ""),
        ("Id", incident["id"]),
    ]


_COLUMNS = [
    Column("STATE", lambda incident: incident["state"], state=True),
    Column("KIND", lambda incident: incident["kind"]),
    Column("SEVERITY", lambda incident: incident["severity"], drop=2, state=True),
    Column("JOB", lambda incident: words.job_address(incident["job"]), shrink=26),
    Column("OPENED", lambda incident: words.ago(incident["opened_at"])),
    Column("RESOLVED", lambda incident: words.ago(incident["resolved_at"]), drop=1),
    Column("ENDPOINT", lambda incident: words.named(incident["endpoint"]), drop=4),
    Column("FOLDS", lambda incident: str(incident.get("children") or ""), drop=3, right=True),
    Column("TITLE", lambda incident: incident["title"], shrink=40),
    Column("ID", lambda incident: incident["id"], drop=5),
]
_EVENT_COLUMNS = [
    Column("WHEN", lambda event: words.ago(event["at"])),
    Column("WHAT", lambda event: event["kind"]),
    Column("MESSAGE", lambda event: " ".join(event["message"].split()), shrink=40),
]
