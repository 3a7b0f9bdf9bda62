"""`runs list|export|output`: what ran, when, and what it printed."""

import base64
import codecs
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.errors import CliError
from crontopus_cli.filters import filtered_by
from crontopus_cli.options import (
    Limit,
    Namespace,
    Output,
    Since,
    Until,
    at_most,
    new_app,
    one_more,
    parse_address,
)
from crontopus_cli.output import Column, emit_bytes, emit_list, emit_text, harmless_output, note
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import ExportFormat, OutputFormat, RunState

Json = dict[str, Any]

app = new_app("Runs: every execution that was seen, or missed.")


@dataclass(frozen=True)
class Filter:
    """Which runs."""

    job: Annotated[str | None, typer.Option("--job", "-j", help="Only runs of this job: NAMESPACE/NAME.")] = (
        None
    )
    namespace: Namespace = None
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", "-l", metavar="KEY=VALUE", help="Only runs of jobs with this label. Repeatable."
        ),
    ] = None
    endpoint: Annotated[str | None, typer.Option(metavar="ID", help="Only runs on this endpoint.")] = None
    state: Annotated[RunState | None, typer.Option(help="Only runs in this state.")] = None
    since: Since = None
    until: Until = None

    def query(self) -> Json:
        return {
            "job": "/".join(parse_address(self.job)) if self.job else None,
            "namespace": self.namespace,
            "label": self.label or None,
            "endpoint_id": self.endpoint,
            "state": self.state,
            "since": words.instant_of(self.since) if self.since else None,
            "until": words.instant_of(self.until) if self.until else None,
        }


@app.command("list")
@filtered_by(Filter)
def list_runs(chosen: Filter, limit: Limit = 50, output: Output = OutputFormat.TABLE) -> None:
    """List runs, newest first."""
    query = chosen.query()
    with connect() as client:
        runs = at_most(client.pages("runs", limit=one_more(limit), **query), limit)
    emit_list(runs, _COLUMNS, output, empty="No runs.")


@app.command("export")
@filtered_by(Filter)
def export_runs(
    chosen: Filter,
    form: Annotated[ExportFormat, typer.Option("--format", help="For spreadsheets, or for programs.")] = (
        ExportFormat.CSV
    ),
) -> None:
    """Print all runs there are, newest first, as a file.

    `crontopus runs export --since 30d > runs.csv`
    """
    query = chosen.query()
    with connect() as client:
        emit_bytes(client.stream("runs", accept="*/*", format=form, **query))


@app.command("output")
def show_output(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id, or a job's NAMESPACE/NAME for its newest run.")
    ],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on while the run does.")] = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Print what a run printed."""
    with connect() as client:
        run_id = _newest(client.pages("runs", limit=1, job=run), run) if "/" in run else run
        if follow:
            _follow(client.stream("runs", run_id, "output", "tail", accept="text/event-stream"))
            return
        text = client.get_text("runs", run_id, "output", accept="text/plain")
    emit_text(text, {"id": run_id, "output": text}, output)


def _follow(pieces: Iterable[bytes]) -> None:
    """Print the output of a running run as it comes.

    What is printed cannot be taken back: an output that begins again is printed again, after a line that says so.
    """
    printed, decoder = 0, codecs.getincrementaldecoder("utf-8")("replace")
    for name, data in _events(pieces):
        if name != "output":
            continue
        content = base64.b64decode(data["data"])
        if data["offset"] != printed:
            note("the output begins again")
            decoder.reset()
        # A character may be cut in the middle here, and go on with the next event.
        sys.stdout.write(harmless_output(decoder.decode(content)))
        sys.stdout.flush()
        printed = data["offset"] + len(content)


def _events(pieces: Iterable[bytes]) -> Iterator[tuple[str, Json]]:
    """The server-sent events in a stream, without its comments."""
    left = b""
    for piece in pieces:
        *events, left = (left + piece).split(b"\n\n")
        for event in events:
            fields = dict(
                line.split(": ", 1) for line in event.decode().split("\n") if not line.startswith(":")
            )
            if "data" in fields:
                yield fields.get("event", "message"), json.loads(fields["data"])


def _newest(runs: Any, job: str) -> str:
    newest = next(runs, None)
    if newest is None:
        raise CliError(f"{job} has no runs", "`crontopus jobs list` shows the jobs there are")
    return str(newest["id"])


def _outcome(run: Json) -> str:
    code = run["exit_code"]
    return f"{run['state']} ({code})" if code else str(run["state"])


_COLUMNS = [
    Column("JOB", lambda run: words.job_address(run["job"]), shrink=26),
    Column("STATE", _outcome, state=True),
    Column("STARTED", lambda run: words.ago(run["started_at"] or run["finished_at"] or run["slot_at"])),
    Column("TOOK", lambda run: words.span(run["duration_seconds"]), drop=3, right=True),
    Column("ENDPOINT", lambda run: words.named(run["endpoint"]), drop=4),
    Column("SOURCE", lambda run: run["source"], drop=5),
    Column("ID", lambda run: run["id"]),
    Column("MESSAGE", lambda run: run["message"] or "", drop=6, shrink=20),
]
