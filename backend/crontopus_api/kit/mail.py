"""Sending email by SMTP."""

import ssl
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib

_TIMEOUT_SECONDS = 20
_PORTS = {"smtp": 587, "smtps": 465}


class MailNotSent(Exception):
    """The message is still ours; the text says why, in words for whoever waits for it."""


class Mailer:
    """`smtp_url`: `smtp://user:password@host:587` takes STARTTLS when offered, `smtps://` is TLS from the start."""

    def __init__(self, smtp_url: str | None, sender: str) -> None:
        self._smtp_url = smtp_url
        self._sender = sender

    @property
    def configured(self) -> bool:
        return self._smtp_url is not None

    def compose(self, target: str, subject: str, text: str, message_id: UUID | str) -> EmailMessage:
        """A plain message with the headers that every one of ours has."""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = target
        # A header is one line, whatever a job is called.
        message["Subject"] = " ".join(subject.split())
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = f"<{message_id}@crontopus>"
        # Tells other mail systems not to answer with "I am on holiday".
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message

    async def send(self, message: EmailMessage) -> None:
        """Raises MailNotSent with the server's words."""
        if self._smtp_url is None:
            raise MailNotSent("No mail server is configured: an operator must set CRONTOPUS_SMTP_URL.")
        url = urlsplit(self._smtp_url)
        if url.scheme not in _PORTS:
            raise MailNotSent(
                f"CRONTOPUS_SMTP_URL begins with {url.scheme}://; an operator must make it smtp:// or smtps://."
            )
        try:
            await aiosmtplib.send(
                message,
                hostname=url.hostname,
                port=url.port or _PORTS[url.scheme],
                username=unquote(url.username) if url.username else None,
                password=unquote(url.password) if url.password else None,
                use_tls=url.scheme == "smtps",
                timeout=_TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise MailNotSent(f"{url.hostname} did not take the message: {error}") from error
