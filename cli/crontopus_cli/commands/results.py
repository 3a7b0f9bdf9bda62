"""The same done to several things, each of which may fail by itself."""

from collections.abc import Callable, Sequence
from typing import Any

from crontopus_cli.errors import ApiError, Failed
from crontopus_cli.output import Column, complain_about, emit_list
from crontopus_cli.vocabulary import OutputFormat


def one_by_one(
    noun: str, names: Sequence[str], result: str, output: OutputFormat, do: Callable[[str], Any]
) -> None:
    """Does it to each, and tells of which it was done. Raises Failed when one was refused; the others are done."""
    done = []
    for name in names:
        try:
            do(name)
        except ApiError as error:
            complain_about(name, error)
            continue
        done.append({noun: name, "result": result})
    if done or output is not OutputFormat.TABLE:
        emit_list(done, result_columns(noun), output)
    if len(done) < len(names):
        raise Failed


def result_columns(noun: str) -> list[Column]:
    return [
        Column("RESULT", lambda row: row["result"], state=True),
        Column(noun.upper(), lambda row: row[noun]),
    ]
