"""Requests of media that speak HTTP: every one of them through the guard against calling inwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from crontopus_api.alerts.channels.notification import DeliveryFailed, Receipt
from crontopus_api.kit.addresses import Answered, Network, OutboundFailed, OutboundRefused
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.log import redact_text

if TYPE_CHECKING:
    from crontopus_api.kit.outbound import Outbound

# Of an answer: enough to see what it was.
MOST_KEPT = 1_000
_LONGEST_WAIT = timedelta(hours=6)
# What trying again changes nothing about, until somebody does.
_HOPELESS = {400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422}
_REDIRECTS = {301, 302, 303, 307, 308}
_AGENT = "Crontopus/1"


@dataclass(frozen=True)
class Answer:
    """One that says it went well: 2xx."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        return kept(self.body)

    def json(self) -> dict[str, Any]:
        """The object it is; empty when it is something else."""
        try:
            found = msgspec.json.decode(self.body)
        except msgspec.MsgspecError:
            return {}
        return found if isinstance(found, dict) else {}

    def receipt(self, **ids: Any) -> Receipt:
        return Receipt(
            self.status, self.text, {name: value for name, value in ids.items() if value is not None}
        )

    def lied(
        self, words: str, *, hopeless: bool = False, retry_after: timedelta | None = None
    ) -> DeliveryFailed:
        """It said 2xx, and means something else."""
        return DeliveryFailed(
            words, hopeless=hopeless, retry_after=retry_after, status=self.status, response=self.text
        )


def kept(body: bytes) -> str:
    """What is stored and shown of an answer."""
    text = redact_text(body[: 4 * MOST_KEPT].decode("utf-8", "replace")).replace("\0", "�")
    return text if len(text) <= MOST_KEPT else f"{text[:MOST_KEPT]}…"


class Web:
    """`allow`: networks that may be called although they are not public."""

    def __init__(self, clock: Clock, allow: Sequence[Network] = (), *, total_seconds: float = 15.0) -> None:
        self._clock = clock
        self._allow = allow
        self._total_seconds = total_seconds
        self._outbound: Outbound | None = None

    async def post(
        self,
        url: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> Answer:
        """Raises DeliveryFailed unless the answer is 2xx. Neither the address nor the headers are in its words."""
        if self._outbound is None:
            from crontopus_api.kit.outbound import Outbound  # noqa: PLC0415 - large, and most processes send nothing

            self._outbound = Outbound(self._allow, total_seconds=self._total_seconds)
        if json is not None:
            content = msgspec.json.encode(json)
        sent = {"content-type": "application/json", "user-agent": _AGENT} | {
            name.lower(): value for name, value in (headers or {}).items()
        }
        try:
            answer = await self._outbound.request(method, url, content=content, headers=sent)
        except OutboundRefused as error:
            raise DeliveryFailed(f"This address may not be called: {error}.", hopeless=True) from error
        except OutboundFailed as error:
            raise DeliveryFailed(f"No answer from {_host(url)}: {redact_text(str(error))}") from error
        except ValueError as error:
            raise DeliveryFailed("The address or a header cannot be sent.", hopeless=True) from error
        if not 200 <= answer.status < 300:
            raise self._refusal(_host(url), answer)
        return Answer(answer.status, answer.body)

    def _refusal(self, host: str, answer: Answered) -> DeliveryFailed:
        status, text = answer.status, kept(answer.body)
        more = f": {text[:200]}" if text else ""
        redirect = status in _REDIRECTS and "location" in answer.headers
        if redirect:
            more = " (a redirect, which is not followed)"
        return DeliveryFailed(
            f"{host} answered {status}{more}",
            retry_after=self._retry_after(answer.headers.get("retry-after")),
            hopeless=status in _HOPELESS or redirect,
            status=status,
            response=text,
        )

    def _retry_after(self, said: str | None) -> timedelta | None:
        """Seconds or a date (RFC 9110, section 10.2.3). Nonsense is none."""
        if not said:
            return None
        try:
            if said.strip().isdigit():
                wait = timedelta(seconds=min(int(said), int(_LONGEST_WAIT.total_seconds())))
            else:
                at = parsedate_to_datetime(said)
                wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - self._clock.now()
        except (ValueError, TypeError, OverflowError):
            return None
        return min(wait, _LONGEST_WAIT) if wait > timedelta() else None

    async def aclose(self) -> None:
        if self._outbound is not None:
            await self._outbound.aclose()


def _host(url: str) -> str:
    return urlsplit(url).hostname or "it"


def clock_text(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
