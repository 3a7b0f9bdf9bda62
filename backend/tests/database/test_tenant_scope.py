"""The lint that makes every query say of which tenant (`scripts/tools/tenant_scope.py`)."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[3] / "scripts" / "tools" / "tenant_scope.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tenant_scope", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


lint = load()
MODELS = lint.models_in(lint.PACKAGE)


def complaints(code: str) -> list[str]:
    return [finding.message for finding in lint.check(Path("repository.py"), code, MODELS)]


def test_knows_every_model_of_tenants() -> None:
    assert len(MODELS) > 20
    assert MODELS["Job"].table == "jobs"
    assert MODELS["Tenant"].column == "id"
    assert "Operator" not in MODELS


def test_all_of_the_service_passes() -> None:
    assert lint.main([]) == 0


@pytest.mark.parametrize(
    "code",
    [
        "def f(tenant_id): return select(Job).where(Job.tenant_id == tenant_id)",
        "def f(tenant_id):\n query = select(Job)\n query = query.where(Job.tenant_id == tenant_id)",
        "def live(tenant_id): return Job.tenant_id == tenant_id\ndef f(t): return select(Job.id).where(live(t))",
        "jobs = table(Job)\nq = update(jobs).where(jobs.c.tenant_id == bindparam('tenant'))",
        "q = select(Job).join(Run, Run.tenant_id == Job.tenant_id).where(Job.tenant_id == tenant_id)",
        "q = select(Tenant).where(Tenant.id == tenant_id)",
        "job = session.get(Job, (tenant_id, job_id))",
        "q = text('SELECT * FROM jobs WHERE tenant_id = :tenant')",
        "q = text('DELETE FROM runs r USING old WHERE r.tenant_id = old.tenant_id AND old.tenant_id = :tenant')",
        "# cross-tenant: workers look after all\nq = select(Job)",
        "q = select(Operator)",
        "def f():\n '''SELECT the FROM jobs of dreams'''",
    ],
)
def test_says_of_which_tenant(code: str) -> None:
    assert complaints(code) == []


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("q = select(Job).where(Job.id == job_id)", "Job.tenant_id"),
        ("q = select(func.count()).select_from(Job)", "Job.tenant_id"),
        ("q = delete(table(Job))", "Job.tenant_id"),
        (
            "q = select(Job).join(Run, Run.job_id == Job.id).where(Job.tenant_id == tenant_id)",
            "Run.tenant_id",
        ),
        ("q = select(Job).join(Run, Run.tenant_id == Job.tenant_id)", "one of Job.tenant_id"),
        ("q = select(Tenant)", "Tenant.id"),
        ("job = session.get(Job, job_id)", "Job.tenant_id"),
        ("q = text('SELECT * FROM jobs WHERE id = :id')", "tenant_id of jobs"),
        (
            "q = text('SELECT 1 FROM jobs j JOIN runs r ON r.job_id = j.id WHERE j.tenant_id = :tenant')",
            "tenant_id of runs",
        ),
        ("X = 'id = :id'\nq = text(f'UPDATE jobs SET name = 1 WHERE {X}')", "tenant_id of jobs"),
        ("def f(tenant_id):\n live = Job.tenant_id == tenant_id\n return select(Job)", "Job.tenant_id"),
    ],
)
def test_does_not_say_of_which_tenant(code: str, missing: str) -> None:
    [message] = complaints(code)
    assert f"compare {missing}" in message
    assert "# cross-tenant: <why" in message


def test_excuses_give_reasons_and_excuse_something() -> None:
    assert complaints("# cross-tenant:\nq = select(Job)") == ["say why: # cross-tenant: <reason>"]
    [message] = complaints("# cross-tenant: it was once\nq = 1")
    assert "excuses nothing" in message
