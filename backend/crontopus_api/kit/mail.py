"""Sending email by SMTP."""

import ssl
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy
from email.policy import default as EMAIL
from email.utils import formatdate
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib

_TIMEOUT_SECONDS = 20


class _Unfolded(UnstructuredHeader, BaseHeader):
    """An address in a header: to fold it, Python would encode it, and no program would know it again."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_headers = HeaderRegistry()
_headers.map_to_type("list-unsubscribe", _Unfolded)
_POLICY = EMAIL.clone(header_factory=_headers)
_PORTS = {"smtp": 587, "smtps": 465}


class MailNotSent(Exception):
    """The message is still ours; the text says why, in words for whoever waits for it.

    `code`: the server's, if it said one. `of_recipient`: this address is not taken, others may be.
    """

    def __init__(self, words: str, *, code: int | None = None, of_recipient: bool = False) -> None:
        super().__init__(words)
        self.code = code
        self.of_recipient = of_recipient


class Mailer:
    """`smtp_url`: `smtp://user:password@host:587` takes STARTTLS when offered, `smtps://` is TLS from the start."""

    def __init__(self, smtp_url: str | None, sender: str) -> None:
        self._smtp_url = smtp_url
        self._sender = sender

    @property
    def configured(self) -> bool:
        return self._smtp_url is not None

    def compose(
        self, target: str, subject: str, text: str, message_id: UUID | str, *, html: str | None = None
    ) -> EmailMessage:
        """A message with the headers that every one of ours has: plain, and the same in HTML if there is any."""
        message = EmailMessage(_POLICY)
        message["From"] = self._sender
        message["To"] = target
        # A header is one line, whatever a job is called.
        message["Subject"] = " ".join(subject.split())
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = f"<{message_id}@crontopus>"
        # Tells other mail systems not to answer with "I am on holiday".
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
        return message

    async def send(self, message: EmailMessage) -> str:
        """What the server answered. Raises MailNotSent with its words."""
        if self._smtp_url is None:
            raise MailNotSent("No mail server is configured: an operator must set CRONTOPUS_SMTP_URL.")
        url = urlsplit(self._smtp_url)
        if url.scheme not in _PORTS:
            raise MailNotSent(
                f"CRONTOPUS_SMTP_URL begins with {url.scheme}://; an operator must make it smtp:// or smtps://."
            )
        try:
            _, answer = await aiosmtplib.send(
                message,
                hostname=url.hostname,
                port=url.port or _PORTS[url.scheme],
                username=unquote(url.username) if url.username else None,
                password=unquote(url.password) if url.password else None,
                use_tls=url.scheme == "smtps",
                timeout=_TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            [refused] = error.recipients
            words = f"{url.hostname} did not take the message: {refused.code} {refused.message}"
            raise MailNotSent(words, code=refused.code, of_recipient=True) from error
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            code = error.code if isinstance(error, aiosmtplib.SMTPResponseException) else None
            raise MailNotSent(f"{url.hostname} did not take the message: {error}", code=code) from error
        return answer
