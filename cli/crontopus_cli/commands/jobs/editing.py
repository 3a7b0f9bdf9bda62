"""`jobs edit`: the manifest in your editor, until the server takes it."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.jobs.changing import CHANGED_COLUMNS, changed
from crontopus_cli.errors import ApiError, CliError
from crontopus_cli.options import JobAddress, Message, Output, parse_address
from crontopus_cli.output import complain_about, emit_list, note
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat

if TYPE_CHECKING:
    from crontopus_cli.client import Client

Json = dict[str, Any]


def edit_job(job: JobAddress, *, message: Message = None, output: Output = OutputFormat.TABLE) -> None:
    """Edit a job's manifest in your editor ($VISUAL, $EDITOR, else vi).

    What you save is one commit. What is wrong with it is told, and you can edit again. If you leave the file
    as it is, nothing is done; if somebody else changed the job meanwhile, nothing is overwritten.
    """
    address = parse_address(job)
    with connect() as client:
        found = client.get("jobs", *address)
        # The name lets editors see that it is YAML.
        draft = Path(tempfile.mkdtemp(prefix="crontopus-")) / f"{found['name']}.yaml"
        draft.write_text(found["yaml"], encoding="utf-8", newline="")
        try:
            saved = _until_taken(client, found, draft, message)
        except Exception:
            if _is(draft, found["yaml"]):
                _discard(draft)
            else:
                note(f"Your version is kept in {draft}")
            raise
        _discard(draft)
    if saved is None:
        note("Nothing changed.")
    else:
        emit_list([changed(saved, "changed")], CHANGED_COLUMNS, output)


def _until_taken(client: "Client", job: Json, draft: Path, message: str | None) -> Json | None:
    """The job as it is then; None when nothing was edited. Raises ApiError when the user gives up."""
    refused = job["yaml"]
    while True:
        _open_editor(draft)
        text = _text(draft)
        if text == job["yaml"]:
            return None
        if text == refused:
            raise CliError("the manifest is as it was refused", "nothing was changed")
        try:
            return client.put_yaml(
                "jobs", job["namespace"], job["name"], text=text, etag=job["etag"], message=message
            )
        except ApiError as error:
            if not error.errors:
                raise
            complain_about(str(draft), error)
            if not sys.stdin.isatty() or not typer.confirm("Edit again?", default=True, err=True):
                raise CliError(
                    f"{words.job_address(job)} was not changed", "`crontopus jobs edit` begins anew"
                ) from error
            refused = text


def _open_editor(file: Path) -> None:
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        command = [*shlex.split(wanted), str(file)]
        done = subprocess.run(command, check=False)  # noqa: S603 - the user's own editor
    except (OSError, ValueError) as error:
        raise CliError(
            f"the editor {wanted!r} cannot be started: {error}", "set EDITOR to one you have"
        ) from error
    if done.returncode != 0:
        raise CliError(f"the editor ended with exit code {done.returncode}", "nothing was changed")


def _is(draft: Path, text: str) -> bool:
    try:
        return draft.read_bytes() == text.encode()
    except OSError:
        return False


def _text(draft: Path) -> str:
    try:
        return draft.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"the edited file cannot be read: {error}", "nothing was changed") from error


def _discard(draft: Path) -> None:
    draft.unlink(missing_ok=True)
    # Not more than what was made here: an editor may have left a backup, which is the user's.
    if not any(draft.parent.iterdir()):
        draft.parent.rmdir()
