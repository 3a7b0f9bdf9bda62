"""Email by SMTP."""

import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

import aiosmtplib

from crontopus_api.alerts.channels.notification import DeliveryFailed, Digest, Notification

_TIMEOUT_SECONDS = 20
_MOST_LINES = 50
_PORTS = {"smtp": 587, "smtps": 465}


class EmailChannel:
    """`smtp_url`: `smtp://user:password@host:587` takes STARTTLS when offered, `smtps://` is TLS from the start."""

    def __init__(self, smtp_url: str | None, sender: str) -> None:
        self._smtp_url = smtp_url
        self._sender = sender

    async def send(self, target: str, message: Notification | Digest) -> None:
        """Raises DeliveryFailed with the server's words."""
        if self._smtp_url is None:
            raise DeliveryFailed("No mail server is configured: an operator must set CRONTOPUS_SMTP_URL.")
        url = urlsplit(self._smtp_url)
        if url.scheme not in _PORTS:
            raise DeliveryFailed(
                f"CRONTOPUS_SMTP_URL begins with {url.scheme}://; an operator must make it smtp:// or smtps://."
            )
        try:
            await aiosmtplib.send(
                render(target, self._sender, message),
                hostname=url.hostname,
                port=url.port or _PORTS[url.scheme],
                username=unquote(url.username) if url.username else None,
                password=unquote(url.password) if url.password else None,
                use_tls=url.scheme == "smtps",
                timeout=_TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise DeliveryFailed(f"{url.hostname} did not take the message: {error}") from error


def render(target: str, sender: str, said: Notification | Digest) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = target
    # A header is one line, whatever a job is called.
    message["Subject"] = " ".join(_subject(said).split())
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = f"<{said.message_id}@crontopus>"
    if isinstance(said, Notification) and said.thread_id != said.message_id:
        message["In-Reply-To"] = message["References"] = f"<{said.thread_id}@crontopus>"
    # Tells other mail systems not to answer with "I am on holiday".
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(said) if isinstance(said, Notification) else _digest_text(said))
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
