"""What of Jinja2 a template may use, and nothing else: no calls, no arithmetic, no assignments, no loop in a loop, no
macros, no other templates. Imported with the first template: few tenants have one.
"""

from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crontopus_api.alerts.channels.templates import MOST_RENDERED, TemplateRefused

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


def fill(source: str, values: dict[str, Any]) -> str:
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
