"""Options and arguments that several commands share, so that they read the same everywhere."""

import sys
from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import typer

from crontopus_cli.errors import UsageError
from crontopus_cli.output import note
from crontopus_cli.vocabulary import OutputFormat

Output = Annotated[OutputFormat, typer.Option("--output", "-o", help="How to print the data.")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="At most this many; 0 for all.")]
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Only jobs of this namespace.")]
JobAddress = Annotated[str, typer.Argument(metavar="JOB", help="NAMESPACE/NAME, or NAME in `default`.")]
JobAddresses = Annotated[
    list[str], typer.Argument(metavar="JOB...", help="NAMESPACE/NAME, or NAME in `default`.")
]
Message = Annotated[
    str | None,
    typer.Option("--message", "-m", help="The commit's message. Without: one that says what it does."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Change nothing; show what would change. Exit code 1: it would be refused."
    ),
]
ShowDiff = Annotated[bool, typer.Option("--diff", help="Show how the files' text differs, too.")]
_TIME_HELP = "A time, a date, or a duration such as `2h` for that long ago."
Since = Annotated[str | None, typer.Option(metavar="TIME", help=f"Not before. {_TIME_HELP}")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help=f"Before. {_TIME_HELP}")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def new_app(help_text: str) -> typer.Typer:
    """A group of commands about one noun."""
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None)


def parse_address(text: str) -> tuple[str, str]:
    """`namespace/name` → both parts; a bare name lives in `default`."""
    namespace, slash, name = text.rpartition("/")
    if not name or (slash and not namespace) or "/" in namespace:
        raise UsageError(f"{text!r} is not a job's address", "write NAMESPACE/NAME")
    return namespace or "default", name


def parse_new_address(text: str) -> tuple[str, str]:
    """Both parts of `namespace/name`; nothing is guessed where a job goes."""
    if "/" not in text:
        raise UsageError(f"{text!r} does not say in which namespace", "write NAMESPACE/NAME")
    return parse_address(text)


def invitation_token(text: str) -> str:
    """The token in the link of an invitation; or it is the token itself. `-`: either, on standard input."""
    given = (sys.stdin.readline() if text == "-" else text).strip()
    if "://" not in given:
        return given
    (token,) = parse_qs(urlsplit(given).query).get("token") or [""]
    if not token:
        raise UsageError("there is no token in this link", "copy it whole, or the token alone")
    return token


def parse_labels(pairs: list[str]) -> dict[str, str]:
    labels = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise UsageError(f"{pair!r} is not a label", "write KEY=VALUE")
        labels[key] = value
    return labels


def at_most(items: Iterable[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """The first `limit` items (0: all), saying so when there are more. Ask the API for `limit + 1`."""
    if not limit:
        return list(items)
    taken = list(islice(items, limit + 1))
    if len(taken) > limit:
        note(f"Only the first {limit} are shown; --limit 0 shows all.")
    return taken[:limit]


def one_more(limit: int) -> int:
    """What to ask the API for so that `at_most` can tell whether there are more."""
    return limit + 1 if limit else 0


def confirm(question: str, *, yes: bool) -> None:
    """Asks on the terminal; without one, only --yes will do."""
    if yes:
        return
    must_be_able_to_ask()
    typer.confirm(question, abort=True, err=True)


def must_be_able_to_ask() -> None:
    """Raises UsageError when there is no terminal for `confirm` to ask on."""
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", "repeat the command with --yes")
