"""Of which incidents nobody is told again, or nobody further."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from crontopus_api.alerts.models import Incident
from crontopus_api.alerts.routing.reminders import Silence, silence

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
LOOK_AGAIN = Silence(NOW + timedelta(minutes=5))
OVER = Silence(None)
OPEN: dict[str, Any] = {"state": "open", "muted": False, "flapping": False}
ACKNOWLEDGED = {"acknowledged_at": NOW - timedelta(minutes=1)}


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("repeat", {}, None),
        ("escalate", {}, None),
        ("repeat", {"state": "resolved"}, OVER),
        ("opened", {"state": "resolved"}, OVER),
        ("repeat", ACKNOWLEDGED, OVER),
        ("escalate", ACKNOWLEDGED, OVER),
        ("snooze", ACKNOWLEDGED, None),
        ("opened", ACKNOWLEDGED, None),
        ("repeat", {"muted": True}, LOOK_AGAIN),
        ("opened", {"muted": True}, LOOK_AGAIN),
        ("escalate", {"parent_id": UUID(int=1)}, LOOK_AGAIN),
        ("repeat", {"flapping": True}, LOOK_AGAIN),
        ("escalate", {"flapping": True}, LOOK_AGAIN),
        # That it flaps is news itself, also when quiet hours held it.
        ("opened", {"flapping": True}, None),
        ("repeat", {"snoozed_until": LATER}, Silence(LATER)),
        ("escalate", {"snoozed_until": NOW - timedelta(minutes=1)}, None),
    ],
)
def test_who_is_left_alone(kind: str, more: dict[str, Any], expected: Silence | None) -> None:
    assert silence(Incident(**(OPEN | more)), kind, NOW) == expected
