"""`jobs delete|pause|resume|rename|adopt`: changes that need no file."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from crontopus_cli import config, words
from crontopus_cli.errors import ApiError, CliError, Failed
from crontopus_cli.options import (
    DryRun,
    JobAddress,
    JobAddresses,
    Message,
    Output,
    Yes,
    confirm,
    parse_address,
    parse_new_address,
)
from crontopus_cli.output import Column, complain_about, emit_list, note
from crontopus_cli.plan_view import show_plan
from crontopus_cli.session import connect, connect_to
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]
Address = tuple[str, str]

DISCOVERED = "discovered"


def delete_jobs(
    jobs: JobAddresses,
    *,
    message: Message = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Delete jobs from your repository, one commit each.

    Git keeps their history, and `jobs rollback` brings one back; endpoints remove their entries.
    """
    addresses = [parse_address(job) for job in jobs]
    if dry_run:
        _plan_deletion(addresses, output)
        return
    target = config.target()
    confirm(f"Delete {', '.join(map('/'.join, addresses))}?", yes=yes)
    with connect_to(target.server, target.token) as client:

        def delete(address: Address) -> Json:
            client.delete("jobs", *address, message=message)
            return {"job": "/".join(address), "result": "deleted"}

        _each(addresses, delete, _DELETED_COLUMNS, output)


def pause_jobs(jobs: JobAddresses, *, message: Message = None, output: Output = OutputFormat.TABLE) -> None:
    """Pause jobs: no runs are started and none expected until they are resumed. One commit each."""
    _set_paused(jobs, "pause", "paused", message, output)


def resume_jobs(jobs: JobAddresses, *, message: Message = None, output: Output = OutputFormat.TABLE) -> None:
    """Resume paused jobs, one commit each."""
    _set_paused(jobs, "resume", "resumed", message, output)


def rename_job(
    job: JobAddress,
    new: Annotated[str, typer.Argument(metavar="NEW", help="NAMESPACE/NAME that it shall have.")],
    *,
    message: Message = None,
    dry_run: DryRun = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Rename a job, or move it to another namespace.

    It stays the same job: its runs, history and ping URL go with it.
    """
    _move(parse_address(job), parse_new_address(new), "renamed", message, output, dry_run=dry_run)


def adopt_job(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A job of the namespace `discovered`.")],
    *,
    new: Annotated[
        str | None,
        typer.Option("--as", metavar="NEW", help="NAMESPACE/NAME that it shall have. Without: default/NAME."),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option("--command", help="In place of the one found, where secrets were taken out of that."),
    ] = None,
    message: Message = None,
    dry_run: DryRun = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Take over a job that an agent found on its machine.

    It moves from the namespace `discovered` to one of yours and is enabled; on its machine it takes the place of the
    entry it was found as. `crontopus-agent adopt --undo` there takes that back.
    """
    old = parse_address(name.removeprefix(f"{DISCOVERED}/"))[1]
    to = parse_new_address(new) if new else ("default", old)
    _move((DISCOVERED, old), to, "adopted", message, output, dry_run=dry_run, verb="adopt", command=command)


def _plan_deletion(addresses: list[Address], output: OutputFormat) -> None:
    """One plan for all. Removing what is not there is no change for the API; here it is a mistake."""
    names = {f"{'/'.join(address)}.yaml": "/".join(address) for address in addresses}
    files = [{"path": path, "content": None} for path in names]
    with connect() as client:
        plan = client.post("jobs:apply", body={"files": files}, dry_run=True)
    missing = names.keys() - {change["path"] for change in plan["changes"]}
    for path in sorted(missing):
        note(f"{names[path]}: there is no such job")
    show_plan(plan, output)
    if missing:
        raise Failed


def _set_paused(jobs: list[str], verb: str, result: str, message: str | None, output: OutputFormat) -> None:
    addresses = [parse_address(job) for job in jobs]
    with connect() as client:

        def change(address: Address) -> Json:
            return changed(client.post("jobs", *address, verb, body={"message": message}), result)

        _each(addresses, change, CHANGED_COLUMNS, output)


def _move(
    old: Address,
    new: Address,
    result: str,
    message: str | None,
    output: OutputFormat,
    *,
    dry_run: bool,
    verb: str = "rename",
    command: str | None = None,
) -> None:
    body = {"namespace": new[0], "name": new[1], "message": message}
    if command is not None:
        body["command"] = command
    with connect() as client:
        answer = client.post("jobs", *old, verb, body=body, dry_run=dry_run)
    if dry_run:
        show_plan(answer, output)
    else:
        emit_list([{"from": "/".join(old), **changed(answer, result)}], CHANGED_COLUMNS, output)


def _each(
    addresses: list[Address], change: Callable[[Address], Json], columns: list[Column], output: OutputFormat
) -> None:
    """Goes on after a job that fails, tells of it, and leaves with Failed in the end."""
    done: list[Json] = []
    for address in addresses:
        try:
            done.append(change(address))
        except ApiError as error:
            complain_about("/".join(address), error)
    if done or output is not OutputFormat.TABLE:
        emit_list(done, columns, output)
    if len(done) < len(addresses):
        raise Failed


def changed(job: Json, result: str) -> Json:
    """A change that was made, as a row. `commit` is the one that last changed the job."""
    if "commit" not in job:
        raise CliError("the server did not say what it did", "see `crontopus jobs history`")
    return {"job": words.job_address(job), "result": result, "commit": job["commit"]}


CHANGED_COLUMNS = [
    Column("RESULT", lambda row: row["result"], state=True),
    Column("JOB", lambda row: row["job"], shrink=16),
    Column("COMMIT", lambda row: row["commit"][:7]),
]
_DELETED_COLUMNS = CHANGED_COLUMNS[:2]
