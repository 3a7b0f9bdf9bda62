"""OpenTelemetry traces, when `CRONTOPUS_OTLP_ENDPOINT` says where to. Else nothing of it is even imported.

Needs the extra `tracing` (`pip install crontopus-api[tracing]`).
"""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from crontopus_api.kit.http.asgi import App, Message, Receive, Scope, Send

_LONGEST_FLUSH_MS = 5000


class TracingUnavailable(Exception):
    """Traces are asked for, and what makes them is not installed."""


class Tracing:
    """One process's traces, on their way to a collector (OTLP over HTTP)."""

    def __init__(self, service: str, endpoint: str, engine: "AsyncEngine") -> None:
        try:
            from opentelemetry import propagate, trace  # noqa: PLC0415 - only where traces are wanted
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ImportError as error:
            raise TracingUnavailable(
                "CRONTOPUS_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: pip install crontopus-api[tracing]"
            ) from error
        self._trace, self._propagate = trace, propagate
        self._provider = TracerProvider(resource=Resource.create({"service.name": service}))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("crontopus")
        self._listeners: dict[str, Callable[..., None]] = {}
        self._watch(engine.sync_engine)

    def close(self) -> None:
        """Send what is left."""
        for name, listener in self._listeners.items():
            event.remove(self._engine, name, listener)
        self._listeners = {}
        self._provider.force_flush(_LONGEST_FLUSH_MS)
        self._provider.shutdown()

    def _watch(self, engine: "Engine") -> None:
        """A span for each statement that is part of something traced. Its text has parameters, not values."""
        self._engine = engine

        def begin(_: Any, __: Any, statement: str, ___: Any, context: Any, ____: Any) -> None:
            if self._trace.get_current_span().is_recording():
                span = self._tracer.start_span(
                    statement.split(None, 1)[0].upper(), kind=self._trace.SpanKind.CLIENT
                )
                span.set_attribute("db.system.name", "postgresql")
                span.set_attribute("db.query.text", statement)
                context.crontopus_span = span

        def end(_: Any, __: Any, ___: str, ____: Any, context: Any, _____: Any) -> None:
            span = getattr(context, "crontopus_span", None)
            if span is not None:
                span.end()

        def fail(failed: Any) -> None:
            span = getattr(failed.execution_context, "crontopus_span", None)
            if span is not None:
                # Not its words: PostgreSQL quotes values in them.
                span.set_attribute("error.type", type(failed.original_exception).__name__)
                span.set_status(self._trace.StatusCode.ERROR)
                span.end()

        self._listeners = {"before_cursor_execute": begin, "after_cursor_execute": end, "handle_error": fail}
        for name, listener in self._listeners.items():
            event.listen(engine, name, listener)

    def around(self, app: "App") -> "App":
        """`app`, with a span for each request. It goes on with the trace that the request is part of."""

        async def traced(scope: "Scope", receive: "Receive", send: "Send") -> None:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            kind = self._trace.SpanKind.SERVER
            with self._tracer.start_as_current_span(
                scope["method"], context=self._propagate.extract(headers), kind=kind
            ) as span:
                with self._named():
                    await app(scope, receive, self._noting(span, send))
                route = getattr(scope.get("route"), "path", None)
                if route is not None:
                    # Known once the request has been routed; a path would make a name of its own for each job.
                    span.update_name(f"{scope['method']} {route}")
                    span.set_attribute("http.route", route)
                span.set_attribute("http.request.method", scope["method"])

        return traced

    @staticmethod
    def _noting(span: Any, send: "Send") -> "Send":
        async def noting(message: "Message") -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
            await send(message)

        return noting

    @contextmanager
    def task(self, name: str, attributes: MutableMapping[str, Any]) -> Iterator[None]:
        """A span for one job of the queue."""
        with self._tracer.start_as_current_span(f"task {name}", attributes=dict(attributes)), self._named():
            yield

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Log lines within say which trace they belong to."""
        context = self._trace.get_current_span().get_span_context()
        with structlog.contextvars.bound_contextvars(trace_id=self._trace.format_trace_id(context.trace_id)):
            yield
