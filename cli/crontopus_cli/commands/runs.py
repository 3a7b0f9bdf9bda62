"""`runs list|output`: what ran, when, and what it printed."""

from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.errors import CliError
from crontopus_cli.options import Limit, Namespace, Output, at_most, new_app, one_more, parse_address
from crontopus_cli.output import Column, emit_list, emit_text
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat, RunState

Json = dict[str, Any]

app = new_app("Runs: every execution that was seen, or missed.")

_TIME_HELP = "A time, a date, or a duration such as `2h` for that long ago."


@app.command("list")
def list_runs(
    *,
    job: Annotated[
        str | None, typer.Option("--job", "-j", help="Only runs of this job: NAMESPACE/NAME.")
    ] = None,
    namespace: Namespace = None,
    endpoint: Annotated[str | None, typer.Option(metavar="ID", help="Only runs on this endpoint.")] = None,
    state: Annotated[RunState | None, typer.Option(help="Only runs in this state.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help=f"Not before. {_TIME_HELP}")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help=f"Not after. {_TIME_HELP}")] = None,
    limit: Limit = 50,
    output: Output = OutputFormat.TABLE,
) -> None:
    """List runs, newest first."""
    query = {
        "job": "/".join(parse_address(job)) if job else None,
        "namespace": namespace,
        "endpoint_id": endpoint,
        "state": state,
        "since": words.instant_of(since) if since else None,
        "until": words.instant_of(until) if until else None,
    }
    with connect() as client:
        runs = at_most(client.pages("runs", limit=one_more(limit), **query), limit)
    emit_list(runs, _COLUMNS, output, empty="No runs.")


@app.command("output")
def show_output(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id, or a job's NAMESPACE/NAME for its newest run.")
    ],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Print what a run printed."""
    with connect() as client:
        run_id = _newest(client.pages("runs", limit=1, job=run), run) if "/" in run else run
        text = client.get_text("runs", run_id, "output", accept="text/plain")
    emit_text(text, {"id": run_id, "output": text}, output)


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
