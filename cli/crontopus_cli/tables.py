"""Tables and fields for people, drawn with rich. Loaded only when something is drawn."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crontopus_cli.output import harmless

if TYPE_CHECKING:
    from crontopus_cli.output import Column

Json = dict[str, Any]

_GAP = 2
_PIPE_WIDTH = 100_000
_LEAST_WIDTH = 8
_STYLES = {
    "healthy": "green", "success": "green", "online": "green", "resolved": "green", "created": "green",
    "ready": "green", "sent": "green", "taken": "green", "acknowledged": "green",
    "running": "cyan", "new": "cyan", "applied": "cyan", "started": "cyan", "pending": "cyan",
    "late": "yellow", "missed": "yellow", "timeout": "yellow", "lost": "yellow", "offline": "yellow",
    "unverified": "yellow", "snoozed": "yellow",
    "failing": "red", "failure": "red", "stuck": "red", "open": "red", "critical": "red",
    "broken": "red", "failed": "red", "refused": "red", "locked": "red", "error": "red",
    "paused": "dim", "none": "dim", "skipped": "dim", "revoked": "dim", "deleted": "dim", "muted": "dim", "-": "dim",
}  # fmt: skip


def draw_table(rows: list[Json], columns: "Sequence[Column]") -> None:
    console = _console()
    cells = [[harmless(column.cell(row)) or "-" for column in columns] for row in rows]
    shown, widths = _fit(columns, cells, console.width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for index in shown:
        table.add_column(
            columns[index].title,
            no_wrap=True,
            overflow="ellipsis",
            width=widths[index],
            justify="right" if columns[index].right else "left",
        )
    for row in cells:
        table.add_row(*(_state(row[index]) if columns[index].state else Text(row[index]) for index in shown))
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():  # rich pads every line to the table's width
        sys.stdout.write(f"{line.rstrip()}\n")


def draw_fields(pairs: Sequence[tuple[str, str]]) -> None:
    """Name and value, one pair a line; pairs without a value are left out."""
    console = _console()
    filled = [(name, harmless(value)) for name, value in pairs if value]
    margin = max(len(name) for name, _ in filled) + _GAP
    for name, value in filled:
        line = Text(f"{name:<{margin}}", style="bold")
        console.print(Text.assemble(line, _state(value) if name == "State" else value), soft_wrap=True)


def _console() -> Console:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def _fit(columns: "Sequence[Column]", cells: list[list[str]], width: int) -> tuple[list[int], dict[int, int]]:
    """Which columns fit into `width`, and how wide each is."""
    widths = {
        index: max(cell_len(text) for text in (column.title, *(row[index] for row in cells)))
        for index, column in enumerate(columns)
    }
    natural = dict(widths)
    shown = list(widths)
    if width < _PIPE_WIDTH:  # a column in which nothing stands only takes room from the others
        shown = [i for i in shown if not columns[i].drop or any(row[i] != "-" for row in cells)]

    def excess() -> int:
        return sum(widths[index] for index in shown) + _GAP * (len(shown) - 1) - width

    def shrink(least: int | None) -> None:
        for index in shown:
            comfortable = columns[index].shrink
            if comfortable is not None and excess() > 0:
                floor = min(widths[index], comfortable if least is None else least)
                widths[index] = max(floor, widths[index] - excess())

    shrink(None)
    while excess() > 0 and (droppable := [index for index in shown if columns[index].drop]):
        shown.remove(max(droppable, key=lambda index: columns[index].drop))
        widths.update(natural)
        shrink(None)
    shrink(_LEAST_WIDTH)
    return shown, widths


def _state(value: str) -> Text:
    return Text(value, style=_STYLES.get(value.partition(" ")[0], ""))
