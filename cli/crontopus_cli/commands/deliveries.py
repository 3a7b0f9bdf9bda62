"""`deliveries list|show|resend`: notifications on their way."""

import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from crontopus_cli import words
from crontopus_cli.commands.finding import id_of
from crontopus_cli.commands.results import one_by_one
from crontopus_cli.filters import filtered_by
from crontopus_cli.options import Limit, Output, at_most, new_app, one_more
from crontopus_cli.output import Column, emit_list, emit_object
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import DeliveryState, OutputFormat

Json = dict[str, Any]

app = new_app("Deliveries: notifications on their way to channels.")


@dataclass(frozen=True)
class Filter:
    """Which deliveries."""

    channel: Annotated[str | None, typer.Option(help="Only to this channel: its name or id.")] = None
    incident: Annotated[str | None, typer.Option(metavar="ID", help="Only about this incident.")] = None
    state: Annotated[
        DeliveryState | None, typer.Option(help="Only these. Those that failed were given up.")
    ] = None


@app.command("list")
@filtered_by(Filter)
def list_deliveries(chosen: Filter, limit: Limit = 50, output: Output = OutputFormat.TABLE) -> None:
    """List notifications, newest first."""
    with connect() as client:
        channel = id_of(client, "channels", chosen.channel) if chosen.channel else None
        query = {"channel_id": channel, "incident_id": chosen.incident, "state": chosen.state}
        found = at_most(client.pages("deliveries", limit=one_more(limit), **query), limit)
    emit_list(found, _COLUMNS, output, empty="No deliveries.")


@app.command("show")
def show_delivery(
    delivery: Annotated[str, typer.Argument(metavar="ID", help="Its id, from `deliveries list`.")],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show one notification, with what came back from each try."""
    with connect() as client:
        found = client.get("deliveries", delivery)
    emit_object(found, _fields, output)
    if output is OutputFormat.TABLE and found["tries"]:
        sys.stdout.write("\n")
        emit_list(found["tries"], _TRY_COLUMNS, output)


@app.command("resend")
def resend_deliveries(
    deliveries: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Their ids, from `deliveries list`.")
    ],
    output: Output = OutputFormat.TABLE,
) -> None:
    """Try again what was given up, for another day.

    `crontopus deliveries list --state failed` shows what that is.
    """
    with connect() as client:
        one_by_one(
            "delivery", deliveries, "resent", output, lambda each: client.post("deliveries", each, "resend")
        )


def _fields(delivery: Json) -> list[tuple[str, str]]:
    return [
        ("Delivery", delivery["id"]),
        ("State", delivery["state"]),
        ("Event", delivery["event"]),
        ("To", f"{delivery['target']} ({delivery['kind']})"),
        ("Incident", delivery["incident_id"]),
        ("Message", delivery["message_id"] or ""),
        ("Made", words.moment(delivery["created_at"])),
        ("Sent", words.moment(delivery["sent_at"])),
        ("Next try", words.moment(delivery["next_at"])),
        ("Given up", words.moment(delivery["expires_at"]) if delivery["state"] == "pending" else ""),
        ("Last error", delivery["last_error"] or ""),
    ]


_COLUMNS = [
    Column("STATE", lambda delivery: delivery["state"], state=True),
    Column("EVENT", lambda delivery: delivery["event"]),
    Column("KIND", lambda delivery: delivery["kind"], drop=3),
    Column("TO", lambda delivery: delivery["target"], shrink=16),
    Column("MADE", lambda delivery: words.ago(delivery["created_at"])),
    Column("NEXT TRY", lambda delivery: words.ago(delivery["next_at"]), drop=2),
    Column("TRIES", lambda delivery: str(delivery["attempts"]), drop=4, right=True),
    Column("ERROR", lambda delivery: delivery["last_error"] or "", drop=5, shrink=20),
    Column("INCIDENT", lambda delivery: delivery["incident_id"], drop=6),
    Column("ID", lambda delivery: delivery["id"], drop=1),
]
_TRY_COLUMNS = [
    Column("WHEN", lambda each: words.ago(each["at"])),
    Column("RESULT", lambda each: "taken" if each["ok"] else "failed", state=True),
    Column("TOOK", lambda each: words.span(each["took_ms"] / 1000), drop=2, right=True),
    Column("HTTP", lambda each: str(each["status"] or ""), right=True),
    Column("SAID", lambda each: each["error"] or each["response"] or "", shrink=30),
]
