"""`usage`: what the plan allows, and how much of it is used."""

from crontopus_cli import words
from crontopus_cli.options import Output
from crontopus_cli.output import Column, emit_list, emit_text, note
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat


def show_usage(output: Output = OutputFormat.TABLE) -> None:
    """Show what the tenant's plan allows, and how much of it is used."""
    with connect() as client:
        found = client.get("usage")
    if output is not OutputFormat.TABLE:
        emit_text("", found, output)
        return
    note(f"Plan {found['plan']}.")
    emit_list(found["items"], _COLUMNS, output)


_COLUMNS = [
    Column("WHAT", lambda item: item["name"].replace("_", " ")),
    Column("USED", lambda item: words.amount(item["used"], item["unit"]), right=True),
    Column("LIMIT", lambda item: words.amount(item["limit"], item["unit"]), right=True),
]
