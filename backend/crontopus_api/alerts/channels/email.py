"""Email by SMTP."""

import ssl
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

import aiosmtplib

from crontopus_api.alerts.channels.notification import DeliveryFailed, Notification

_TIMEOUT_SECONDS = 20
_PORTS = {"smtp": 587, "smtps": 465}


class EmailChannel:
    """`smtp_url`: `smtp://user:password@host:587` takes STARTTLS when offered, `smtps://` is TLS from the start."""

    def __init__(self, smtp_url: str | None, sender: str) -> None:
        self._smtp_url = smtp_url
        self._sender = sender

    async def send(self, target: str, notification: Notification) -> None:
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
                render(target, self._sender, notification),
                hostname=url.hostname,
                port=url.port or _PORTS[url.scheme],
                username=unquote(url.username) if url.username else None,
                password=unquote(url.password) if url.password else None,
                use_tls=url.scheme == "smtps",
                timeout=_TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise DeliveryFailed(f"{url.hostname} did not take the message: {error}") from error


def render(target: str, sender: str, notification: Notification) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = target
    mark = "Resolved" if notification.event == "resolved" else notification.severity.capitalize()
    # A header is one line, whatever a job is called.
    message["Subject"] = " ".join(f"[{mark}] {notification.title}".split())
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = f"<{notification.message_id}@crontopus>"
    if notification.thread_id != notification.message_id:
        message["In-Reply-To"] = message["References"] = f"<{notification.thread_id}@crontopus>"
    # Tells other mail systems not to answer with "I am on holiday".
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(notification))
    return message


def _text(notification: Notification) -> str:
    opened = notification.opened_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [notification.title, "", f"Since    {opened}", f"Because  {notification.cause}"]
    if notification.resolved_at is not None:
        lines[2:2] = ["This is resolved.", ""]
        lines.append(f"Resolved {notification.resolved_at.strftime('%Y-%m-%d %H:%M:%S UTC')}")
    return "\n".join([*lines, "", notification.url, ""])
