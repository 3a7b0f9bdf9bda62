"""What goes along with a browser to the provider of single sign-on, and what comes back."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Attempt:
    """What the browser keeps, signed, while it is at the provider. `return_to`: a local path."""

    state: str
    nonce: str
    verifier: str
    return_to: str

    def data(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Claims:
    """Who the provider says has signed in."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    username: str | None
