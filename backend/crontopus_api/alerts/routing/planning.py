"""Who is told of what, now or later, and who is told again or as well. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from crontopus_api.alerts.models import Channel
from crontopus_api.alerts.routing.matching import Rules
from crontopus_api.alerts.routing.targets import About, Target, targets_of
from crontopus_api.alerts.routing.times import Held, Maintenance, held
from crontopus_api.manifests import AlertRoute

CHANNEL_FAILING = "channel_failing"


class Told(NamedTuple):
    """`route`: None of the default one. `held`: None when it is told at once."""

    target: Target
    channel: str
    route: str | None
    held: Held | None


class Repeat(NamedTuple):
    every: timedelta
    route: str | None
    channels: tuple[UUID, ...]


class Step(NamedTuple):
    """A further step, `number` counted from 1."""

    after: timedelta
    route: str
    number: int
    channels: tuple[UUID, ...]


@dataclass(frozen=True)
class Plan:
    """`default_route`: whether the default channels are told, for want of a route or in place of a channel that
    cannot be used."""

    told: list[Told] = field(default_factory=list)
    default_route: bool = False
    repeats: list[Repeat] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def targets(self) -> list[Target]:
        return [each.target for each in self.told]


@dataclass(frozen=True)
class Book:
    """A tenant's channels, routes and windows, as they are at one time.

    `channels`: those that may be told something. `routes`: in order of their names. `owners`: their addresses.
    """

    channels: Sequence[Channel]
    routes: Sequence[AlertRoute]
    windows: Sequence[Maintenance]
    owners: Sequence[str]
    at: datetime

    @cached_property
    def reached(self) -> dict[UUID, list[Target]]:
        """By channel, who is told by it: those by whom nobody is are left out."""
        found = {each.id: targets_of(each, self.owners) for each in self.channels}
        return {channel: targets for channel, targets in found.items() if targets}

    @cached_property
    def rules(self) -> Rules:
        return Rules(self.routes)

    @cached_property
    def by_name(self) -> dict[str, Channel]:
        """Names in lower case: no two channels differ in that only."""
        return {each.name.lower(): each for each in self.channels if each.id in self.reached}

    def route(self, name: str | None) -> AlertRoute | None:
        return next((each for each in self.routes if each.metadata.name == name), None)


class _Chosen(NamedTuple):
    route: AlertRoute | None
    channels: list[Channel]


def plan(book: Book, about: About) -> Plan:
    routes = book.rules.matched(about)
    chosen = [_Chosen(route, _named(book, route.spec.channels, about)) for route in routes]
    missing = any(len(each.channels) < len(each.route.spec.channels) for each in chosen if each.route)
    if missing or not chosen:
        # Somebody has to hear of it.
        chosen.append(_Chosen(None, default_channels(book, about)))
    return Plan(
        told=_told(book, about, chosen),
        default_route=missing or not routes,
        repeats=_repeats(chosen, about.repeat),
        steps=_steps(book, about, routes),
    )


def default_channels(book: Book, about: About) -> list[Channel]:
    """Never nobody, while there is anybody."""
    marked = [each for each in book.channels if each.is_default]
    marked = marked or [each for each in book.channels if each.builtin]
    if about.kind != CHANNEL_FAILING:
        return marked
    # Of a channel that does not work another one tells.
    others = [each for each in book.channels if _works(each, about)]
    return [each for each in marked if each in others] or others


def _works(channel: Channel, about: About) -> bool:
    return about.kind != CHANNEL_FAILING or (channel.id != about.channel_id and not channel.failures)


def _named(book: Book, names: Iterable[str], about: About) -> list[Channel]:
    found = (book.by_name.get(name.lower()) for name in names)
    return [each for each in found if each is not None and _works(each, about)]


def _told(book: Book, about: About, chosen: Sequence[_Chosen]) -> list[Told]:
    """Each target once: by the route that tells it first."""
    told: dict[Target, Told] = {}
    for each in chosen:
        wait = held(about, each.route, book.windows, book.at)
        name = each.route.metadata.name if each.route else None
        for channel in each.channels:
            for target in book.reached.get(channel.id, ()):
                before = told.get(target)
                if before is None or _until(before.held) > _until(wait):
                    told[target] = Told(target, channel.name, name, wait)
    return list(told.values())


def _until(wait: Held | None) -> float:
    return wait.until.timestamp() if wait else 0.0


def _repeats(chosen: Sequence[_Chosen], repeat: timedelta | None) -> list[Repeat]:
    """A channel that several routes name is told again as often as the most eager of them wants."""
    wanted: dict[UUID, tuple[timedelta, str | None]] = {}
    for each in chosen:
        own = each.route.spec.repeat_every if each.route else None
        every = own or repeat
        if every is None:
            continue
        for channel in each.channels:
            if channel.id not in wanted or every < wanted[channel.id][0]:
                wanted[channel.id] = (every, each.route.metadata.name if each.route else None)
    grouped: dict[tuple[timedelta, str | None], list[UUID]] = {}
    for channel_id, how in wanted.items():
        grouped.setdefault(how, []).append(channel_id)
    return [Repeat(every, route, tuple(channels)) for (every, route), channels in grouped.items()]


def _steps(book: Book, about: About, routes: Sequence[AlertRoute]) -> list[Step]:
    found = []
    for route in routes:
        for number, step in enumerate(route.spec.escalate or (), 1):
            channels = _named(book, step.channels, about)
            if len(channels) < len(step.channels):
                channels += [each for each in default_channels(book, about) if each not in channels]
            ids = tuple(each.id for each in channels)
            found.append(Step(step.after, route.metadata.name, number, ids))
    return sorted(found, key=lambda step: (step.after, step.route))


def names_of(book: Book, channels: Iterable[UUID]) -> list[str]:
    names: Mapping[UUID, str] = {each.id: each.name for each in book.channels}
    return [names[each] for each in channels if each in names]
