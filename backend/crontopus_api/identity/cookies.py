"""Names of our cookies."""

from crontopus_api.settings import Settings

_SESSION, _SIGN_ON = "crontopus_session", "crontopus_sign_on"


def session_cookie(settings: Settings) -> str:
    """`__Host-`: the browser refuses it from anywhere but this very host, and over plain http."""
    return f"__Host-{_SESSION}" if settings.secure else _SESSION


def sign_on_cookie(settings: Settings) -> str:
    """What the browser keeps while it is at the provider of single sign-on."""
    return f"__Host-{_SIGN_ON}" if settings.secure else _SIGN_ON
