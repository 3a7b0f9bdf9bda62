"""Traces, at a collector that reads what it is sent; and what log lines say of where they belong."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client import REGISTRY

from crontopus_api.kit.tracing import Tracing
from crontopus_api.worker.tasks import measured_task

from ..platform import Person, Platform

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class Collector:
    """A real OTLP endpoint's ears."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    def hear(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {
                each.value.string_value for each in resource.resource.attributes if each.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    heard = Collector()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            heard.hear(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Ear) as server:
        heard.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield heard
        server.shutdown()
        thread.join()


@pytest.fixture
def tracing(platform: Platform, collector: Collector) -> Iterator[Tracing]:
    running = Tracing("crontopus-test", collector.url, platform.services.database.engine)
    yield running
    running.close()


async def test_a_request_is_a_span_of_the_callers_trace_and_its_statements_are_below(
    platform: Platform, ada: Person, tracing: Tracing, collector: Collector
) -> None:
    traced = httpx.AsyncClient(
        transport=httpx.ASGITransport(tracing.around(platform.app)),
        base_url="http://crontopus.test",  # type: ignore[arg-type]
    )
    headers = {"Authorization": f"Bearer {ada.token}", "traceparent": PARENT}
    async with traced:
        assert (await traced.get("/api/v1/jobs/default/none", headers=headers)).status_code == 404
    tracing.close()
    (request,) = collector.named("GET /api/v1/jobs/{namespace}/{name}")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
    assert request.kind == Span.SPAN_KIND_SERVER
    attributes = {each.key: each.value for each in request.attributes}
    assert attributes["http.response.status_code"].int_value == 404
    below = [span for span in collector.spans if span.parent_span_id == request.span_id]
    assert len(below) >= 2
    assert {span.name for span in below} <= {"SELECT", "UPDATE"}
    assert collector.services == {"crontopus-test"}
    assert ada.token not in str(collector.spans)


def _job(number: int) -> Any:
    return SimpleNamespace(job=SimpleNamespace(task_name="tests.work", id=number))


async def test_a_task_is_a_span_and_its_log_lines_say_which(tracing: Tracing, collector: Collector) -> None:
    said: list[dict[str, Any]] = []

    async def work() -> str:
        said.append(structlog.contextvars.get_contextvars())
        return "done"

    assert await measured_task(work, _job(7), None, tracing=tracing) == "done"
    assert await measured_task(work, _job(8), None, tracing=None) == "done"
    tracing.close()
    (span,) = collector.named("task tests.work")
    assert said == [
        {"task": "tests.work", "task_id": 7, "trace_id": span.trace_id.hex()},
        {"task": "tests.work", "task_id": 8},
    ]
    assert structlog.contextvars.get_contextvars() == {}


async def test_a_task_that_fails_is_counted_and_still_fails(tracing: Tracing, collector: Collector) -> None:
    async def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError):
        await measured_task(fail, _job(9), None, tracing=tracing)
    tracing.close()
    assert collector.named("task tests.work")[0].status.code == 2
    assert REGISTRY.get_sample_value("crontopus_tasks_total", {"task": "tests.work", "result": "failed"}) == 1
