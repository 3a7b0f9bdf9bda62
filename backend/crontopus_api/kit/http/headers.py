"""Headers that tell browsers what they may do with an answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crontopus_api.kit.http.asgi import Header

_NOSNIFF = (b"x-content-type-options", b"nosniff")
# A year. Not for subdomains: those of an installation's domain need not be ours.
_HSTS = (b"strict-transport-security", b"max-age=31536000")
_EVERYWHERE = (
    _NOSNIFF,
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_DATA = (
    b"content-security-policy",
    b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox",
)
_NOT_KEPT = (b"cache-control", b"no-store")
# Everything the console needs is a file of its own: see `build` in frontend/vite.config.ts.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'; object-src 'none'"
)
_PAGE = (b"content-security-policy", _PAGE_POLICY.encode())
_DATA_PATHS = ("/api/", "/badge/", "/schemas/", "/healthz", "/readyz", "/metrics", "/git/")


@dataclass(frozen=True)
class SecurityHeaders:
    """Of each kind of answer. `doors`: those of pings, which no browser shows and which are many."""

    doors: tuple[Header, ...]
    data: tuple[Header, ...]
    private: tuple[Header, ...]
    page: tuple[Header, ...]

    @classmethod
    def of(cls, *, https: bool) -> "SecurityHeaders":
        always = (*_EVERYWHERE, _HSTS) if https else _EVERYWHERE
        return cls(
            doors=(_NOSNIFF, _HSTS) if https else (_NOSNIFF,),
            data=(*always, _DATA),
            private=(*always, _DATA, _NOT_KEPT),
            page=(*always, _PAGE),
        )

    def for_path(self, path: str) -> tuple[Header, ...]:
        if path.startswith("/api/v1/"):
            return self.private
        if path == "/api/docs" or not path.startswith(_DATA_PATHS):
            return self.page
        return self.data


def with_defaults(given: Iterable[Header], defaults: Sequence[Header]) -> list[Header]:
    """`given` and those of `defaults` whose names are not among them: a route that says more knows better."""
    headers = list(given)
    said = {name.lower() for name, _ in headers}
    return headers + [header for header in defaults if header[0] not in said]
