"""Links that prove that somebody reads an address. Each is used up by the change it leads to."""

from uuid import UUID

from crontopus_api.identity.models import User
from crontopus_api.kit.errors import Invalid
from crontopus_api.kit.links import Links

VERIFY_SECONDS = 7 * 86400
RESET_SECONDS = 3600
_VERIFY, _RESET, _CHANGE = "verify-email", "reset-password", "change-email"


class Proofs:
    def __init__(self, links: Links) -> None:
        self._links = links

    def of_email(self, user: User) -> str:
        return self._make(_VERIFY, user, _unverified(user))

    def of_reset(self, user: User) -> str:
        return self._make(_RESET, user, _credentials(user))

    def of_new_email(self, user: User) -> str:
        return self._make(_CHANGE, user, _addresses(user))

    def check_email(self, token: str, user: User) -> None:
        """Each of these raises Invalid when the link is not this person's, is too old, or was used."""
        self._links.read(_VERIFY, token, state=_unverified(user), max_age_seconds=VERIFY_SECONDS)

    def check_reset(self, token: str, user: User) -> None:
        self._links.read(_RESET, token, state=_credentials(user), max_age_seconds=RESET_SECONDS)

    def check_new_email(self, token: str, user: User) -> None:
        self._links.read(_CHANGE, token, state=_addresses(user), max_age_seconds=VERIFY_SECONDS)

    def claimed(self, token: str) -> UUID:
        """Whose link it says it is: enough to look for them, believed by nobody yet. Raises Invalid."""
        try:
            return UUID(str(self._links.peek(_VERIFY, token).get("user")))
        except ValueError as error:
            raise used_up() from error

    def _make(self, purpose: str, user: User, state: str) -> str:
        return self._links.make(purpose, {"user": str(user.id)}, state=state)


def used_up() -> Invalid:
    return Invalid(
        "This link does not work: it was used already, or was not copied whole.",
        code="invalid_link",
        hint="Ask for a new one.",
    )


def _unverified(user: User) -> str:
    return f"{user.id}/{user.email}/{user.email_verified_at}"


def _credentials(user: User) -> str:
    return f"{user.id}/{user.email}/{user.password_hash}"


def _addresses(user: User) -> str:
    return f"{user.id}/{user.email}/{user.new_email}"
