"""Which of two copies is believed, and when it is noticed that there are two."""

import pytest

from crontopus_api.endpoints.generations import CloneSuspected, Kept, Presented, Superseded, advance

NEW = Kept(0, 0, None, None)


def test_an_agent_advances_by_marks_of_its_own() -> None:
    first = advance(NEW, Presented(0, None, "a"), may_claim=False)
    assert first == Kept(1, 0, "a", None)
    assert advance(first, Presented(1, "a", None), may_claim=False) == first  # it only says which it is
    assert advance(first, Presented(1, "a", "b"), may_claim=False) == Kept(2, 0, "b", "a")


def test_a_request_may_be_repeated_when_its_answer_was_lost() -> None:
    kept = Kept(2, 0, "b", "a")
    assert advance(kept, Presented(1, "a", "b"), may_claim=False) == kept
    # The first one after an unlock as well, although its number is below the floor.
    claimed = advance(kept.forgotten(), Presented(2, "b", "c"), may_claim=True)
    assert advance(claimed, Presented(2, "b", "c"), may_claim=True) == claimed


@pytest.mark.parametrize(
    "presented",
    [
        Presented(1, "a", "x"),  # restored from before
        Presented(2, "a", None),
        Presented(0, None, "x"),  # copied before it ever reported
        Presented(2, None, None),
        Presented(1, "a", None),
        Presented(2, "x", "b"),  # the mark of another one, guessed or overheard
        None,  # an older agent on the copy
    ],
)
def test_a_copy_is_noticed(presented: Presented | None) -> None:
    with pytest.raises(CloneSuspected):
        advance(Kept(2, 0, "b", "a"), presented, may_claim=True)


def test_after_an_unlock_the_first_with_the_key_goes_on_and_the_other_never() -> None:
    unlocked = Kept(7, 0, "m", "l").forgotten()
    with pytest.raises(Superseded):
        advance(unlocked, Presented(7, "m", "x"), may_claim=False)  # a token alone is no key
    claimed = advance(unlocked, Presented(7, "m", "n"), may_claim=True)
    assert claimed.mark == "n"
    assert claimed.number > unlocked.number
    for late in (Presented(7, "m", "o"), Presented(7, "l", None)):
        with pytest.raises(Superseded):
            advance(claimed, late, may_claim=True)
    assert advance(claimed, Presented(claimed.number, "n", "p"), may_claim=False).mark == "p"


def test_agents_of_before_have_no_generation() -> None:
    assert advance(NEW, None, may_claim=False) == NEW
