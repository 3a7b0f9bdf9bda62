"""A badge as shields.io draws them. Pure."""

from html import escape
from typing import Literal

BadgeState = Literal["up", "late", "down", "paused", "unknown"]
# Of shields.io; white on each of them is readable.
COLOURS: dict[BadgeState, str] = {
    "up": "#2e7d32",
    "late": "#b45309",
    "down": "#c62828",
    "paused": "#5f6b7a",
    "unknown": "#5f6b7a",
}
_STATES: dict[str, BadgeState] = {
    "stuck": "down",
    "failing": "down",
    "missed": "down",
    "late": "late",
    "running": "up",
    "healthy": "up",
    "paused": "paused",
}
_NARROW, _WIDE = frozenset("fijlrt.,:;|!'()[]/ "), frozenset("mwMW@%")


def badge_state(worst: str) -> BadgeState:
    """Of a job's state. A job that is expected nowhere, or never reported, is neither up nor down."""
    return _STATES.get(worst, "unknown")


def svg(label: str, state: BadgeState) -> str:
    left, right = _width(label), _width(state)
    width, title = left + right, escape(f"{label}: {state}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[state]}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2}" y="14" textLength="{left - 10}">{escape(label)}</text>'
        f'<text x="{left + right / 2}" y="14" textLength="{right - 10}">{state}</text></g></svg>'
    )


def shields(label: str, state: BadgeState) -> dict[str, object]:
    """The schema of shields.io's endpoint badge."""
    return {
        "schemaVersion": 1,
        "label": label,
        "message": state,
        "color": COLOURS[state],
        "isError": state == "down",
        "cacheSeconds": 30,
    }


def _width(text: str) -> int:
    """About that of Verdana at 11 pixels; `textLength` makes the text fit exactly."""
    return 10 + round(sum(4.2 if char in _NARROW else 10 if char in _WIDE else 7 for char in text))
