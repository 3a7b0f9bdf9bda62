"""Bodies of webhooks as a tenant writes them: Jinja2's syntax, of which only what cannot cost or reach anything is
left.

The sandbox keeps a template from what is behind the values it is given. It does not keep it from being expensive: a
few nested loops over a range, or a text multiplied by a million, are enough. So a template may look up, compare, test,
filter by a few harmless filters, and loop over the notifications, and nothing else: no calls, no arithmetic, no
assignments, no loop in a loop, no macros, no other templates.
"""

from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_RENDERED = 256 << 10
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.For,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
    nodes.Keyword,
)
_FILTERS = {
    "tojson",
    "upper",
    "lower",
    "capitalize",
    "title",
    "default",
    "d",
    "length",
    "e",
    "escape",
    "trim",
    "string",
}
_TESTS = {"defined", "undefined", "none", "string", "true", "false"}
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
    template = _compiled(source)
    parts, size = [], 0
    try:
        for part in template.generate(values):
            size += len(part)
            if size > MOST_RENDERED:
                raise TemplateRefused(f"it makes more than {MOST_RENDERED} characters")
            parts.append(part)
    except (jinja2.TemplateError, TypeError, ValueError, RecursionError) as error:
        raise TemplateRefused(f"it cannot be filled in: {error}") from error
    return "".join(parts)


@lru_cache(256)
def _compiled(source: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.globals.clear()
    try:
        tree = environment.parse(source)
        _judge(tree, in_loop=False)
        return environment.from_string(tree)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateRefused(f"line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise TemplateRefused("it is nested too deeply") from error


def _judge(node: nodes.Node, *, in_loop: bool) -> None:
    line = f"line {getattr(node, 'lineno', '?')}"
    if not isinstance(node, _ALLOWED):
        raise TemplateRefused(f"{line}: {type(node).__name__.lower()} is not allowed here")
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        raise TemplateRefused(
            f"{line}: there is no filter {node.name} here, only {', '.join(sorted(_FILTERS))}"
        )
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise TemplateRefused(f"{line}: there is no test {node.name} here, only {', '.join(sorted(_TESTS))}")
    if isinstance(node, nodes.For):
        if in_loop or node.recursive:
            raise TemplateRefused(f"{line}: a loop in a loop is not allowed here")
        in_loop = True
    for child in node.iter_child_nodes():
        _judge(child, in_loop=in_loop)
