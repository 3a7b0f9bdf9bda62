"""`documents list`: what lives in the repository beside jobs."""

from typing import Annotated

import typer

from crontopus_cli import words
from crontopus_cli.options import Output, new_app
from crontopus_cli.output import Column, emit_list
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import DocumentKind, OutputFormat

app = new_app("Documents: the policies, alert routes and maintenance windows in your Git repository.")


@app.command("list")
def list_documents(
    kind: Annotated[DocumentKind | None, typer.Option(help="Only documents of this kind.")] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """List policies, alert routes and maintenance windows.

    They are changed as jobs are: with `jobs apply`, or in a clone with git.
    """
    with connect() as client:
        found = list(client.pages("documents", kind=kind))
    emit_list(found, _COLUMNS, output, empty="No documents.")


_COLUMNS = [
    Column("KIND", lambda document: document["kind"]),
    Column("NAME", lambda document: document["name"], shrink=16),
    Column("CHANGED", lambda document: words.ago(document["changed_at"]), drop=3),
    Column("BY", lambda document: document["changed_by"], drop=2, shrink=10),
    Column("COMMIT", lambda document: document["commit"][:7], drop=4),
    Column("FILE", lambda document: document["path"], drop=1),
]
