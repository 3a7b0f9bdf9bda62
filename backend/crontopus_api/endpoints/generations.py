"""Telling an endpoint from a copy of it.

A copied state directory holds the key, the token and everything else that the original has. What it cannot have is
the original's future: an agent replaces its mark by a random one of its own, when it starts, every hour and at every
rotation, and writes it to the disk before it sends it. Two copies make different marks. The first to speak is
believed; when the other comes with the mark before, there are two of them, and the endpoint is locked until
somebody says which one goes on.
"""

from dataclasses import dataclass


class CloneSuspected(Exception):
    """The mark is neither the present one nor that of a repeated request."""


class Superseded(Exception):
    """Another copy was given the endpoint. This one is no longer it."""


@dataclass(frozen=True)
class Presented:
    """What an agent knows (`mark`, of generation `number`) and wants to be known by from now on (`next`)."""

    number: int
    mark: str | None
    next: str | None


@dataclass(frozen=True)
class Kept:
    """What the service knows. Without a `mark`, the next one who may speak is believed."""

    number: int
    floor: int
    mark: str | None
    mark_before: str | None

    def forgotten(self) -> "Kept":
        """After an unlock, or for a new key: whoever holds an older number has no say any more."""
        return Kept(self.number + 1, self.number + 1, None, None)


def advance(kept: Kept, presented: Presented | None, *, may_claim: bool) -> Kept:
    """What is kept from now on. Raises CloneSuspected, Superseded.

    `may_claim`: the request is signed with the endpoint's key, so it may begin after an unlock without knowing the
    number that the unlock began with.
    """
    if presented is None:
        if kept.mark is not None:
            raise CloneSuspected("It reported without a mark, as only an older agent would.")
        return kept
    again = presented.next is not None and presented.next == kept.mark
    if again and presented.mark == kept.mark_before:
        return kept  # the answer to the request before never arrived
    if presented.number < kept.floor and not (kept.mark is None and may_claim):
        raise Superseded
    if kept.mark is None:
        if presented.next is None:
            return kept
        return Kept(max(kept.number, kept.floor) + 1, kept.floor, presented.next, presented.mark)
    if presented.mark != kept.mark:
        raise CloneSuspected(f"It presented generation {presented.number}, and {kept.number} is known.")
    if presented.next is None or presented.next == kept.mark:
        return kept
    return Kept(kept.number + 1, kept.floor, presented.next, kept.mark)
