"""How an incident is put into words, in every medium the same."""

from collections.abc import Sequence

from crontopus_api.alerts.channels.http import clock_text
from crontopus_api.alerts.channels.notification import Digest, Message, Notification, Probe

MOST_LINES = 50
_MARKS = {"resolved": "Resolved", "acknowledged": "Acknowledged", "reminded": "Still open"}
_COUNTED = {"reminded": "still open"}


def mark(said: Notification) -> str:
    return _MARKS.get(said.event, said.severity.capitalize())


def headline(message: Message) -> str:
    """One line."""
    if isinstance(message, Probe):
        return f"[Crontopus] Test of the channel {message.channel}"
    if isinstance(message, Notification):
        return one_line(f"[{mark(message)}] {message.title}")
    return f"[Crontopus] Incidents: {counts(message.notifications)}"


def counts(notifications: Sequence[Notification]) -> str:
    by_event = {
        event: sum(each.event == event for each in notifications)
        for event in ("opened", "acknowledged", "resolved", "reminded")
    }
    return ", ".join(f"{count} {_COUNTED.get(event, event)}" for event, count in by_event.items() if count)


def facts(said: Notification) -> list[tuple[str, str]]:
    """(name, value) of what there is to know."""
    found = [("Since", clock_text(said.opened_at)), ("Because", said.cause)]
    if said.event == "acknowledged" and said.acknowledged_by:
        found.append(("Acknowledged by", said.acknowledged_by))
    if said.resolved_at is not None:
        found.append(("Resolved", clock_text(said.resolved_at)))
    return found


def lines(digest: Digest, most: int = MOST_LINES) -> list[str]:
    """One for each incident, and one about those that there is no room for."""
    shown = [
        f"[{mark(each)}] {one_line(each.title)}: {one_line(each.cause)}"
        for each in digest.notifications[:most]
    ]
    left = len(digest.notifications) - most
    return [*shown, f"… and {left} more."] if left > 0 else shown


def body(message: Message) -> str:
    """Plain text below the headline."""
    if isinstance(message, Probe):
        return f"{message.by} asked Crontopus for this. The channel works; nothing is wrong."
    if isinstance(message, Notification):
        return "\n".join(f"{name}: {one_line(value)}" for name, value in facts(message))
    return "\n".join(lines(message, 20))


def one_line(text: str) -> str:
    return " ".join(text.split())


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
