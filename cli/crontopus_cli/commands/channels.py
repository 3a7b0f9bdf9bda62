"""`channels list|show|create|test|delete`: where notifications go."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.finding import id_of
from crontopus_cli.commands.results import one_by_one
from crontopus_cli.errors import CliError, Failed, UsageError
from crontopus_cli.options import Limit, Output, Yes, at_most, confirm, new_app, one_more
from crontopus_cli.output import Column, emit_list, emit_object, note
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import ChannelKind, OutputFormat

Json = dict[str, Any]

app = new_app("Channels: where notifications go.")

Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="A channel's name or id.")]


@app.command("list")
def list_channels(limit: Limit = 0, output: Output = OutputFormat.TABLE) -> None:
    """List channels and whether they take anything."""
    with connect() as client:
        channels = at_most(client.pages("channels", limit=one_more(limit)), limit)
    emit_list(channels, _COLUMNS, output)


@app.command("show")
def show_channel(channel: Channel, output: Output = OutputFormat.TABLE) -> None:
    """Show one channel. Its secrets are named, never shown."""
    with connect() as client:
        found = client.get("channels", id_of(client, "channels", channel))
    emit_object(found, _fields, output)


@app.command("create")
def create_channel(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    kind: Annotated[ChannelKind, typer.Option(help="The medium.")],
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="KEY=VALUE",
            help="A setting of that kind. `KEY=@FILE` reads it from a file, `KEY=@-` from standard input. Repeatable.",
        ),
    ] = None,
    *,
    default: Annotated[
        bool, typer.Option("--default", help="Tell it of every incident that no route takes.")
    ] = False,
    per_minute: Annotated[
        int | None,
        typer.Option(min=1, help="How many messages it gets in a minute; beyond that one tells of many."),
    ] = None,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Make a channel. Nothing is sent there before it is verified: by a test that was taken, or by a mailed link.

    `crontopus channels create Team --kind email --set to=ada@example.com --set to=bob@example.com`

    `crontopus channels create "On call" --kind pagerduty --set routing_key=@key.txt --default`

    `crontopus channels create Ours --kind webhook --set url=https://hooks.example.com --set headers.X-Api-Key=@key.txt`

    What each kind needs is in the guide about channels. Secrets are best read from files: command lines are seen by
    others on the machine, and remembered by shells.
    """
    body: Json = {"name": name, "default": default, "config": {"kind": kind} | _settings(setting or [])}
    if per_minute is not None:
        body["per_minute"] = per_minute
    with connect() as client:
        made = client.post("channels", body=body)
    if made.get("signing_secret") and output is OutputFormat.TABLE:
        note("Keep the signing secret now: it is not shown again.")
    if any(target["state"] == "unverified" for target in made["targets"]) or made["state"] == "unverified":
        by = (
            "the link that was mailed" if kind is ChannelKind.EMAIL else f"`crontopus channels test {name!r}`"
        )
        note(f"It is verified by {by}.")
    emit_object(made, _fields, output)


@app.command("test")
def check_channel(channel: Channel, output: Output = OutputFormat.TABLE) -> None:
    """Send a test to a channel now. One that takes it is verified. Exit code 1: it was not taken."""
    with connect() as client:
        answer = client.post("channels", id_of(client, "channels", channel), "test")
    emit_list(answer["results"], _TEST_COLUMNS, output, empty="It leads nowhere yet.")
    if not answer["ok"]:
        raise Failed


@app.command("delete")
def delete_channels(
    channels: Annotated[list[str], typer.Argument(metavar="CHANNEL...", help="Their names or ids.")],
    yes: Yes = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Delete channels. What waits to be sent there is given up."""
    confirm(f"Delete {', '.join(channels)}?", yes=yes)
    with connect() as client:
        ids = {channel: id_of(client, "channels", channel) for channel in channels}
        one_by_one("channel", channels, "deleted", output, lambda each: client.delete("channels", ids[each]))


def _settings(pairs: list[str]) -> Json:
    """`to` may come several times, `headers.NAME` makes an object."""
    settings: Json = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise UsageError(f"{pair!r} is not a setting", "write KEY=VALUE")
        if value.startswith("@"):
            value = _content(value[1:])
        outer, dot, inner = key.partition(".")
        if key == "to":
            settings.setdefault("to", []).append(value)
        elif dot:
            settings.setdefault(outer, {})[inner] = value
        else:
            settings[key] = value
    return settings


def _content(name: str) -> str:
    """Without the line break that editors end files with."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{name} cannot be read: {error}") from error
    return text.removesuffix("\n").removesuffix("\r")


def _fields(channel: Json) -> list[tuple[str, str]]:
    breaker = channel["breaker"]
    config = {key: value for key, value in channel["config"].items() if key != "kind" and value}
    return [
        ("Channel", channel["name"]),
        ("Kind", channel["kind"]),
        ("State", channel["state"]),
        ("Problem", channel["problem"] or ""),
        ("Default", "yes" if channel["default"] else "no"),
        ("At most", f"{channel['per_minute']}/min"),
        *((key, _value(value)) for key, value in config.items()),
        ("Secrets", ", ".join(channel["secrets"])),
        ("Signing secret", channel.get("signing_secret") or ""),
        *(("To", f"{target['target']} ({target['state']})") for target in channel["targets"]),
        ("Failures", f"{breaker['failures']} in a row" if breaker["failures"] else ""),
        ("Left alone", f"until {words.moment(breaker['open_until'])}" if breaker["open_until"] else ""),
        ("Verified", words.moment(channel["verified_at"])),
        ("Id", channel["id"]),
    ]


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


_COLUMNS = [
    Column("NAME", lambda channel: channel["name"], shrink=16),
    Column("KIND", lambda channel: channel["kind"]),
    Column("STATE", lambda channel: channel["state"], state=True),
    Column("DEFAULT", lambda channel: "yes" if channel["default"] else "", drop=2),
    Column("TO", lambda channel: ", ".join(each["target"] for each in channel["targets"]), drop=3, shrink=20),
    Column("PROBLEM", lambda channel: channel["problem"] or "", drop=1, shrink=20),
    Column("ID", lambda channel: channel["id"], drop=4),
]
_TEST_COLUMNS = [
    Column("RESULT", lambda result: "taken" if result["ok"] else "refused", state=True),
    Column("TO", lambda result: result["target"], shrink=20),
    Column("TOOK", lambda result: words.span(result["took_ms"] / 1000), drop=2, right=True),
    Column("HTTP", lambda result: str(result["status"] or ""), drop=1, right=True),
    Column("SAID", lambda result: result["words"], shrink=30),
]
