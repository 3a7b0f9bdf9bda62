#!/usr/bin/env python3
"""Every query on a table of tenants says of which tenant, or says why it does not.

Usage: scripts/tools/tenant_scope.py [FILE]…   (default: all of backend/crontopus_api)

Row-level security would keep tenants apart anyway; this keeps it from being the only thing that does. Looked at are
`select`, `update`, `delete`, `exists` and `session.get` on models that have a `tenant_id` (of `Tenant`: its `id`), and
SQL in strings. A condition counts that is in the statement, in a helper that it calls, or in another statement that
goes on with the same name (`query = query.where(…)`). Inserts name their tenant by their row, which PostgreSQL checks.

    # cross-tenant: the scanner looks for the deadlines of all tenants

on the lines above a statement, or inside it, excuses it. An excuse that excuses nothing is an error as well.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "backend" / "crontopus_api"
QUERIES = {"select", "update", "delete", "exists"}
JOINS = {"join", "outerjoin", "select_from", "join_from"}
EXCUSE = re.compile(r"#\s*cross-tenant:(.*)")

_SQL = re.compile(r"\s*(WITH|SELECT|UPDATE|DELETE FROM)\s")
_TABLE = re.compile(
    r"(?<!OF )\b(?:FROM|JOIN|UPDATE|USING)\s+(?:ONLY\s+)?([a-z_]+)\b(?:\s+(?:AS\s+)?([a-z]\w*)\b)?"
)
# A parameter, or rows that were sent along and name their own tenants.
_GIVEN = re.compile(r"tenant_id\s*=\s*(:\w|%\(|%s|\$\d|app_tenant\(\))|\b(?:unnest|json_to_recordset)\(")


@dataclass(frozen=True)
class Model:
    """A class whose rows belong to tenants. `column`: the one that says to which."""

    name: str
    table: str
    column: str


@dataclass(frozen=True)
class Finding:
    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.line}: {self.message}"


def models_in(package: Path) -> dict[str, Model]:
    """By the name of the class."""
    found = {}
    for path in sorted(package.rglob("*models.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and (model := _model(node)) is not None:
                found[model.name] = model
    return found


def _model(node: ast.ClassDef) -> Model | None:
    table, columns = None, set()
    for part in node.body:
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "__tablename__":
            assert isinstance(part.value, ast.Constant)
            table = str(part.value.value)
        elif isinstance(part, ast.AnnAssign):
            columns.add(ast.unparse(part.target))
    if table == "tenants":
        return Model(node.name, table, "id")
    return Model(node.name, table, "tenant_id") if table is not None and "tenant_id" in columns else None


@dataclass
class Source:
    """One file, and what its names stand for."""

    path: Path
    text: str
    models: dict[str, Model]
    tree: ast.Module = field(init=False)
    excuses: dict[int, str] = field(init=False)
    used: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)
        comments = [
            token
            for token in tokenize.generate_tokens(io.StringIO(self.text).readline)
            if token.type == tokenize.COMMENT
        ]
        self._comment_lines = {token.start[0] for token in comments}
        excused = ((token.start[0], EXCUSE.match(token.string)) for token in comments)
        self.excuses = {line: match[1].strip() for line, match in excused if match}

    def excused(self, node: ast.AST) -> bool:
        """Whether an excuse stands in the node's lines, or in the comment right above them."""
        assert isinstance(node, ast.stmt)
        first = node.lineno
        while first - 1 in self._comment_lines:
            first -= 1
        lines = {line for line in self.excuses if first <= line <= (node.end_lineno or node.lineno)}
        self.used |= lines
        return bool(lines)


def check(path: Path, text: str, models: dict[str, Model]) -> list[Finding]:
    source = Source(path, text, models)
    found = [*_expressions(source), *_strings(source)]
    for line, reason in source.excuses.items():
        if not reason:
            found.append(Finding(path, line, "say why: # cross-tenant: <reason>"))
        elif line not in source.used:
            found.append(Finding(path, line, "this cross-tenant comment excuses nothing: take it away"))
    return sorted(set(found), key=lambda finding: finding.line)


# -- SQLAlchemy


class Scope:
    """A function's own statements, or the module's, with what the names in them are assigned."""

    def __init__(self, source: Source, statements: Sequence[ast.stmt], outer: "Scope | None") -> None:
        self.source, self.outer = source, outer
        self.simple = list(_simple(statements))
        self.functions = {
            node.name: node for node in statements if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        self.assigned: dict[str, list[ast.stmt]] = {}
        for statement in self.simple:
            for name in _targets(statement):
                self.assigned.setdefault(name, []).append(statement)
        self.aliases: dict[str, Model] = dict(outer.aliases if outer else source.models)
        for statement in self.simple:
            if (alias := _alias(statement, self.aliases)) is not None:
                self.aliases[alias[0]] = alias[1]

    def query(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statement, and those that go on with what it assigns."""
        names = _targets(statement)
        return [statement, *(each for each in self.simple if each is not statement and names & _loaded(each))]

    def closure(self, nodes: Sequence[ast.AST]) -> list[ast.AST]:
        """The nodes, and everything their names stand for: assignments here and outside, helpers that are called."""
        seen: dict[int, ast.AST] = {}
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen[id(node)] = node
            for name in _loaded(node):
                waiting += self._named(name)
        return list(seen.values())

    def _named(self, name: str) -> list[ast.AST]:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.assigned:
                return list(scope.assigned[name])
            if name in scope.functions:
                return [scope.functions[name]]
            scope = scope.outer
        return []


def _expressions(source: Source) -> Iterator[Finding]:
    module = Scope(source, source.tree.body, None)
    scopes = [module]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            scopes.append(Scope(source, node.body, module))
    for scope in scopes:
        for statement in scope.simple:
            if any(_is_query(node, scope) for node in _own_nodes(statement)):
                yield from _judge(source, scope, statement)


def _judge(source: Source, scope: Scope, statement: ast.stmt) -> Iterator[Finding]:
    parts = scope.query(statement)
    asked = {model for part in parts for model in _asked(part, scope)}
    named, given = set(), False
    for node in scope.closure(parts):
        for model, bound in _conditions(node, scope):
            named.add(model)
            given = given or bound
    missing = sorted(asked - named, key=lambda model: model.name)
    if not asked or (given and not missing) or source.excused(statement):
        return
    if missing:
        which = ", ".join(f"{model.name}.{model.column}" for model in missing)
        yield _finding(source, statement, f"compare {which}")
    else:
        which = ", ".join(sorted(f"{model.name}.{model.column}" for model in asked))
        yield _finding(source, statement, f"compare one of {which}")


def _finding(source: Source, node: ast.stmt, advice: str) -> Finding:
    return Finding(
        source.path,
        node.lineno,
        f"this query does not say of which tenant: {advice} with the tenant's id, or put above it"
        " `# cross-tenant: <why it reads across tenants>`",
    )


def _is_query(node: ast.AST, scope: Scope) -> bool:
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in QUERIES
    return _is_get(node) and any(_of(argument, scope) for argument in node.args[:1])


def _is_get(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "session.get"


def _asked(statement: ast.stmt, scope: Scope) -> Iterator[Model]:
    """The models that queries of the statement read or change."""
    for node in _own_nodes(statement):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called in QUERIES | JOINS or _is_get(node):
            # Of a join only what is joined: its condition names other tables as well.
            for argument in node.args[:1] if called in JOINS else node.args:
                for part in ast.walk(argument):
                    if (model := _of(part, scope)) is not None:
                        yield model


def _of(node: ast.AST, scope: Scope) -> Model | None:
    return scope.aliases.get(node.id) if isinstance(node, ast.Name) else None


def _conditions(node: ast.AST, scope: Scope) -> Iterator[tuple[Model, bool]]:
    """Models whose tenant is compared, and whether with something that is no other model's column."""
    for part in ast.walk(node):
        if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Eq):
            sides = [_column(side, scope) for side in (part.left, *part.comparators)]
            yield from ((model, None in sides) for model in sides if model is not None)
        elif isinstance(part, ast.Call) and _is_get(part):
            key = ast.unparse(part.args[1]) if len(part.args) > 1 else ""
            if (model := _of(part.args[0], scope)) is not None and "tenant" in key:
                yield model, True
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "in_":
            for each in ast.walk(part.func.value):
                if (model := _column(each, scope)) is not None:
                    yield model, False


def _column(node: ast.AST, scope: Scope) -> Model | None:
    """The model whose tenant column this is: `Job.tenant_id`, `jobs.c.tenant_id`."""
    if not isinstance(node, ast.Attribute):
        return None
    owner = node.value
    if isinstance(owner, ast.Attribute) and owner.attr == "c":
        owner = owner.value
    model = _of(owner, scope)
    return model if model is not None and node.attr == model.column else None


def _alias(statement: ast.stmt, known: dict[str, Model]) -> tuple[str, Model] | None:
    """`jobs = table(Job)`, `first = aliased(Delivery)`."""
    if not (isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)):
        return None
    call = statement.value
    if not (isinstance(call.func, ast.Name) and call.func.id in {"table", "aliased"} and call.args):
        return None
    target, argument = statement.targets[0], call.args[0]
    if isinstance(target, ast.Name) and isinstance(argument, ast.Name) and argument.id in known:
        return target.id, known[argument.id]
    return None


def _simple(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements, and those inside of conditions and loops; not those of functions and classes."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from _simple(getattr(statement, name, []))
        for handler in getattr(statement, "handlers", []):
            yield from _simple(handler.body)


def _own_nodes(statement: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement without those of the statements in it."""
    yield statement
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, ast.stmt | ast.excepthandler):
            yield from _own_nodes(child)


def _targets(statement: ast.stmt) -> set[str]:
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AugAssign | ast.AnnAssign):
        targets = [statement.target]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _loaded(node: ast.AST) -> set[str]:
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Load)}


# -- SQL in strings


def _strings(source: Source) -> Iterator[Finding]:
    tables = {model.table: model for model in source.models.values()}
    constants = _constants(source.tree)
    for statement in _all_simple(source.tree):
        for text in _texts(statement, constants):
            sql = re.sub(r"--.*", "", text)
            if not _SQL.match(sql):
                continue
            found = [(tables[name], alias) for name, alias in _TABLE.findall(sql) if name in tables]
            silent = sorted({model.table for model, alias in found if not _says(sql, model, alias)})
            if found and (silent or not _GIVEN.search(sql)) and not source.excused(statement):
                which = ", ".join(silent or sorted({model.table for model, _ in found}))
                yield _finding(source, statement, f"compare tenant_id of {which}")


def _all_simple(tree: ast.Module) -> Iterator[ast.stmt]:
    yield from _simple(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _simple(node.body)


def _constants(tree: ast.Module) -> dict[str, str]:
    """The module's strings by name, for those that are put together from others."""
    found: dict[str, str] = {}
    for statement in tree.body:
        text = _text(statement.value, found) if isinstance(statement, ast.Assign) else None
        if text is not None:
            found |= dict.fromkeys(_targets(statement), text)
    return found


def _texts(statement: ast.stmt, constants: dict[str, str]) -> Iterator[str]:
    """Its strings, whole ones and not their parts."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return  # a docstring
    parts: set[int] = set()
    for node in _own_nodes(statement):
        if isinstance(node, ast.JoinedStr):
            parts |= {id(part) for part in node.values}
        if id(node) not in parts and (text := _text(node, constants)) is not None:
            yield text


def _text(node: ast.AST, constants: dict[str, str]) -> str | None:
    """`{}` where something is filled in that is no constant."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    return "".join(
        str(part.value) if isinstance(part, ast.Constant) else constants.get(ast.unparse(part.value), "{}")
        for part in node.values
        if isinstance(part, ast.Constant | ast.FormattedValue)
    )


def _says(sql: str, model: Model, alias: str) -> bool:
    """Whether the tenant of this table is compared with something."""
    for name in {alias, model.table} - {""}:
        if re.search(rf"\b{name}\.{model.column}\b", sql):
            return True
    return re.search(rf"(?<![.\w]){model.column}\s*=|USING \(\s*{model.column}\b", sql) is not None


def main(arguments: Sequence[str]) -> int:
    models = models_in(PACKAGE)
    paths = [Path(each).resolve() for each in arguments] or sorted(PACKAGE.rglob("*.py"))
    findings: list[Finding] = []
    for path in paths:
        findings += check(path, path.read_text(encoding="utf-8"), models)
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
