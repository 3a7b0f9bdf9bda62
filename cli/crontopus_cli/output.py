"""Everything a command prints. Data on stdout and nothing else there; words for people on stderr.

JSON and YAML are the API's own objects. Tables are for people: they fit the terminal by shortening and
leaving out the least important columns, and have colour only on a terminal and without NO_COLOR. Into a
pipe they keep every column at full length.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from crontopus_cli.errors import ApiError, CliError
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]

# Control and direction characters could move the cursor or retitle the terminal of whoever looks at a job.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# In a run's output lines, tabs and colours are what the job meant to print.
_CONTROL_IN_TEXT = re.compile(r"(?!\x1b\[[0-9;]*m)[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# In a manifest there is no colour to mean, and direction characters could make it read as what it is not.
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


# ANSI styles, for `styled`.
GOOD, CHANGED, GONE, BAD, BOLD, DIM = "32", "33", "31", "1;31", "1", "2"


@dataclass(frozen=True)
class Column:
    """One column: how to get its cell from an item.

    Where the terminal is narrow, columns with `shrink` are cut with an ellipsis down to that width, then
    columns with `drop` are left out (highest first; 0: never), and only then is cut further.
    """

    title: str
    cell: Callable[[Json], str]
    drop: int = 0
    shrink: int | None = None
    right: bool = False
    state: bool = False


def emit_list(
    items: Iterable[Json], columns: Sequence[Column], form: OutputFormat, *, empty: str = ""
) -> None:
    """A list of API objects. `empty` is said on stderr when a table would have no rows."""
    rows = list(items)
    if form is not OutputFormat.TABLE:
        _emit_data(rows, form)
    elif rows:
        from crontopus_cli import tables  # noqa: PLC0415 - rich is loaded only to draw

        tables.draw_table(rows, columns)
    elif empty:
        note(empty)


def emit_object(item: Json, fields: Callable[[Json], Sequence[tuple[str, str]]], form: OutputFormat) -> None:
    """One API object; as a table, the name and value pairs that `fields` picks."""
    if form is not OutputFormat.TABLE:
        _emit_data(item, form)
        return
    from crontopus_cli import tables  # noqa: PLC0415 - rich is loaded only to draw

    tables.draw_fields(fields(item))


def emit_text(text: str, item: Json, form: OutputFormat) -> None:
    """Text that is itself the answer (a secret, a manifest, a run's output), or as data the object `item`."""
    if form is not OutputFormat.TABLE:
        _emit_data(item, form)
        return
    if sys.stdout.isatty():
        text = harmless_output(text)
        text = text if text.endswith("\n") or not text else f"{text}\n"
    sys.stdout.write(text)


def emit_bytes(pieces: Iterable[bytes]) -> None:
    """A file, as it comes."""
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def note(message: str) -> None:
    """A remark for the person; scripts never see it on stdout."""
    sys.stderr.write(f"{harmless(message)}\n")


def complain(error: CliError) -> None:
    """What went wrong on one line, and on the next what to do about it."""
    if not error.message:
        return
    sys.stderr.write(f"{styled('Error:', BAD, sys.stderr)} {harmless(error.message)}\n")
    if error.hint:
        sys.stderr.write(f"  {styled('→', DIM, sys.stderr)} {harmless(error.hint)}\n")


def complain_about(name: str, error: ApiError) -> None:
    """What the server finds wrong with one thing that the user calls `name`."""
    for finding in error.errors:
        note(located(finding, name))
    if not error.errors:
        note(f"{name}: {error.message}" + (f" ({error.hint})" if error.hint else ""))


def complain_of(findings: Iterable[Json], names: Mapping[str, str]) -> None:
    """What the server finds wrong with several files. `names`: what the user calls each of its paths."""
    for finding in findings:
        file = str(finding.get("file") or "the change")
        word = "warning: " if finding.get("enforcement") == "warn" else ""
        note(located({**finding, "message": f"{word}{finding.get('message')}"}, names.get(file, file)))


def harmless(text: str) -> str:
    """The text with control characters made visible."""
    return _CONTROL.sub(_visible, text)


def harmless_lines(text: str) -> str:
    """The same for a text of several lines; line breaks and tabs stay."""
    return _CONTROL_IN_LINES.sub(_visible, text)


def harmless_output(text: str) -> str:
    """The same for what a run printed: colours stay, too."""
    return _CONTROL_IN_TEXT.sub(_visible, text.replace("\r\n", "\n"))


def located(finding: Mapping[str, object], name: str) -> str:
    """`file:line:column: message (hint)`, as compilers write, so that editors can jump there."""
    place = [name, *(str(finding[key]) for key in ("line", "column") if finding.get(key) is not None)]
    where = f" at {finding['path']}" if finding.get("path") and len(place) == 1 else ""
    hint = f" ({finding['hint']})" if finding.get("hint") else ""
    return f"{':'.join(place)}: {finding.get('message', 'invalid')}{where}{hint}"


def _emit_data(data: object, form: OutputFormat) -> None:
    if form is OutputFormat.JSON:
        sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        return
    import yaml  # noqa: PLC0415 - only where YAML is asked for

    sys.stdout.write(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110))


def styled(text: str, code: str, stream: TextIO | None = None) -> str:
    """The text in an ANSI style, if the stream (standard output) is a terminal and colour is welcome there."""
    coloured = (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")
    return f"\x1b[{code}m{text}\x1b[0m" if coloured and text else text


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
