"""Incidents by email."""

from datetime import datetime
from email.message import EmailMessage

from crontopus_api.alerts.channels.notification import DeliveryFailed, Digest, Notification
from crontopus_api.kit.mail import Mailer, MailNotSent

_MOST_LINES = 50


class EmailChannel:
    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    async def send(self, target: str, message: Notification | Digest) -> None:
        """Raises DeliveryFailed with the server's words."""
        try:
            await self._mailer.send(self.render(target, message))
        except MailNotSent as error:
            raise DeliveryFailed(str(error)) from error

    def render(self, target: str, said: Notification | Digest) -> EmailMessage:
        text = _text(said) if isinstance(said, Notification) else _digest_text(said)
        message = self._mailer.compose(target, _subject(said), text, said.message_id)
        if isinstance(said, Notification) and said.thread_id != said.message_id:
            message["In-Reply-To"] = message["References"] = f"<{said.thread_id}@crontopus>"
        return message


def _subject(said: Notification | Digest) -> str:
    if isinstance(said, Notification):
        return f"{_mark(said)} {said.title}"
    opened = sum(each.event == "opened" for each in said.notifications)
    resolved = len(said.notifications) - opened
    counts = [f"{count} {word}" for count, word in ((opened, "opened"), (resolved, "resolved")) if count]
    return f"[Crontopus] Incidents: {', '.join(counts)}"


def _mark(said: Notification) -> str:
    return "[Resolved]" if said.event == "resolved" else f"[{said.severity.capitalize()}]"


def _text(said: Notification) -> str:
    lines = [said.title, "", f"Since    {_clock(said.opened_at)}", f"Because  {said.cause}"]
    if said.resolved_at is not None:
        lines[2:2] = ["This is resolved.", ""]
        lines.append(f"Resolved {_clock(said.resolved_at)}")
    return "\n".join([*lines, "", said.url, ""])


def _digest_text(said: Digest) -> str:
    lines = ["Much happened at once. One line for each:", ""]
    for each in said.notifications[:_MOST_LINES]:
        lines += [f"{_mark(each)} {each.title}", f"  {_clock(each.opened_at)}, {each.cause}", f"  {each.url}"]
    if len(said.notifications) > _MOST_LINES:
        lines.append(f"… and {len(said.notifications) - _MOST_LINES} more.")
    return "\n".join([*lines, "", f"All of them: {said.url}", ""])


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
