"""`jobs list|get|next-runs`: the definitions as they are."""

import sys
from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.options import JobAddress, Limit, Namespace, Output, at_most, one_more, parse_address
from crontopus_cli.output import BOLD, Column, emit_list, emit_object, emit_text, harmless, located, styled
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import JobState, OutputFormat

Json = dict[str, Any]


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


def show_next_runs(
    job: JobAddress,
    count: Annotated[int, typer.Option(min=1, max=100, help="How many.")] = 5,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show when a job is next expected to run.

    In UTC and in the job's own timezone, with the schedule in plain English and what the coming year's changes
    of the clock do to it.
    """
    address = parse_address(job)
    with connect() as client:
        found = client.get("jobs", *address, "next-runs", count=count)
    if output is not OutputFormat.TABLE:
        emit_text("", found, output)
        return
    emit_object(found, _schedule_fields, output)
    if found["items"]:
        sys.stdout.write("\n")
    emit_list(found["items"], _NEXT_RUN_COLUMNS, output, empty="It never runs again.")
    changes = [f"  {harmless(change['text'])}\n" for change in found["clock_changes"]]
    if changes:
        sys.stdout.write("\n" + styled("When the clocks change", BOLD) + "\n" + "".join(changes))


def _schedule_fields(found: Json) -> list[tuple[str, str]]:
    return [("Schedule", found["schedule_text"]), ("Timezone", found["timezone"])]


def _last_run(job: Json) -> str:
    run = job["last_run"]
    if not run:
        return ""
    return f"{run['state']} {words.ago(run['finished_at'] or run['started_at'])}".strip()


def _instances(job: Json) -> str:
    counts = job["instances"]
    states = ", ".join(f"{count} {state}" for state, count in counts["by_state"].items())
    return f"{counts['total']} ({states})" if states else str(counts["total"])


def _oddities(job: Json) -> list[tuple[str, str]]:
    """What is odd about its runs though nothing failed, and where."""
    return [
        (
            "Odd",
            f"{warning['message']} ({words.ago(warning['at'])}"
            f"{', on ' + instance['endpoint']['name'] if instance['endpoint'] else ''})",
        )
        for instance in job["instances_list"]
        for warning in instance["warnings"]
    ]


def _fields(job: Json) -> list[tuple[str, str]]:
    schedule = f"{', '.join(job['schedule'])} ({job['timezone']})" if job["schedule"] else ""
    problems = [
        (
            f"{'Warning' if finding.get('enforcement') == 'warn' else 'Error'} {number}",
            located(finding, finding.get("file") or job["path"]),
        )
        for number, finding in enumerate([*job["errors"], *job["violations"]], start=1)
    ]
    return [
        ("Job", words.job_address(job)),
        ("State", job["state"]),
        ("Enabled", "no" if not job["enabled"] else ""),
        ("About", job.get("description") or ""),
        ("Mode", job["mode"]),
        ("Schedule", schedule),
        ("In words", job["schedule_text"]),
        ("Next run", words.moment(job["next_run_at"])),
        ("Last run", _last_run(job)),
        ("Instances", _instances(job)),
        *_oddities(job),
        ("Labels", words.labels(job["labels"])),
        ("Ping URL", job.get("ping_url") or ""),
        ("File", job["path"]),
        ("Commit", (job["commit"] or "")[:12]),
        ("Changed", f"{words.moment(job['changed_at'])} by {job['changed_by']}"),
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
_NEXT_RUN_COLUMNS = [
    Column("UTC", lambda run: words.wall(run["at"]).removesuffix("+00:00") + "Z"),
    Column("LOCAL", lambda run: words.wall(run["local"])),
    Column("WHEN", lambda run: words.ago(run["at"]), drop=1),
]
