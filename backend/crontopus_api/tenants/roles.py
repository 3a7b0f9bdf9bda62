"""The order of roles. What each may do is in `identity.scopes`."""

from typing import Literal

from crontopus_api.kit.errors import Forbidden

Role = Literal["viewer", "editor", "admin", "owner"]
ROLES: tuple[Role, ...] = ("viewer", "editor", "admin", "owner")


def above(role: str) -> tuple[Role, ...]:
    """The roles that may do more."""
    return ROLES[ROLES.index(role) + 1 :]


def require_reach(own: str, *others: str) -> None:
    """Raises Forbidden when one of the others is higher: nobody gives or takes what they do not have."""
    for other in others:
        if other in above(own):
            raise Forbidden(
                f"You are {_a(own)}, and this is about {_a(other)}.",
                code="role_above_own",
                hint="Ask somebody with that role.",
            )


def _a(role: str) -> str:
    return f"an {role}" if role[0] in "aeo" else f"a {role}"
