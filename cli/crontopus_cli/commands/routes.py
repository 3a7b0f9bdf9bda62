"""`routes list|show|apply|delete|test`: which incidents are told to whom."""

import sys
from pathlib import PurePosixPath
from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.documents import DOCUMENT_COLUMNS, applied, delete_documents
from crontopus_cli.errors import ApiError, Failed, UsageError
from crontopus_cli.options import DryRun, Message, Output, ShowDiff, Yes, new_app, parse_address, parse_labels
from crontopus_cli.output import Column, complain_about, emit_list, emit_object, emit_text, note
from crontopus_cli.plan_view import show_plan
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import IncidentKind, OutputFormat, Severity

Json = dict[str, Any]

app = new_app("Alert routes: which incidents are told to whom.")

_FOLDER = ".crontopus/routes"


@app.command("list")
def list_routes(output: Output = OutputFormat.TABLE) -> None:
    """List the routes in the order in which they are tried, with what is wrong with them.

    What none of them takes is told to the channels marked as default.
    """
    with connect() as client:
        routes = list(client.pages("routes"))
    emit_list(routes, _COLUMNS, output, empty="No routes. Everything goes to the default channels.")


@app.command("show")
def show_route(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The route's name.")],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Print a route's manifest as it is in Git.

    `crontopus routes show NAME > route.yaml` gives a file to edit and hand to `routes apply`.
    """
    with connect() as client:
        found = client.get("routes", name)
    emit_text(found["yaml"], found, output)


@app.command("apply")
def apply_route(
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", help="The manifest, or `-` for standard input.")
    ],
    *,
    message: Message = None,
    dry_run: DryRun = False,
    diff: ShowDiff = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Create or change a route from a file, by a commit.

    What is wrong with it is told as FILE:LINE:COLUMN, and nothing is changed. Many files at once, or a directory,
    are for `jobs apply`. `--diff` goes with `--dry-run`.
    """
    label, name, text = _read(file)
    with connect() as client:
        try:
            answer = client.put_yaml("routes", name, text=text, message=message, dry_run=dry_run)
        except ApiError as error:
            if not error.errors:
                raise
            complain_about(label, error)
            note("Nothing was applied.")
            raise Failed from error
    if dry_run:
        show_plan(answer, output, names={f"{_FOLDER}/{name}.yaml": label}, diffs=diff)
    else:
        emit_list([applied(answer)], DOCUMENT_COLUMNS, output)


@app.command("delete")
def delete_routes(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The routes' names.")],
    *,
    message: Message = None,
    yes: Yes = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Delete routes, one commit each."""
    delete_documents("routes", "route", names, message, output, yes=yes)


@app.command("test")
def try_routes(
    job: Annotated[
        str | None,
        typer.Argument(metavar="[JOB]", help="NAMESPACE/NAME of the job that something is wrong with."),
    ] = None,
    *,
    kind: Annotated[IncidentKind | None, typer.Option(help="What is wrong. Without: it fails.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="How bad. Without: as the job says.")] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Instead of a job: its namespace.")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "-l", metavar="KEY=VALUE", help="Instead of a job: a label. Repeatable."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When. A time, or a duration such as `2h` from now. Without: now."),
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show who would be told of an incident, by which routes, and why. Nothing is sent.

    `crontopus routes test production/nightly-backup --at 2027-01-16T03:00`

    `crontopus routes test --kind endpoint_offline --severity critical`
    """
    body: Json = {"kind": kind, "severity": severity, "at": words.instant_of(at, ahead=True) if at else None}
    if job is not None:
        if namespace is not None or label:
            raise UsageError("a job has its own namespace and labels", "give the job, or the others")
        body["job"] = "/".join(parse_address(job))
    else:
        body |= {"kind": kind or IncidentKind.FAILING, "severity": severity or Severity.ERROR}
        body |= {"namespace": namespace, "labels": parse_labels(label or [])}
    with connect() as client:
        answer = client.post(
            "routes", "test", body={key: each for key, each in body.items() if each is not None}
        )
    emit_object(answer, _about, output)
    if output is OutputFormat.TABLE:
        _tell(answer)


def _read(file: str) -> tuple[str, str, str]:
    """What the user calls it, the route's name, and its text."""
    from crontopus_cli.manifest_file import ManifestError, read_manifest  # noqa: PLC0415 - loads YAML

    try:
        manifest = read_manifest(file, default_namespace="default")
    except ManifestError as error:
        note(str(error))
        note("Nothing was applied.")
        raise Failed from error
    path = PurePosixPath(manifest.path)
    if str(path.parent) != _FOLDER:
        raise UsageError(f"{manifest.label} is no alert route", "`kind: AlertRoute` makes it one")
    return manifest.label, path.stem, manifest.text


def _tell(answer: Json) -> None:
    sections = [
        (answer["targets"], _TARGET_COLUMNS, "Nobody is told."),
        (answer["escalation"], _STEP_COLUMNS, ""),
        (answer["routes"], _TRIED_COLUMNS, "There are no routes."),
    ]
    for rows, columns, empty in sections:
        if rows:
            sys.stdout.write("\n")
        emit_list(rows, columns, OutputFormat.TABLE, empty=empty)


def _about(answer: Json) -> list[tuple[str, str]]:
    about = answer["about"]
    return [
        ("Incident", about["kind"]),
        ("Severity", about["severity"]),
        ("Namespace", about["namespace"] or ""),
        ("Labels", words.labels(about["labels"])),
        ("Told by", _told_by(answer)),
        (
            "Reminded",
            f"every {words.span(answer['repeat_every_seconds'])}" if answer["repeat_every_seconds"] else "",
        ),
    ]


def _told_by(answer: Json) -> str:
    taken = any(route["matched"] for route in answer["routes"])
    if not answer["default_route"]:
        return "routes"
    # Of a route that matches, a channel may be gone: the default ones stand in for it.
    return "routes and the default channels" if taken else "the default channels, as no route takes it"


def _wanted(route: Json) -> str:
    """What a route takes, beside which jobs."""
    spec = route["spec"]
    return ", ".join([*spec.get("severities", []), *spec.get("incidents", [])])


_COLUMNS = [
    Column("NAME", lambda route: route["name"], shrink=16),
    Column("ON", lambda route: "yes" if route["enabled"] else "no", drop=3),
    Column("ABOUT", lambda route: words.job_match(route["spec"].get("match")), drop=2, shrink=20),
    Column("ONLY", _wanted, drop=4, shrink=12),
    Column("TELLS", lambda route: ", ".join(route["spec"]["channels"]), shrink=16),
    Column("THEN", lambda route: "on" if route["spec"].get("continue", True) else "stop", drop=5),
    Column("PROBLEMS", lambda route: "; ".join(route["problems"]), drop=1, shrink=30),
    Column("FILE", lambda route: route["path"], drop=6),
]
_TARGET_COLUMNS = [
    Column("TOLD", lambda target: target["channel"], shrink=16),
    Column("KIND", lambda target: target["kind"], drop=2),
    Column("TO", lambda target: target["target"], shrink=16),
    Column("ROUTE", lambda target: target["route"] or "default", drop=1),
    Column("HELD UNTIL", lambda target: words.ago(target["held_until"])),
    Column("WHY", lambda target: target["why"] or "", drop=3, shrink=20),
]
_STEP_COLUMNS = [
    Column("UNACKNOWLEDGED FOR", lambda step: words.span(step["after_seconds"])),
    Column("THEN TOLD", lambda step: ", ".join(step["channels"]), shrink=16),
    Column("ROUTE", lambda step: step["route"], drop=1),
]
_TRIED_COLUMNS = [
    Column("TRIED", lambda route: route["name"], shrink=16),
    Column("TAKES IT", lambda route: "yes" if route["matched"] else "no"),
    Column("WHY", lambda route: route["why"], shrink=30),
]
