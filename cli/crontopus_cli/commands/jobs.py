"""`jobs list|get|apply|delete`: the definitions in Git, through the API."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crontopus_cli import config, words
from crontopus_cli.errors import ApiError, Failed, UsageError
from crontopus_cli.options import (
    JobAddress,
    Limit,
    Namespace,
    Output,
    Yes,
    at_most,
    confirm,
    new_app,
    one_more,
    parse_address,
)
from crontopus_cli.output import Column, complain_about, emit_list, emit_object, emit_text, note
from crontopus_cli.session import connect, connect_to
from crontopus_cli.vocabulary import JobState, OutputFormat

if TYPE_CHECKING:
    from crontopus_cli.manifest_file import ManifestFile

Json = dict[str, Any]

app = new_app("Job definitions: the YAML manifests in your Git repository.")


@app.command("list")
def list_jobs(
    namespace: Namespace = None,
    state: Annotated[JobState | None, typer.Option(help="Only jobs in this state.")] = None,
    search: Annotated[
        str | None, typer.Option("--search", "-q", help="Only jobs that contain this text.")
    ] = None,
    limit: Limit = 0,
    output: Output = OutputFormat.TABLE,
) -> None:
    """List jobs with their state, last run and next run."""
    with connect() as client:
        found = client.pages("jobs", limit=one_more(limit), namespace=namespace, state=state, q=search)
        jobs = at_most(found, limit)
    emit_list(jobs, _COLUMNS, output, empty="No jobs. Make one with `crontopus jobs apply -f FILE`.")


@app.command("get")
def get_job(
    job: JobAddress,
    manifest: Annotated[bool, typer.Option("--manifest", help="Print the manifest as it is in Git.")] = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show one job.

    `crontopus jobs get NAME --manifest > job.yaml` gives a file to edit and hand to `jobs apply`.
    """
    address = parse_address(job)
    with connect() as client:
        found = client.get("jobs", *address)
    if manifest:
        emit_text(found["yaml"], found["manifest"], output)
    else:
        emit_object(found, _fields, output)


@app.command("apply")
def apply_jobs(
    files: Annotated[
        list[str],
        typer.Option(
            "--file", "-f", metavar="FILE", help="A manifest; `-` for standard input. May be repeated."
        ),
    ],
    more: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="More manifests.")] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="For manifests that do not name their own.")
    ] = "default",
    message: Annotated[str | None, typer.Option("--message", "-m", help="Message of the commits.")] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Create or change jobs from files.

    Each file is one job, and one commit in your repository.

    Every file is read before anything is sent. What is wrong with a file is told as FILE:LINE:COLUMN, the
    other files are applied all the same, and the exit code is then 1.
    """
    target = config.target()
    manifests = _read_all([*files, *(more or [])], namespace)
    applied = []
    with connect_to(target.server, target.token) as client:
        for manifest in manifests:
            try:
                created, job = client.put_yaml(
                    "jobs", manifest.namespace, manifest.name, text=manifest.text, message=message
                )
            except ApiError as error:
                complain_about(manifest.label, error)
                continue
            applied.append(_applied(manifest, job, created=created))
    if applied or output is not OutputFormat.TABLE:
        emit_list(applied, _APPLIED_COLUMNS, output)
    if len(applied) < len(manifests):
        raise Failed


@app.command("delete")
def delete_jobs(
    jobs: Annotated[
        list[str], typer.Argument(metavar="JOB...", help="NAMESPACE/NAME, or NAME in `default`.")
    ],
    yes: Yes = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Delete jobs from your repository.

    Git keeps their history; endpoints remove their entries.
    """
    addresses = [parse_address(job) for job in jobs]
    target = config.target()
    names = ["/".join(address) for address in addresses]
    confirm(f"Delete {', '.join(names)}?", yes=yes)
    deleted: list[Json] = []
    with connect_to(target.server, target.token) as client:
        for address, name in zip(addresses, names, strict=True):
            try:
                client.delete("jobs", *address)
            except ApiError as error:
                complain_about(name, error)
                continue
            deleted.append({"job": name, "result": "deleted"})
    if deleted or output is not OutputFormat.TABLE:
        emit_list(deleted, _DELETED_COLUMNS, output)
    if len(deleted) < len(names):
        raise Failed


def _read_all(names: list[str], namespace: str) -> "list[ManifestFile]":
    if names.count("-") > 1:
        raise UsageError("standard input can be read only once", "give `-` once")
    from crontopus_cli.manifest_file import ManifestError, read_manifest  # noqa: PLC0415 - loads YAML

    manifests, wrong = [], 0
    for name in names:
        try:
            manifests.append(read_manifest(name, default_namespace=namespace))
        except ManifestError as error:
            note(str(error))
            wrong += 1
    if wrong:
        note("Nothing was applied.")
        raise Failed
    return manifests


def _applied(manifest: "ManifestFile", job: Json, *, created: bool) -> Json:
    return {
        "file": manifest.label,
        "job": words.job_address(job),
        "result": "created" if created else "applied",
        "commit": job.get("commit"),
        "path": job.get("path"),
        "ping_url": job.get("ping_url"),
    }


def _last_run(job: Json) -> str:
    run = job["last_run"]
    if not run:
        return ""
    return f"{run['state']} {words.ago(run['finished_at'] or run['started_at'])}".strip()


def _instances(job: Json) -> str:
    counts = job["instances"]
    states = ", ".join(f"{count} {state}" for state, count in counts["by_state"].items())
    return f"{counts['total']} ({states})" if states else str(counts["total"])


def _fields(job: Json) -> list[tuple[str, str]]:
    schedule = f"{', '.join(job['schedule'])} ({job['timezone']})" if job["schedule"] else ""
    problems = [
        (
            f"Error {number}",
            f"{finding.get('file', job['path'])}:{finding.get('line', 1)}: {finding['message']}",
        )
        for number, finding in enumerate(job["errors"], start=1)
    ]
    return [
        ("Job", words.job_address(job)),
        ("State", job["state"]),
        ("Enabled", "no" if not job["enabled"] else ""),
        ("About", job.get("description") or ""),
        ("Mode", job["mode"]),
        ("Schedule", schedule),
        ("Next run", words.moment(job["next_run_at"])),
        ("Last run", _last_run(job)),
        ("Instances", _instances(job)),
        ("Labels", words.labels(job["labels"])),
        ("Ping URL", job.get("ping_url") or ""),
        ("File", job["path"]),
        ("Commit", (job["commit"] or "")[:12]),
        ("Changed", words.moment(job["updated_at"])),
        *problems,
    ]


_COLUMNS = [
    Column("JOB", words.job_address, shrink=26),
    Column("STATE", lambda job: job["state"], state=True),
    Column("SCHEDULE", lambda job: ", ".join(job["schedule"]), shrink=12),
    Column("TIMEZONE", lambda job: job["timezone"], drop=5),
    Column("MODE", lambda job: job["mode"], drop=4),
    Column("LAST RUN", _last_run, drop=1, state=True),
    Column("NEXT RUN", lambda job: words.ago(job["next_run_at"]), drop=2),
    Column("INSTANCES", lambda job: str(job["instances"]["total"]), drop=6, right=True),
    Column("COMMIT", lambda job: (job["commit"] or "")[:7], drop=7),
]
_APPLIED_COLUMNS = [
    Column("RESULT", lambda row: row["result"], state=True),
    Column("JOB", lambda row: row["job"], shrink=16),
    Column("COMMIT", lambda row: (row["commit"] or "")[:7]),
    Column("FILE", lambda row: row["file"], drop=1),
]
_DELETED_COLUMNS = [
    Column("RESULT", lambda row: row["result"], state=True),
    Column("JOB", lambda row: row["job"]),
]
