"""`namespaces list|add|remove`: the top-level folders of the repository."""

from typing import Annotated

import typer

from crontopus_cli.options import Output, new_app
from crontopus_cli.output import Column, emit_list
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat

app = new_app("Namespaces: the folders jobs are in.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The namespace.")]


@app.command("list")
def list_namespaces(output: Output = OutputFormat.TABLE) -> None:
    """List namespaces and how many jobs each has."""
    with connect() as client:
        found = list(client.pages("namespaces"))
    emit_list(found, _COLUMNS, output, empty="No namespaces.")


@app.command("add")
def add_namespace(name: Name, output: Output = OutputFormat.TABLE) -> None:
    """Make an empty namespace. Adding a job makes its namespace by itself."""
    with connect() as client:
        client.post("namespaces", body={"name": name})
    emit_list([{"namespace": name, "result": "created"}], _RESULT_COLUMNS, output)


@app.command("remove")
def remove_namespace(name: Name, output: Output = OutputFormat.TABLE) -> None:
    """Remove an empty namespace."""
    with connect() as client:
        client.delete("namespaces", name)
    emit_list([{"namespace": name, "result": "removed"}], _RESULT_COLUMNS, output)


_COLUMNS = [
    Column("NAMESPACE", lambda namespace: namespace["name"]),
    Column("JOBS", lambda namespace: str(namespace["jobs"]), right=True),
]
_RESULT_COLUMNS = [
    Column("RESULT", lambda row: row["result"], state=True),
    Column("NAMESPACE", lambda row: row["namespace"]),
]
