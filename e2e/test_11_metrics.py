"""Metrics: a real Prometheus scrapes the installation, and a tenant's jobs, with the files of infra/."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.ports import free_port
from harness.prometheus import Prometheus
from harness.stack import Stack
from harness.tenant import Tenant, ping
from harness.waiting import eventually

TOKEN = "9b1d4c7e2f6a58039b1d4c7e"
JOB = "default/backup"


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[tuple[Stack, int]]:
    """A platform whose API and worker tell their figures to those who know the token; the worker's port."""
    port = free_port()
    directory = tmp_path / "stack"
    directory.mkdir()
    settings = {"CRONTOPUS_METRICS_TOKEN": TOKEN, "CRONTOPUS_WORKER_METRICS_PORT": str(port)}
    with Stack(directory, **settings) as stack:
        stack.start()
        yield stack, port


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    running = Prometheus(tmp_path / "prometheus")
    yield running
    running.stop()


def test_prometheus_knows_how_everything_is(measured: tuple[Stack, int], prometheus: Prometheus) -> None:
    """A real Prometheus scrapes API, worker and a tenant; a failing job shows, and its alert fires"""
    stack, worker = measured
    tenant = Tenant.register(stack.url, "measured")
    url = tenant.put_job(JOB, {"schedule": "0 3 * * *"})["ping_url"]
    ping(url, "7")
    token = tenant.api.post("/tokens", json={"name": "prometheus", "scopes": ["runs:read"]}).json()["secret"]
    api = f"127.0.0.1:{stack.port}"
    prometheus.configure(
        {"crontopus-api": api, "crontopus-worker": f"127.0.0.1:{worker}", "crontopus-jobs": api},
        {"metrics-token": TOKEN, "tenant-token": token},
    )
    prometheus.start()

    eventually(lambda: len(prometheus.query("up == 1")) == 3, "all three are scraped", within=30)
    eventually(
        lambda: prometheus.query('crontopus_job_up{job_name="backup"} == 0'), "the job is down", within=10
    )
    assert prometheus.query('crontopus_checkins_total{door="ping"} >= 1')
    # The worker reads its figures every 15 s.
    eventually(
        lambda: prometheus.query(
            'crontopus_repositories{state="projected"} >= 1 and on() crontopus_workers == 1'
        ),
        "the worker tells of the repository and of itself",
        within=40,
    )

    def pending() -> set[str]:
        return {rule["name"] for rule in prometheus.rules() if rule.get("state") in {"pending", "firing"}}

    eventually(lambda: "CrontopusJobDown" in pending(), "the job's alert is on its way", within=10)
    assert not [rule for rule in prometheus.rules() if rule["health"] == "err"]
    # A rule is evaluated every few seconds: one that was pending before the worker told of itself still says so.
    eventually(lambda: pending() == {"CrontopusJobDown"}, "nothing else is wrong", within=30)
