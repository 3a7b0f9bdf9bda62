"""Bodies of webhooks as a tenant writes them: Jinja2's syntax, of which only what cannot cost or reach anything is
left.

The sandbox keeps a template from what is behind the values it is given. It does not keep it from being expensive: a
few nested loops over a range, or a text multiplied by a million, are enough. So a template may look up, compare, test,
filter by a few harmless filters, and loop over the notifications, and nothing else (`sandbox`).
"""

from typing import Any

MOST_RENDERED = 256 << 10
EXAMPLE: dict[str, Any] = {
    "type": "incident.opened",
    "id": "019a0000-0000-7000-8000-000000000001",
    "timestamp": "2026-11-02T12:00:00.000Z",
    "url": "https://crontopus.example/incidents/019a0000-0000-7000-8000-000000000001",
    "incident": {
        "id": "019a0000-0000-7000-8000-000000000001",
        "kind": "failing",
        "event": "opened",
        "severity": "error",
        "title": 'production/nightly-backup "is" failing',
        "cause": "exit code 1",
        "opened_at": "2026-11-02T12:00:00.000Z",
        "resolved_at": None,
        "acknowledged_by": None,
        "url": "https://crontopus.example/incidents/019a0000-0000-7000-8000-000000000001",
    },
}
EXAMPLE["incidents"] = [EXAMPLE["incident"]]


class TemplateRefused(Exception):
    """Why, in words for whoever wrote it."""


def check(source: str) -> str:
    """What it makes of an example. Raises TemplateRefused."""
    return render(source, EXAMPLE)


def render(source: str, values: dict[str, Any]) -> str:
    """Raises TemplateRefused."""
    from crontopus_api.alerts.channels.sandbox import fill  # noqa: PLC0415 - see there

    return fill(source, values)
