"""Where the Forgejo is and how it is spoken to. The token and the webhooks' secret are never shown."""

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from crontopus_api.gitstore.paths import repository_name

ORGANIZATION = "crontopus"


@dataclass(frozen=True, slots=True)
class ForgejoConfig:
    """`url` is Forgejo's root as this process reaches it, `public_url` as people do (default: the same).

    `webhook_url` is the address Forgejo reaches our `/git/webhook` under; without it no webhooks are
    registered, and polling alone sees what was pushed. `webhook_key` is what the webhooks' secrets are
    derived from. `ca_file` has the certificates to trust instead of the system's. Times in seconds.
    Raises `ValueError` for addresses that cannot be used.
    """

    url: str
    token: str = field(repr=False)
    organization: str = ORGANIZATION
    public_url: str | None = None
    webhook_url: str | None = None
    webhook_key: bytes = field(default=b"", repr=False)
    ca_file: Path | None = None
    connect_seconds: float = 5.0
    answer_seconds: float = 15.0
    transfer_seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("url", "public_url", "webhook_url"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _checked(value))
        if not self.token or not self.token.isascii() or not self.token.isprintable():
            raise ValueError("the Forgejo token is empty or has characters that no token has")
        if self.webhook_url is not None and len(self.webhook_key) < 16:
            raise ValueError("webhooks need a key of at least 16 bytes")

    @property
    def authorization(self) -> str:
        """Basic, because Forgejo takes that for the API and for Git alike; the user's name means nothing."""
        return "Basic " + base64.b64encode(f"crontopus:{self.token}".encode()).decode("ascii")

    def repository_url(self, slug: str) -> str:
        return f"{self.url}/{self.organization}/{repository_name(slug)}"

    def people_url(self, slug: str) -> str:
        """The address to give to somebody who wants to push."""
        return f"{self.public_url or self.url}/{self.organization}/{repository_name(slug)}"

    def tls(self) -> ssl.SSLContext:
        """The system's certificates, as `git` uses them, and not a library's own."""
        return ssl.create_default_context(cafile=self.ca_file)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("the address must not hold credentials, a query or a fragment")
    return url.rstrip("/")
