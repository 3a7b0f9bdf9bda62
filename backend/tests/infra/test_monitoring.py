"""Rules and dashboards: understood by Prometheus, and about metrics that exist."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

import crontopus_api.worker.main  # its metrics are a worker's
from crontopus_api.checkins.prometheus.rendering import render
from crontopus_api.checkins.prometheus.repository import FIGURES, Told
from crontopus_api.main import create_app
from crontopus_api.settings import Settings

INFRA = Path(__file__).parents[3] / "infra"
PROMETHEUS = INFRA / "prometheus"
DASHBOARDS = sorted((INFRA / "grafana").glob("*.json"))
_NAME = re.compile(r"\bcrontopus_[a-z0-9_]+\b")
_SUFFIX = re.compile(r"_(bucket|sum|count|total|created)$")


def promtool(*arguments: str, directory: Path = PROMETHEUS) -> str:
    done = subprocess.run(
        ["promtool", *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def told() -> set[str]:
    """Every metric there is, without the endings that a kind of metric adds."""
    create_app(Settings(console_dir=None))
    assert crontopus_api.worker.main
    of_a_tenant = Told(lines=dict.fromkeys(FIGURES, ""), states={}, left_out=False)
    text = generate_latest().decode() + render(of_a_tenant)
    return {_SUFFIX.sub("", name) for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)}


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace('"$namespace"', '".*"')


def test_configurations_and_rules_are_prometheus_own(tmp_path: Path) -> None:
    for file in PROMETHEUS.glob("*.yml"):
        (tmp_path / file.name).write_text(file.read_text())
    for secret in ("metrics-token", "tenant-token"):
        (tmp_path / secret).write_text("x")
    promtool("check", "config", "prometheus.yml", "tenant.yml", directory=tmp_path)


def test_rules_do_what_they_say() -> None:
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yml")


def test_every_alert_says_what_and_how_bad() -> None:
    groups = [
        group
        for file in ("rules.yml", "tenant-rules.yml")
        for group in yaml.safe_load((PROMETHEUS / file).read_text())["groups"]
    ]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert len(alerts) >= 14
    for alert in alerts:
        assert alert["labels"]["severity"] in {"warning", "critical"}, alert
        assert alert["annotations"]["summary"], alert


def test_rules_are_about_metrics_that_exist() -> None:
    text = "".join((PROMETHEUS / file).read_text() for file in ("rules.yml", "tenant-rules.yml"))
    assert {_SUFFIX.sub("", name) for name in _NAME.findall(text)} <= told()


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_asks_for_metrics_that_exist(file: Path, tmp_path: Path) -> None:
    dashboard = json.loads(file.read_text())
    asked = list(expressions(dashboard))
    assert len(asked) >= 10
    assert {_SUFFIX.sub("", name) for expression in asked for name in _NAME.findall(expression)} <= told()
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", "panels.yml", directory=tmp_path)


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_can_be_imported(file: Path) -> None:
    dashboard = json.loads(file.read_text())
    assert dashboard["uid"] == f"crontopus-{file.stem}"
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        at = panel["gridPos"]
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not own & cells, panel["title"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells |= own
