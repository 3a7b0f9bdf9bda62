"""What the keys of a job mean together. v1.schema.json has the shape rules too; it cannot have the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crontopus_api.manifests.errors import Path
from crontopus_api.manifests.models import JobManifest
from crontopus_api.schedules import format_duration
from crontopus_api.schedules.durations import clip

# Keys that only mean something when the agent runs a command.
AGENT_ONLY = ("shell", "args", "workingDir", "env", "user", "selector", "retry", "jitter")


@dataclass(frozen=True, slots=True)
class Problem:
    """A broken rule, before it has a file and a line."""

    path: Path
    code: str
    message: str
    hint: str | None = None
    at_key: bool = False


def address_problems(
    document: Mapping[str, Any], address: tuple[str | None, str] | None
) -> Iterator[Problem]:
    """A manifest's own idea of its name and namespace must be its file's; no namespace: no such rule."""
    metadata = document.get("metadata")
    if address is None or not isinstance(metadata, Mapping):
        return
    for key, wanted, what in (("namespace", address[0], "folder"), ("name", address[1], "file")):
        given = metadata.get(key)
        if wanted is not None and isinstance(given, str) and given != wanted:
            message = f"{key} is {clip(given)}, but the {what} is `{wanted}`"
            hint = f"write `{wanted}`, or move the file"
            yield Problem(("metadata", key), f"{key}_mismatch", message, hint)


def shape_problems(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Rules about which keys go together, on the raw `spec`, so that they show beside other errors."""
    if "command" not in spec:
        yield from _without_command(spec)
    else:
        yield from _with_command(spec)
    output = spec.get("output")
    if isinstance(output, Mapping) and output.get("capture") == "none":
        for key in ("maxBytes", "redact"):
            if key in output:
                message = f"`{key}` has no meaning with `capture: none`"
                yield Problem(("spec", "output", key), "conflict", message, f"remove `{key}`", at_key=True)
    selector = spec.get("selector")
    if isinstance(selector, Mapping) and not selector:
        hint = 'give `matchLabels` or `hostname`; every endpoint is `hostname: "*"`'
        yield Problem(("spec", "selector"), "bad_selector", "an empty selector selects nothing", hint)


def _without_command(spec: Mapping[str, Any]) -> Iterator[Problem]:
    hint = "a job without `command` is in ping mode: something else runs it and reports"
    for key in AGENT_ONLY:
        if key in spec:
            message = f"`{key}` needs `command`"
            yield Problem(("spec", key), "needs_command", message, hint, at_key=True)
    if spec.get("concurrency") == "replace":
        message = "`concurrency: replace` needs `command`"
        yield Problem(("spec", "concurrency"), "needs_command", message, hint)


def _with_command(spec: Mapping[str, Any]) -> Iterator[Problem]:
    command = spec["command"]
    if spec.get("shell") is True:
        if "args" in spec:
            hint = "write the arguments into `command`, or remove `shell`"
            yield Problem(
                ("spec", "args"), "conflict", "`args` cannot be used with `shell: true`", hint, True
            )
        return
    if not isinstance(command, str):
        return
    if re.search(r"[\r\n]", command):
        hint = "several lines need `shell: true`"
        yield Problem(("spec", "command"), "bad_command", "`command` without a shell is one program", hint)
    elif re.search(r"[ \t\f\v]", command) and "args" not in spec:
        hint = (
            "put arguments into `args` or set `shell: true`; if the path itself has a space, add `args: []`"
        )
        message = "`command` is a program without its arguments, but contains a space"
        yield Problem(("spec", "command"), "command_has_spaces", message, hint)


def timing_problems(job: JobManifest) -> Iterator[Problem]:
    """Rules that need the values understood."""
    spec = job.spec
    if spec.jitter > spec.grace:
        message = (
            f"jitter ({format_duration(spec.jitter)}) is longer than grace ({format_duration(spec.grace)})"
        )
        hint = "a run delayed by jitter would be reported as missed; raise `grace`"
        yield Problem(("spec", "jitter"), "jitter_exceeds_grace", message, hint)
