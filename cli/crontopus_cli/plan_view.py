"""A plan as people read it: what would be added, changed, removed and moved, and what stands against it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from crontopus_cli import words
from crontopus_cli.errors import Failed
from crontopus_cli.output import (
    BAD,
    BOLD,
    CHANGED,
    DIM,
    GONE,
    GOOD,
    emit_text,
    harmless,
    harmless_lines,
    located,
    styled,
)
from crontopus_cli.vocabulary import OutputFormat

Json = dict[str, Any]
Names = Mapping[str, str]

_MOST_NAMES = 8
_SIGNS = {"added": ("+", GOOD), "changed": ("~", CHANGED), "removed": ("-", GONE), "moved": ("→", "36")}
_DIFF_STYLES = (("+++", BOLD), ("---", BOLD), ("+", GOOD), ("-", GONE), ("@@", "36"))


def show_plan(plan: Json, form: OutputFormat, *, names: Names | None = None, diffs: bool = False) -> None:
    """Prints a plan. Raises Failed when main would refuse it.

    `names`: what the user calls the repository's paths, where that is something else.
    """
    emit_text("\n".join(_lines(plan, names or {}, diffs=diffs)) + "\n", plan, form)
    if not plan["applicable"]:
        raise Failed


def coloured_diff(diff: str) -> str:
    """A text difference, in colour on a terminal."""
    return "".join(f"{_diff_line(line)}\n" for line in diff.splitlines())


def _lines(plan: Json, names: Names, *, diffs: bool) -> Iterator[str]:
    for change in plan["changes"]:
        yield from _change(change, diffs=diffs)
        yield ""
    for file in plan["files"]:
        kind = f"  ({file['kind']})" if file["kind"] else ""
        yield f"{_sign(file['action'])} {styled(harmless(file['path']), BOLD)}{kind}"
        yield from _diff(file, diffs=diffs)
    if plan["files"]:
        yield ""
    yield from _findings("Errors", BAD, [_finding(error, names) for error in plan["errors"]])
    yield from _findings("Warnings", CHANGED, [_finding(warning, names) for warning in plan["warnings"]])
    conflicts = [f"{path} was changed on main too" for path in plan["conflicts"]]
    yield from _findings("Conflicts", BAD, conflicts)
    yield summary(plan)


def summary(plan: Json) -> str:
    """The plan in one line."""
    counts = plan["summary"]
    parts = [f"{counts[action]} {action}" for action in _SIGNS if counts[action]]
    if plan["files"]:
        parts.append(words.counted(len(plan["files"]), "other file"))
    if plan["endpoints"]:
        parts.append(f"on {words.counted(len(plan['endpoints']), 'endpoint')}")
    if not parts and plan["applicable"]:
        parts.append("Nothing would change")
    what = styled(f"{', '.join(parts)}. ", BOLD) if parts else ""
    if plan["applicable"]:
        verdict = styled("Can be applied.", GOOD)
    else:
        against = [(plan["errors"], "error"), (plan["conflicts"], "conflict")]
        reasons = ", ".join(words.counted(len(found), word) for found, word in against if found)
        verdict = styled(f"Would be refused: {reasons}.", BAD)
    return f"{what}{verdict}"


def _change(change: Json, *, diffs: bool) -> Iterator[str]:
    address = f"{change['namespace']}/{change['name']}"
    if change["moved_from"]:
        address = f"{change['moved_from'].removesuffix('.yaml')} → {address}"
    yield f"{_sign(change['action'])} {styled(harmless(address), BOLD)}"
    for field in change["fields"]:
        before, after = styled(_value(field["before"]), GONE), styled(_value(field["after"]), GOOD)
        yield f"    {harmless(field['path'])}: {before} → {after}"
    if change["schedule_text"]:
        if change["action"] == "changed" and not change["fields"]:
            yield "    the file's text only; no setting differs"
        yield f"    schedule: {harmless(change['schedule_text'])}"
        runs = ", ".join(words.wall(run["local"]) for run in change["next_runs"])
        yield f"    next runs: {runs or 'never: paused, disabled, or there is no such time'}"
    yield from _endpoints(change)
    yield from _diff(change, diffs=diffs)


def _endpoints(change: Json) -> Iterator[str]:
    kinds = (
        ("endpoints_gained", "+ on:", GOOD),
        ("endpoints_lost", "- off:", GONE),
        ("endpoints_kept", "stays on:", DIM),
    )
    for key, word, style in kinds:
        if change[key]:
            yield f"    {styled(word, style)} {_named(change[key])}"


def _named(endpoints: list[Json]) -> str:
    names = ", ".join(harmless(endpoint["name"]) for endpoint in endpoints[:_MOST_NAMES])
    more = len(endpoints) - _MOST_NAMES
    return f"{names} and {more} more" if more > 0 else names


def _findings(title: str, style: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield styled(title, style)
        yield from (f"  {harmless(line)}" for line in lines)
        yield ""


def _finding(finding: Json, names: Names) -> str:
    file = finding.get("file") or "the change"
    return located(finding, names.get(file, file))


def _diff(change: Json, *, diffs: bool) -> Iterator[str]:
    if diffs:
        yield from (f"    {_diff_line(line)}" for line in change["diff"].splitlines())


def _diff_line(line: str) -> str:
    style = next((style for start, style in _DIFF_STYLES if line.startswith(start)), "")
    return styled(harmless_lines(line), style) if style else harmless_lines(line)


def _sign(action: str) -> str:
    sign, style = _SIGNS[action]
    return styled(sign, style)


def _value(value: object) -> str:
    return "(not set)" if value is None else harmless(json.dumps(value, ensure_ascii=False))
