"""Repositories with one tenant condition taken out: `X.tenant_id == …` in an expression, `tenant_id = …` in SQL.

The condition stays where it is and counts no more (`… or true`), so that parameters and joins keep their places.
"""

import ast
import copy
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import crontopus_api

PACKAGE = Path(crontopus_api.__file__).parent
_SQL = re.compile(r"(?:\b\w+\.)?\btenant_id\s*=\s*(?::\w+|%\(\w+\)s|\w+\.tenant_id)")
_TRUE = ast.parse(
    "__import__('sqlalchemy').or_(None, __import__('sqlalchemy').literal(1) == 1)", mode="eval"
).body


def repositories() -> list[str]:
    """The modules that hold SQL, by name."""
    found = (path for path in PACKAGE.rglob("*repository*.py") if not path.stem.endswith("_routes"))
    return sorted(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in found)


@dataclass(frozen=True)
class Mutant:
    """`no`: of the module's conditions, in the order of the source. `functions`: those that it takes part in."""

    module: str
    no: int
    condition: str
    line: int
    functions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.module}:{self.line} without `{self.condition}`"


def mutants(module: str) -> list[Mutant]:
    tree = _parsed(module)
    reached = _reached(tree)
    found = []
    for top in tree.body:
        for node, condition in _Remover.conditions(top):
            functions = tuple(sorted(reached.get(_names(top)[0], ()))) if _names(top) else ()
            found.append(Mutant(module, len(found), condition, node.lineno, functions))
    return found


def load(module: str, mutant: Mutant | None) -> ModuleType:
    """The module as it is (None), or without that condition."""
    tree = _parsed(module)
    if mutant is not None:
        remover = _Remover(mutant.no)
        tree = ast.fix_missing_locations(remover.visit(tree))
        assert remover.at > mutant.no
    original = importlib.import_module(module)
    made = ModuleType(module)
    made.__file__, made.__package__ = original.__file__, original.__package__
    exec(compile(tree, str(original.__file__), "exec"), made.__dict__)
    return made


def _parsed(module: str) -> ast.Module:
    return ast.parse(
        (PACKAGE.parent / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    )


class _Remover(ast.NodeTransformer):
    """Takes out condition number `no`; `no` -1 only counts them."""

    def __init__(self, no: int) -> None:
        self.no, self.at = no, 0
        self.seen: list[tuple[ast.expr, str]] = []

    @classmethod
    def conditions(cls, top: ast.stmt) -> list[tuple[ast.expr, str]]:
        counter = cls(-1)
        counter.visit(copy.deepcopy(top))
        return counter.seen

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if not (isinstance(node.ops[0], ast.Eq) and any(map(_is_tenant, (node.left, *node.comparators)))):
            return node
        if not self._taken(node, ast.unparse(node)):
            return node
        replacement = copy.deepcopy(_TRUE)
        assert isinstance(replacement, ast.Call)
        replacement.args[0] = node
        return ast.copy_location(replacement, node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, str):
            return node

        def replaced(match: re.Match[str]) -> str:
            return f"({match[0]} OR true)" if self._taken(node, match[0]) else match[0]

        return ast.copy_location(ast.Constant(_SQL.sub(replaced, node.value)), node)

    def _taken(self, node: ast.expr, condition: str) -> bool:
        self.seen.append((node, condition))
        self.at += 1
        return self.at - 1 == self.no


def _is_tenant(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and (node.attr == "tenant_id" or ast.unparse(node) == "Tenant.id")


def _names(top: ast.stmt) -> list[str]:
    if isinstance(top, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [top.name]
    targets = top.targets if isinstance(top, ast.Assign) else []
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]


def _reached(tree: ast.Module) -> dict[str, set[str]]:
    """By the name of what stands in the module: the public functions that come to it."""
    uses = {name: _used(top) for top in tree.body for name in _names(top)}
    found: dict[str, set[str]] = {}
    for top in tree.body:
        if isinstance(top, ast.AsyncFunctionDef) and not top.name.startswith("_"):
            for name in _closure(top.name, uses):
                found.setdefault(name, set()).add(top.name)
    return found


def _used(top: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(top) if isinstance(node, ast.Name)}


def _closure(name: str, uses: dict[str, set[str]]) -> Iterator[str]:
    waiting, seen = [name], {name}
    while waiting:
        each = waiting.pop()
        yield each
        new = uses.get(each, set()) & uses.keys() - seen
        seen |= new
        waiting += new
