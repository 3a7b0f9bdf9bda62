"""Media that keep alerts of their own, each under a key: what is to be done to which."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from crontopus_api.alerts.channels.notification import Digest, Notification, Probe


@dataclass(frozen=True)
class Step:
    """`about`: what to say when it opens."""

    action: Literal["trigger", "acknowledge", "resolve"]
    key: str
    about: Notification | Digest | Probe


def steps(message: Notification | Digest | Probe) -> Iterator[Step]:
    """An alert that tells of many ends with the last of them, and is not acknowledged with one of them."""
    if isinstance(message, Probe):
        # Nothing is wrong: it ends at once.
        yield Step("trigger", message.message_id, message)
        yield Step("resolve", message.message_id, message)
        return
    if isinstance(message, Notification):
        yield from _single(message)
        return
    opened = [each for each in message.notifications if each.event == "opened"]
    if opened:
        yield Step("trigger", message.message_id, message)
    done = set()
    for each in message.notifications:
        if each.event != "opened" and each.thread_id not in done:
            done.add(each.thread_id)
            yield from _single(each)


def _single(said: Notification) -> Iterator[Step]:
    if said.event in {"opened", "reminded"}:
        # Under the same key: it is the same alert, and rings again where the medium lets it.
        yield Step("trigger", said.thread_id, said)
    elif said.event == "resolved" and not (said.thread and said.thread.shared and said.thread.live):
        yield Step("resolve", said.thread_id, said)
    elif said.event == "acknowledged" and not (said.thread and said.thread.shared):
        yield Step("acknowledge", said.thread_id, said)
