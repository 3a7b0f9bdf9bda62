"""Which routes an incident takes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from crontopus_api.alerts.routing.targets import About
from crontopus_api.manifests import AlertRoute
from crontopus_api.manifests.others import AlertRouteSpec, JobMatch

_Labels = frozenset[tuple[str, str]]
EVERYTHING = "all that it asks for is true"


@dataclass(frozen=True)
class Tried:
    """What came of a route. `why`: in words for whoever wonders."""

    route: AlertRoute
    matched: bool
    why: str


def take(routes: Sequence[AlertRoute], about: About) -> list[Tried]:
    """What comes of each of the routes, which are in order of their names."""
    tried: list[Tried] = []
    ended_by: str | None = None
    for route in routes:
        if ended_by is not None:
            tried.append(Tried(route, False, f"route {ended_by} took it and does not continue"))
            continue
        reason = _against(route.spec, about)
        tried.append(Tried(route, reason is None, reason or EVERYTHING))
        if reason is None and not route.spec.continue_:
            ended_by = route.metadata.name
    return tried


class Rules:
    """The same for many incidents at once, without words: a storm of five hundred asks a thousand routes."""

    def __init__(self, routes: Sequence[AlertRoute]) -> None:
        self._rules = [
            (frozenset((route.spec.match.match_labels or {}).items()), route)
            for route in routes
            if route.spec.enabled
        ]
        self._narrowed: dict[tuple[str, str, str | None], list[tuple[_Labels, AlertRoute]]] = {}

    def matched(self, about: About) -> list[AlertRoute]:
        """Those of `take` that matched."""
        key = (about.kind, about.severity, about.namespace)
        rules = self._narrowed.get(key)
        if rules is None:
            rules = [each for each in self._rules if _may_hold(each[1].spec, about)]
            self._narrowed[key] = rules
        found = []
        for labels, route in rules:
            if labels <= about.labels:
                found.append(route)
                if not route.spec.continue_:
                    break
        return found


def is_about(match: JobMatch, about: About) -> bool:
    """Whether a route or window is about it: every condition given holds."""
    if match.namespaces is not None and about.namespace not in match.namespaces:
        return False
    return (match.match_labels or {}).items() <= about.labels


def _may_hold(spec: AlertRouteSpec, about: About) -> bool:
    """Everything but the labels."""
    namespaces = spec.match.namespaces
    return (
        (spec.incidents is None or about.kind in spec.incidents)
        and (spec.severities is None or about.severity in spec.severities)
        and (namespaces is None or about.namespace in namespaces)
    )


def _against(spec: AlertRouteSpec, about: About) -> str | None:
    """The first thing that speaks against a route; None: nothing does."""
    if not spec.enabled:
        return "it is not enabled"
    if spec.incidents is not None and about.kind not in spec.incidents:
        return f"it is about {', '.join(spec.incidents)}, not {about.kind}"
    if spec.severities is not None and about.severity not in spec.severities:
        return f"it wants the severity {' or '.join(spec.severities)}, not {about.severity}"
    namespaces = spec.match.namespaces
    if namespaces is not None and about.namespace not in namespaces:
        given = "this is about no job" if about.namespace is None else f"not {about.namespace}"
        return f"it wants the namespace {' or '.join(namespaces)}; {given}"
    labels = dict(about.labels)
    for key, value in (spec.match.match_labels or {}).items():
        if labels.get(key) != value:
            given = f"it is {labels[key]!r}" if key in labels else "there is none"
            return f"it wants the label {key} to be {value!r}; {given}"
    return None


def takes_all(route: AlertRoute) -> bool:
    """Whether nothing gets past it."""
    spec = route.spec
    narrow = spec.severities or spec.incidents or spec.match.namespaces is not None or spec.match.match_labels
    return spec.enabled and not spec.continue_ and not narrow
