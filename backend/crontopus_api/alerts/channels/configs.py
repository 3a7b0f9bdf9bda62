"""How a channel of each kind is set up. What is a SecretStr is sealed when stored and never comes back."""

import base64
import json
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    EmailStr,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from crontopus_api.alerts.channels.templates import TemplateRefused, check
from crontopus_api.kit.schemas import Payload

_MOST_SECRET = 4_000
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
# Ours to say, or what the connection itself is made of.
_OWN_HEADERS = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "content-type",
    "accept-encoding",
}
_MOST_HEADERS = 20


def _address(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("must begin with https:// or http:// and name a host")
    if url.username is not None or url.password is not None:
        raise ValueError("may not hold a user name or password: use a header")
    _ = url.port  # a ValueError says what is wrong with it
    return value


def _secret_address(value: SecretStr) -> SecretStr:
    _address(value.get_secret_value())
    return value


def _one_line(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    # It becomes part of a header.
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError("must be printable ASCII on one line")
    return value


def _bot_token(value: SecretStr) -> SecretStr:
    # It becomes part of an address.
    if not re.fullmatch(r"[0-9]{3,20}:[A-Za-z0-9_-]{10,100}", value.get_secret_value()):
        raise ValueError("is not a bot's token")
    return value


Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Address = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_address)]
Secret = Annotated[SecretStr, Field(max_length=_MOST_SECRET), AfterValidator(_one_line)]
SecretAddress = Annotated[SecretStr, Field(max_length=2_000), AfterValidator(_secret_address)]


class Config(Payload):
    """What the configurations of all kinds have in common."""

    kind: str

    def needs(self) -> tuple[str, ...]:
        """The secrets without which there is no such channel."""
        return ()

    def shown(self) -> str:
        """Where it leads, as people may read it: never a secret."""
        raise NotImplementedError

    @classmethod
    def secret_names(cls) -> set[str]:
        return {name for name, info in cls.model_fields.items() if "SecretStr" in str(info.annotation)}

    def public(self) -> dict[str, Any]:
        """What may be stored and shown as it is."""
        return self.model_dump(mode="json", exclude=self.secret_names())

    def secrets(self) -> dict[str, Any]:
        """Name → value of those that are set, readable: to be sealed at once."""
        found = {name: getattr(self, name) for name in self.secret_names()}
        return {name: _plain(value) for name, value in found.items() if value}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value.get_secret_value()


class EmailConfig(Config):
    """`owners`: whoever owns the tenant at that time, beside the addresses of `to`."""

    kind: Literal["email"]
    to: list[EmailStr] = Field(default_factory=list, max_length=20)
    owners: bool = False

    @model_validator(mode="after")
    def somebody(self) -> "EmailConfig":
        if not self.to and not self.owners:
            raise ValueError("to: name at least one address")
        self.to = list(dict.fromkeys(self.to))
        return self

    def shown(self) -> str:
        return "owners" if self.owners and not self.to else ", ".join(self.to)


class SlackConfig(Config):
    """A Slack app with `chat:write`. `signing_secret`: for its buttons to be believed."""

    kind: Literal["slack"]
    channel: Word
    token: Secret | None = None
    signing_secret: Secret | None = None

    def needs(self) -> tuple[str, ...]:
        return ("token",)

    def shown(self) -> str:
        return self.channel


class _SecretUrl(Config):
    url: SecretAddress | None = None

    def needs(self) -> tuple[str, ...]:
        return ("url",)

    def shown(self) -> str:
        return _host(self.url.get_secret_value()) if self.url else "?"


class SlackWebhookConfig(_SecretUrl):
    """An incoming webhook of Slack, or of what understands the same (Mattermost, Rocket.Chat)."""

    kind: Literal["slack_webhook"]


class TeamsConfig(_SecretUrl):
    """A workflow of Microsoft Teams that is started by a webhook request."""

    kind: Literal["teams"]


class DiscordConfig(_SecretUrl):
    """A webhook of a Discord channel."""

    kind: Literal["discord"]


class PagerDutyConfig(Config):
    """An integration of the kind Events API v2."""

    kind: Literal["pagerduty"]
    routing_key: Secret | None = None
    region: Literal["us", "eu"] = "us"

    def needs(self) -> tuple[str, ...]:
        return ("routing_key",)

    def shown(self) -> str:
        return f"PagerDuty ({self.region})"


class OpsgenieConfig(Config):
    kind: Literal["opsgenie"]
    api_key: Secret | None = None
    region: Literal["us", "eu"] = "us"

    def needs(self) -> tuple[str, ...]:
        return ("api_key",)

    def shown(self) -> str:
        return f"Opsgenie ({self.region})"


class TelegramConfig(Config):
    """A bot's token, and the chat it writes to."""

    kind: Literal["telegram"]
    chat_id: Annotated[str, StringConstraints(pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{3,64})$")]
    token: Annotated[Secret, AfterValidator(_bot_token)] | None = None

    def needs(self) -> tuple[str, ...]:
        return ("token",)

    def shown(self) -> str:
        return self.chat_id


class NtfyConfig(Config):
    """A topic on ntfy.sh or on a server of one's own."""

    kind: Literal["ntfy"]
    url: Address = "https://ntfy.sh"
    topic: Annotated[str, StringConstraints(pattern=r"^[-_A-Za-z0-9]{1,64}$")]
    token: Secret | None = None

    def shown(self) -> str:
        return f"{_host(self.url)}/{self.topic}"


class WebhookConfig(Config):
    """A Standard Webhooks request. `headers` are kept secret; `template`: the body, where JSON of ours will not do."""

    kind: Literal["webhook"]
    url: Address
    headers: dict[str, SecretStr] | None = None
    signing_secret: Secret | None = None
    template: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    content_type: Annotated[
        str, StringConstraints(max_length=100, pattern=r"^[\x20-\x7e]+/[\x20-\x7e]+$")
    ] = "application/json"

    @field_validator("headers")
    @classmethod
    def fit_to_send(cls, headers: dict[str, SecretStr] | None) -> dict[str, SecretStr] | None:
        if headers is not None and len(headers) > _MOST_HEADERS:
            raise ValueError(f"at most {_MOST_HEADERS} headers")
        for name, value in (headers or {}).items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError("is not the name of a header")
            if name.lower() in _OWN_HEADERS or name.lower().startswith("webhook-"):
                raise ValueError(f"{name} is set by Crontopus")
            if len(value.get_secret_value()) > _MOST_SECRET:
                raise ValueError(f"{name} is too long")
            _one_line(value)
        return headers

    @field_validator("signing_secret")
    @classmethod
    def can_sign(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            text = secret.get_secret_value().removeprefix("whsec_")
            if not 24 <= len(base64.b64decode(text, validate=True)) <= 64:
                raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
        return secret

    @model_validator(mode="after")
    def can_be_rendered(self) -> "WebhookConfig":
        if self.template is not None:
            try:
                example = check(self.template)
                if "json" in self.content_type:
                    json.loads(example)
            except TemplateRefused as error:
                raise ValueError(f"template: {error}") from error
            except ValueError as error:
                raise ValueError(f"template: what it makes is not JSON: {error}") from error
        return self

    def needs(self) -> tuple[str, ...]:
        return ("signing_secret",)

    def shown(self) -> str:
        return _host(self.url)


AnyConfig = Annotated[
    EmailConfig
    | SlackConfig
    | SlackWebhookConfig
    | PagerDutyConfig
    | WebhookConfig
    | TeamsConfig
    | DiscordConfig
    | TelegramConfig
    | NtfyConfig
    | OpsgenieConfig,
    Field(discriminator="kind"),
]


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
