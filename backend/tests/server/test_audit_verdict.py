"""What `scripts/audit` makes of the auditors' reports (`scripts/tools/audit_verdict.py`)."""

import importlib.util
import json
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOOL = Path(__file__).resolve().parents[3] / "scripts" / "tools" / "audit_verdict.py"
TODAY = date(2026, 11, 22)

PIP_CLEAN = {"dependencies": [{"name": "idna", "version": "3.10", "vulns": []}], "fixes": []}
PIP_FOUND = {"dependencies": [{"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-2021-66"}]}]}
PIP_AWAY = {"dependencies": [{"name": "idna", "skip_reason": "Dependency not found on PyPI"}]}
NPM_CLEAN = {"auditReportVersion": 2, "vulnerabilities": {}}
NPM_FOUND = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "vite": {"via": [{"url": "https://github.com/advisories/GHSA-1", "range": "<6"}]},
        "plugin": {"via": ["vite"]},
    },
}
NPM_AWAY = {"message": "405 Method Not Allowed", "statusCode": 405}
GO_CLEAN = (
    '{"config": {}}\n{\n "SBOM": {}\n}\n{"finding": {"osv": "GO-1", "trace": [{"module": "stdlib"}]}}\n'
)
GO_FOUND = GO_CLEAN + '{"finding": {"osv": "GO-2", "trace": [{"module": "x/net", "function": "Parse"}]}}'


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit_verdict", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    module = load()
    monkeypatch.setattr(module, "EXEMPTIONS", tmp_path / "exemptions.toml")
    monkeypatch.delenv("AUDIT_REQUIRED", raising=False)
    module.EXEMPTIONS.write_text("")
    return module


def judge(verdict: ModuleType, tmp_path: Path, pip: Any, npm: Any, go: str, go_error: str = "") -> int:
    for name, report in (("pip-audit", json.dumps(pip)), ("npm-audit", json.dumps(npm)), ("govulncheck", go)):
        (tmp_path / f"{name}.json").write_text(report)
        (tmp_path / f"{name}.err").write_text(go_error if name == "govulncheck" else "")
    return int(verdict.main(tmp_path))


def test_clean_reports(verdict: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(verdict, tmp_path, PIP_CLEAN, NPM_CLEAN, GO_CLEAN) == 0
    assert capsys.readouterr().out == "ok    pip-audit\nok    npm-audit\nok    govulncheck\n"


@pytest.mark.parametrize(
    ("reports", "told"),
    [
        ((PIP_FOUND, NPM_CLEAN, GO_CLEAN), "pip-audit: PYSEC-2021-66 in jinja2 2.4.1"),
        ((PIP_CLEAN, NPM_FOUND, GO_CLEAN), "npm-audit: GHSA-1 in vite <6"),
        ((PIP_CLEAN, NPM_CLEAN, GO_FOUND), "govulncheck: GO-2 in x/net"),
    ],
)
def test_findings_fail(
    verdict: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    reports: tuple[Any, Any, str],
    told: str,
) -> None:
    assert judge(verdict, tmp_path, *reports) == 1
    assert f"FAIL  {told}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "reports",
    [
        (PIP_AWAY, NPM_CLEAN, GO_CLEAN, ""),
        (PIP_CLEAN, NPM_AWAY, GO_CLEAN, ""),
        (PIP_CLEAN, NPM_CLEAN, "", "command not found"),
        (
            PIP_CLEAN,
            NPM_CLEAN,
            GO_CLEAN,
            "fetching vulnerabilities: dial tcp: lookup vuln.go.dev: no such host",
        ),
    ],
)
def test_no_verdict_is_told_and_never_called_ok(
    verdict: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    reports: tuple[Any, Any, str, str],
) -> None:
    assert judge(verdict, tmp_path, *reports) == 0
    assert capsys.readouterr().out.count("not done") == 1
    monkeypatch.setenv("AUDIT_REQUIRED", "1")
    assert judge(verdict, tmp_path, *reports) == 1


def test_exemptions_have_a_reason_and_an_end(verdict: ModuleType, tmp_path: Path) -> None:
    good = '[[exempt]]\nid = "GO-2"\nreason = "We never parse."\nuntil = 2026-12-01\n'
    assert verdict.exemptions(good, TODAY) == {"GO-2"}
    changes = (("We never parse.", ""), ("until = 2026-12-01", ""), ("12-01", "11-01"))
    for bad in (good.replace(*change) for change in changes):
        with pytest.raises(ValueError, match="GO-2"):
            verdict.exemptions(bad, TODAY)
    verdict.EXEMPTIONS.write_text(good.replace("2026-12-01", "2999-01-01"))
    assert judge(verdict, tmp_path, PIP_CLEAN, NPM_CLEAN, GO_FOUND) == 0


def test_the_exemptions_that_there_are_hold() -> None:
    module = load()
    module.exemptions(module.EXEMPTIONS.read_text(), date.min)
