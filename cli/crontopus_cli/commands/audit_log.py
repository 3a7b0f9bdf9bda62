"""`audit-log list|export`: who changed what."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.filters import filtered_by
from crontopus_cli.options import Limit, Output, Since, Until, at_most, new_app, one_more
from crontopus_cli.output import Column, emit_bytes, emit_list
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import ExportFormat, OutputFormat

Json = dict[str, Any]

app = new_app("Audit log: who changed what in the tenant. For its administrators.")


@dataclass(frozen=True)
class Filter:
    """Which entries."""

    actor: Annotated[
        str | None, typer.Option(help="Only what this one did: a name, as it was then, or an id.")
    ] = None
    action: Annotated[
        str | None, typer.Option(help="Only this, such as `token.created`; or `token` for all about tokens.")
    ] = None
    subject: Annotated[
        str | None, typer.Option(help="Only what was done to this: a name, as it was then, or an id.")
    ] = None
    since: Since = None
    until: Until = None

    def query(self) -> Json:
        return {
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "since": words.instant_of(self.since) if self.since else None,
            "until": words.instant_of(self.until) if self.until else None,
        }


@app.command("list")
@filtered_by(Filter)
def list_entries(chosen: Filter, limit: Limit = 50, output: Output = OutputFormat.TABLE) -> None:
    """List what was changed, newest first."""
    query = chosen.query()
    with connect() as client:
        entries = at_most(client.pages("audit-log", limit=one_more(limit), **query), limit)
    emit_list(entries, _COLUMNS, output, empty="No entries.")


@app.command("export")
@filtered_by(Filter)
def export_entries(
    chosen: Filter,
    form: Annotated[ExportFormat, typer.Option("--format", help="For spreadsheets, or for programs.")] = (
        ExportFormat.CSV
    ),
) -> None:
    """Print all entries there are, newest first, as a file.

    `crontopus audit-log export --since 30d > audit-log.csv`
    """
    query = chosen.query()
    with connect() as client:
        emit_bytes(client.stream("audit-log", "export", accept="*/*", format=form, **query))


def _change(entry: Json) -> str:
    """`role: viewer → editor`; what came or went by itself has one side."""
    before, after = entry["before"] or {}, entry["after"] or {}
    return ", ".join(_side(name, before, after) for name in {**before, **after})


def _side(name: str, before: Json, after: Json) -> str:
    sides = [_value(side[name]) for side in (before, after) if name in side]
    return f"{name}: {' → '.join(sides)}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


_COLUMNS = [
    Column("WHEN", lambda entry: words.ago(entry["at"])),
    Column("WHO", lambda entry: entry["actor"]["name"], shrink=12),
    Column("ACTION", lambda entry: entry["action"]),
    Column("TO", lambda entry: entry["subject"]["name"] or entry["subject"]["id"], shrink=16),
    Column("CHANGE", _change, drop=1, shrink=20),
    Column("FROM", lambda entry: entry["address"] or "", drop=2),
    Column("AT", lambda entry: entry["at"], drop=3),
    Column("ID", lambda entry: entry["id"], drop=4),
]
