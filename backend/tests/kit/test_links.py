"""Links in emails: one purpose, one use, a limited time."""

import pytest
import time_machine

from crontopus_api.kit.errors import Invalid
from crontopus_api.kit.links import Links

LINKS = Links(b"0" * 32)
HOUR = 3600


def _code(purpose: str, token: str, **more: object) -> str:
    with pytest.raises(Invalid) as refused:
        LINKS.read(purpose, token, **{"max_age_seconds": HOUR, **more})  # type: ignore[arg-type]
    return refused.value.code


def test_a_link_says_what_it_was_made_for() -> None:
    token = LINKS.make("reset", {"user": "1"}, state="old hash")
    assert LINKS.peek("reset", token) == {"user": "1"}
    assert LINKS.read("reset", token, state="old hash", max_age_seconds=HOUR) == {"user": "1"}


def test_a_link_is_good_for_nothing_else() -> None:
    token = LINKS.make("reset", {"user": "1"}, state="old hash")
    assert _code("verify", token, state="old hash") == "invalid_link"
    assert _code("reset", token, state="new hash") == "invalid_link"
    assert _code("reset", token[:-1], state="old hash") == "invalid_link"
    with pytest.raises(Invalid):
        Links(b"1" * 32).read("reset", token, state="old hash", max_age_seconds=HOUR)


def test_a_link_ages() -> None:
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False) as clock:
        token = LINKS.make("reset", {"user": "1"})
        clock.shift(HOUR)
        assert LINKS.read("reset", token, max_age_seconds=HOUR)
        clock.shift(1)
        assert _code("reset", token) == "expired_link"


@pytest.mark.parametrize("token", ["", "x", ".", "..", ".eJw.x.y", "a" * 5000, "W10.x.y"])
def test_what_is_no_link_is_refused_before_it_is_unpacked(token: str) -> None:
    with pytest.raises(Invalid):
        LINKS.peek("reset", token)
