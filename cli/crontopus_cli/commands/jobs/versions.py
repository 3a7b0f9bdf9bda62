"""`jobs history|diff|rollback`: a job's versions in Git, through its renames."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.jobs.changing import CHANGED_COLUMNS, changed
from crontopus_cli.errors import CliError, UsageError
from crontopus_cli.options import (
    DryRun,
    JobAddress,
    Limit,
    Message,
    Output,
    at_most,
    one_more,
    parse_address,
)
from crontopus_cli.output import Column, emit_list, emit_text, note
from crontopus_cli.plan_view import coloured_diff, show_plan
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat

if TYPE_CHECKING:
    from crontopus_cli.client import Client

Json = dict[str, Any]

_COMMIT_LENGTH = 40
_SHORTEST = 4
_COMMIT_HELP = "A commit of the job's history; its beginning is enough."


def show_history(job: JobAddress, limit: Limit = 50, output: Output = OutputFormat.TABLE) -> None:
    """List a job's versions, newest first, through its renames. A deleted job's, too."""
    address = parse_address(job)
    with connect() as client:
        versions = at_most(client.pages("jobs", *address, "history", limit=one_more(limit)), limit)
    emit_list(versions, _COLUMNS, output, empty="No versions.")


def show_diff(
    job: JobAddress,
    *,
    old: Annotated[
        str | None,
        typer.Option("--from", metavar="COMMIT", help=f"{_COMMIT_HELP} Without: the version before `--to`."),
    ] = None,
    new: Annotated[
        str | None, typer.Option("--to", metavar="COMMIT", help="The same. Without: the newest version.")
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show what differs between two versions of a job's file.

    Without commits, what its last change was.
    """
    address = parse_address(job)
    with connect() as client:
        query = {"from": _whole(client, address, old), "to": _whole(client, address, new)}
        found = client.get("jobs", *address, "diff", **query)
    if not found["diff"]:
        note("Nothing differs.")
    emit_text(coloured_diff(found["diff"]), found, output)


def roll_back(
    job: JobAddress,
    commit: Annotated[str, typer.Argument(metavar="COMMIT", help=_COMMIT_HELP)],
    *,
    message: Message = None,
    dry_run: DryRun = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Put a job back to what it was at a commit, by a new commit.

    A deleted job comes back with its runs. History is never rewound.
    """
    address = parse_address(job)
    with connect() as client:
        body = {"commit": _whole(client, address, commit), "message": message}
        answer = client.post("jobs", *address, "rollback", body=body, dry_run=dry_run)
    if dry_run:
        show_plan(answer, output)
    else:
        emit_list([changed(answer, "rolled back")], CHANGED_COLUMNS, output)


def _whole(client: "Client", address: tuple[str, str], text: str | None) -> str | None:
    """The whole id of the commit of the job's history that begins with `text`."""
    if text is None:
        return None
    start = text.lower()
    if set(start) - set("0123456789abcdef") or not _SHORTEST <= len(start) <= _COMMIT_LENGTH:
        raise UsageError(f"{text!r} is not a commit", "`crontopus jobs history` lists them")
    if len(start) == _COMMIT_LENGTH:
        return start
    versions = client.pages("jobs", *address, "history")
    found = {version["commit"] for version in versions if version["commit"].startswith(start)}
    if len(found) == 1:
        return str(found.pop())
    problem = "is more than one commit" if found else "is no commit"
    raise CliError(f"{text} {problem} of {'/'.join(address)}", "`crontopus jobs history` lists them")


def _subject(version: Json) -> str:
    return str(version["message"]).partition("\n")[0]


_COLUMNS = [
    Column("COMMIT", lambda version: version["commit"][:10]),
    Column("ACTION", lambda version: version["action"], state=True),
    Column("WHEN", lambda version: words.ago(version["at"])),
    Column("AUTHOR", lambda version: version["author"], drop=2, shrink=10),
    Column("MESSAGE", _subject, shrink=20),
    Column("FILE", lambda version: version["path"], drop=1),
]
