"""What links and buttons in messages carry: signed, so that whoever holds one may do that one thing."""

from dataclasses import dataclass
from uuid import UUID

from crontopus_api.kit.errors import Invalid
from crontopus_api.kit.links import Links

_ACT, _UNSUBSCRIBE, _VERIFY = "incident-act", "channel-unsubscribe", "channel-verify"
_DAY = 86_400
# People open a message of last week; nobody acts on one of last year.
_ACT_SECONDS, _UNSUBSCRIBE_SECONDS, VERIFY_SECONDS = 30 * _DAY, 3 * 365 * _DAY, 7 * _DAY


@dataclass(frozen=True)
class Act:
    """Acting on an incident as `who`, reached through a channel."""

    tenant_id: UUID
    channel_id: UUID
    incident_id: UUID
    who: str


@dataclass(frozen=True)
class Address:
    """An address of a channel: proving it, or taking it off."""

    tenant_id: UUID
    channel_id: UUID
    email: str


class SignedLinks:
    def __init__(self, links: Links, base_url: str) -> None:
        self._links = links
        self.base_url = base_url

    def act(self, act: Act) -> str:
        data = {"t": act.tenant_id.hex, "c": act.channel_id.hex, "i": act.incident_id.hex, "w": act.who}
        return self._links.make(_ACT, data)

    def read_act(self, token: str) -> Act:
        """Each of these raises Invalid for what was not signed by us, or too long ago."""
        data = self._links.read(_ACT, token, max_age_seconds=_ACT_SECONDS)
        return Act(UUID(data["t"]), UUID(data["c"]), UUID(data["i"]), data["w"])

    def unsubscribe(self, address: Address) -> str:
        return self._address(_UNSUBSCRIBE, address)

    def read_unsubscribe(self, token: str) -> Address:
        return self._read_address(_UNSUBSCRIBE, token, _UNSUBSCRIBE_SECONDS)

    def verify(self, address: Address) -> str:
        return self._address(_VERIFY, address)

    def read_verify(self, token: str) -> Address:
        return self._read_address(_VERIFY, token, VERIFY_SECONDS)

    def _address(self, purpose: str, address: Address) -> str:
        data = {"t": address.tenant_id.hex, "c": address.channel_id.hex, "e": address.email}
        return self._links.make(purpose, data)

    def _read_address(self, purpose: str, token: str, seconds: int) -> Address:
        data = self._links.read(purpose, token, max_age_seconds=seconds)
        return Address(UUID(data["t"]), UUID(data["c"]), data["e"])


def believed(token: str, links: SignedLinks) -> Act | None:
    """What the token of a button stands for; None when it is not one of ours."""
    try:
        return links.read_act(token)
    except Invalid:
        return None
