"""`documents list`: what lives in the repository beside jobs; and what `routes` and `windows` do alike."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.results import one_by_one
from crontopus_cli.options import Output, confirm, new_app
from crontopus_cli.output import Column, emit_list
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import DocumentKind, OutputFormat

Json = dict[str, Any]

app = new_app("Documents: the policies, alert routes and maintenance windows in your Git repository.")


@app.command("list")
def list_documents(
    kind: Annotated[DocumentKind | None, typer.Option(help="Only documents of this kind.")] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """List policies, alert routes and maintenance windows.

    They are changed as jobs are: with `jobs apply`, in a clone with git, or with `routes` and `windows`.
    """
    with connect() as client:
        found = list(client.pages("documents", kind=kind))
    emit_list(found, _COLUMNS, output, empty="No documents.")


def delete_documents(
    collection: str, noun: str, names: Sequence[str], message: str | None, output: OutputFormat, *, yes: bool
) -> None:
    """One commit each."""
    confirm(f"Delete {', '.join(names)}?", yes=yes)
    with connect() as client:
        one_by_one(
            noun, names, "deleted", output, lambda name: client.delete(collection, name, message=message)
        )


def applied(document: Json, result: str = "applied") -> Json:
    """A change that was made, as a row. `end`: of a maintenance window that has one."""
    return {
        "name": document["name"],
        "path": document["path"],
        "result": result if document["changed"] else "unchanged",
        "commit": document["commit"],
        "end": document["manifest"]["spec"].get("end"),
    }


DOCUMENT_COLUMNS = [
    Column("RESULT", lambda row: row["result"], state=True),
    Column("NAME", lambda row: row["name"], shrink=16),
    Column("COMMIT", lambda row: row["commit"][:7]),
    Column("FILE", lambda row: row["path"], drop=1),
]
_COLUMNS = [
    Column("KIND", lambda document: document["kind"]),
    Column("NAME", lambda document: document["name"], shrink=16),
    Column("CHANGED", lambda document: words.ago(document["changed_at"]), drop=3),
    Column("BY", lambda document: document["changed_by"], drop=2, shrink=10),
    Column("COMMIT", lambda document: document["commit"][:7], drop=4),
    Column("FILE", lambda document: document["path"], drop=1),
]
