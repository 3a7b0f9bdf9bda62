"""What Prometheus is told, by whom it may be read, and who is told that Crontopus itself is well."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from crontopus_api.kit.database import Scope
from crontopus_api.kit.exposition import Readers, served
from crontopus_api.worker.gauges import Gauges
from crontopus_api.worker.scanning import Scanner
from crontopus_api.worker.watchdog import Watchdog

from ..platform import Person, Platform, running_platform

TOKEN = "f3a8c1d9e7b24560f3a8"


def value(name: str, **labels: str) -> float:
    found = REGISTRY.get_sample_value(name, labels)
    assert found is not None, name
    return found


@pytest.mark.parametrize(
    ("readers", "header", "admitted"),
    [
        (Readers(None), "", True),
        (Readers(None, closed=True), "", False),
        (Readers(None, closed=True), "Bearer ", False),
        (Readers(TOKEN), "", False),
        (Readers(TOKEN), f"Bearer {TOKEN}", True),
        (Readers(TOKEN, closed=True), f"bearer {TOKEN}", True),
        (Readers(TOKEN), f"Basic {TOKEN}", False),
        (Readers(TOKEN), f"Bearer {TOKEN}x", False),
        (Readers(TOKEN), "Bearer \u00fc", False),
    ],
)
def test_who_may_read(readers: Readers, header: str, admitted: bool) -> None:
    assert readers.admit(header) is admitted


async def test_the_api_asks_for_the_token(database_url: str, tmp_path: Path) -> None:
    async with running_platform(database_url, tmp_path, metrics_token=TOKEN) as platform:
        api = platform.client()
        refused = await api.get("/metrics")
        assert (refused.status_code, refused.json()["code"]) == (401, "metrics_token_required")
        told = await api.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        names = {family.name for family in text_string_to_metric_families(told.text)}
        assert {"crontopus_http_requests", "crontopus_database_connections"} <= names


def test_a_worker_tells_over_a_port_of_its_own() -> None:
    with served("127.0.0.1", 0, Readers(TOKEN)) as port:
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/metrics", trust_env=False).status_code == 401
        assert httpx.get(f"{url}/", trust_env=False).status_code == 404
        told = httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)
        assert "crontopus_worker_round_errors_total" in told.text
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


async def test_gauges_tell_what_waits(platform: Platform, ada: Person) -> None:
    gauges = Gauges(platform.services.database)
    await gauges.round()
    assert value("crontopus_waiting", what="deadlines") == 0
    assert value("crontopus_repositories", state="unmade") == 1
    assert value("crontopus_endpoints", state="online") == 0
    assert (await ada.api.put("/api/v1/jobs/default/late", json={"spec": {"schedule": "@daily"}})).is_success
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("UPDATE instance_status SET deadline_at = now() - interval '1 minute'"))
    await gauges.round()
    assert value("crontopus_repositories", state="projected") == 1
    assert value("crontopus_waiting", what="deadlines") == 1
    assert 60 <= value("crontopus_waiting_oldest_seconds", what="deadlines") < 90


async def test_git_is_counted(platform: Platform, ada: Person) -> None:
    before = REGISTRY.get_sample_value(
        "crontopus_git_operations_total", {"operation": "commit", "result": "ok"}
    )
    await ada.api.put("/api/v1/jobs/default/late", json={"spec": {"schedule": "@daily"}})
    assert value("crontopus_git_operations_total", operation="commit", result="ok") == (before or 0) + 1
    address = "/git/crontopus/job-manifests-ada.git/info/refs?service=git-upload-pack"
    await platform.client().get(address)
    assert value("crontopus_git_operations_total", operation="list", result="refused") >= 1


class Listener(BaseHTTPRequestHandler):
    heard: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.heard.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def listener() -> Iterator[str]:
    Listener.heard.clear()
    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/ping/watch"
        server.shutdown()
        thread.join()


@pytest.fixture
async def scanner(platform: Platform) -> AsyncIterator[Scanner]:
    scanner = Scanner(platform.services.database)
    yield scanner
    await scanner.close()


async def test_the_watchdog_hears_of_progress_only(
    platform: Platform, scanner: Scanner, listener: str
) -> None:
    watchdog = Watchdog(platform.services.database, scanner, listener)
    await watchdog.round()
    assert Listener.heard == []  # nothing was scanned
    await scanner.round()
    await _heartbeat(platform, "1 minute")
    await watchdog.round()
    assert Listener.heard == []  # nobody can report
    await _heartbeat(platform, "1 second")
    await watchdog.round()
    assert Listener.heard == ["/ping/watch"]
    scanner.scanned_at = time.monotonic() - 31
    await watchdog.round()
    assert Listener.heard == ["/ping/watch"]


async def _heartbeat(platform: Platform, ago: str) -> None:
    async with platform.services.database.session(Scope(role="crontopus_ingest")) as session:
        await session.execute(text("DELETE FROM ingest_heartbeats WHERE at < now() + interval '1 day'"))
        await session.execute(
            text(
                "INSERT INTO ingest_heartbeats (process_id, at)"
                " VALUES (gen_random_uuid(), now() - CAST(:ago AS interval))"
            ),
            {"ago": ago},
        )
