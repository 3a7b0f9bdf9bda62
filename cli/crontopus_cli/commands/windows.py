"""`windows list|show|start|end|delete`: times in which nothing is expected."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.documents import DOCUMENT_COLUMNS, applied, delete_documents
from crontopus_cli.errors import UsageError
from crontopus_cli.filters import filtered_by
from crontopus_cli.options import DryRun, Message, Output, Yes, new_app, parse_labels
from crontopus_cli.output import Column, emit_list, emit_text
from crontopus_cli.plan_view import show_plan
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]

app = new_app("Maintenance windows: times in which nothing is expected and nobody is notified.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The window's name, from `windows list`.")]
_AHEAD = "A time, a date, or a duration such as `2h` from now."


@app.command("list")
def list_windows(output: Output = OutputFormat.TABLE) -> None:
    """List maintenance windows: which one is open, and when the others are."""
    with connect() as client:
        windows = list(client.pages("maintenance-windows"))
    emit_list(windows, _COLUMNS, output, empty="No maintenance windows.")


@app.command("show")
def show_window(name: Name, output: Output = OutputFormat.TABLE) -> None:
    """Print a window's manifest as it is in Git."""
    with connect() as client:
        found = client.get("maintenance-windows", name)
    emit_text(found["yaml"], found, output)


@dataclass(frozen=True)
class Wanted:
    """Which jobs, and when."""

    duration: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="How long it lasts.")] = (
        None
    )
    until: Annotated[str | None, typer.Option(metavar="TIME", help=f"Or when it ends. {_AHEAD}")] = None
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"When it begins. {_AHEAD} Without: now.")
    ] = None
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Jobs of this namespace. Repeatable: of any of these."),
    ] = None
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", "-l", metavar="KEY=VALUE", help="Jobs with this label. Repeatable: with all of these."
        ),
    ] = None
    all_jobs: Annotated[bool, typer.Option("--all", help="All jobs of the tenant.")] = False
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="Why, for whoever wonders.")] = None
    name: Annotated[str | None, typer.Option(help="Its name. Without: made from when it begins.")] = None

    def body(self) -> Json:
        if (self.duration is None) == (self.until is None):
            raise UsageError("when does it end?", "give --for DURATION or --until TIME")
        if self.all_jobs == bool(self.namespace or self.label):
            raise UsageError("which jobs?", "give --namespace, --label or both; or --all")
        match: Json = {"namespaces": self.namespace} if self.namespace else {}
        if self.label:
            match["matchLabels"] = parse_labels(self.label)
        body: Json = {"match": match, "reason": self.reason, "name": self.name}
        body["duration_seconds"] = words.seconds_of(self.duration) if self.duration else None
        body["end"] = words.instant_of(self.until, ahead=True) if self.until else None
        body["start"] = words.instant_of(self.start, ahead=True) if self.start else None
        return {key: value for key, value in body.items() if value is not None}


@app.command("start")
@filtered_by(Wanted)
def start_window(
    chosen: Wanted, message: Message = None, dry_run: DryRun = False, output: Output = OutputFormat.TABLE
) -> None:
    """Begin a maintenance window, now or later, by a commit.

    `crontopus windows start --for 2h --label role=db --reason "new disks"`

    `crontopus windows start --start 2027-01-16T22:00 --until 2027-01-17T02:00 --namespace production`
    """
    body = chosen.body() | ({"message": message} if message else {})
    with connect() as client:
        answer = client.post("maintenance-windows", body=body, dry_run=dry_run)
    if dry_run:
        show_plan(answer, output, diffs=True)
    else:
        emit_list([applied(answer, "started")], _CHANGED_COLUMNS, output)


@app.command("end")
def end_window(
    name: Name, *, message: Message = None, dry_run: DryRun = False, output: Output = OutputFormat.TABLE
) -> None:
    """End an open window now, by a commit. One that has not begun is deleted instead."""
    body = {"message": message} if message else {}
    with connect() as client:
        answer = client.post("maintenance-windows", name, "end", body=body, dry_run=dry_run)
    if dry_run:
        show_plan(answer, output, diffs=True)
    else:
        emit_list([applied(answer, "ended")], _CHANGED_COLUMNS, output)


@app.command("delete")
def delete_windows(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The windows' names.")],
    *,
    message: Message = None,
    yes: Yes = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Delete windows, one commit each."""
    delete_documents("maintenance-windows", "window", names, message, output, yes=yes)


def _state(window: Json) -> str:
    if window["active"]:
        return "open"
    return "planned" if window["next_start"] else "over"


def _ends(row: Json) -> str:
    return words.moment(row["end"]) if row["end"] else ""


_COLUMNS = [
    Column("STATE", _state),
    Column("NAME", lambda window: window["name"], shrink=16),
    Column("UNTIL", lambda window: words.ago(window["active_until"])),
    Column("NEXT", lambda window: words.ago(window["next_start"])),
    Column("ABOUT", lambda window: words.job_match(window["spec"].get("match")), drop=1, shrink=20),
    Column("REASON", lambda window: window["reason"] or "", drop=2, shrink=20),
    Column("FILE", lambda window: window["path"], drop=3),
]
_CHANGED_COLUMNS = [*DOCUMENT_COLUMNS[:2], Column("ENDS", _ends), *DOCUMENT_COLUMNS[2:]]
