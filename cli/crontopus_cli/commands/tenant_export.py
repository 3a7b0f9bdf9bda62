"""`tenants export`: everything a tenant owns, as one file."""

import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from crontopus_cli import words
from crontopus_cli.errors import CliError
from crontopus_cli.files import written_whole
from crontopus_cli.options import Output
from crontopus_cli.output import Column, emit_list
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat


def export_tenant(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The zip file to write.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Save everything the tenant owns in a zip file: the repository as a Git bundle, rows as NDJSON.

    Nothing secret is in it. The file is written whole or not at all, and only you can read it.
    """
    if file.exists() and not force:
        raise CliError(f"{file} exists", "give another name, or --force to replace it")
    try:
        with connect() as client, written_whole(file) as target:
            pieces = client.stream("tenants", "current", "export", accept="application/zip")
            for piece in _with_progress(pieces, file.name):
                target.write(piece)
            count = target.tell()
            # A zip's directory comes last: the service leaves it out when something went wrong.
            if not zipfile.is_zipfile(target):
                raise CliError("the export ended before it was whole", "try again; nothing was written")
    except OSError as error:
        raise CliError(f"cannot write {file}: {error.strerror}", "check the path and the disk") from error
    emit_list([{"result": "exported", "file": str(file), "bytes": count}], _COLUMNS, output)


def _with_progress(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The same pieces, counted on the terminal as they pass. How many there will be nobody knows."""
    # rich takes longer to load than most commands do
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    label = TextColumn("{task.description}", markup=False)
    quiet = not sys.stderr.isatty()
    with Progress(label, *columns, console=Console(stderr=True), disable=quiet, transient=True) as progress:
        task = progress.add_task(name, total=None)
        for piece in pieces:
            yield piece
            progress.advance(task, len(piece))


_COLUMNS = [
    Column("RESULT", lambda row: row["result"], state=True),
    Column("SIZE", lambda row: words.size(row["bytes"]), right=True),
    Column("FILE", lambda row: row["file"]),
]
