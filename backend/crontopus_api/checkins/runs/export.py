"""Runs as files: CSV for spreadsheets, one JSON document per line for programs."""

from collections.abc import AsyncIterator
from typing import Any

from crontopus_api.checkins.runs.schemas import Format, RunOut
from crontopus_api.kit.spreadsheet import csv_lines

MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
COLUMNS = (
    "id",
    "namespace",
    "job",
    "instance_id",
    "endpoint_id",
    "endpoint",
    "state",
    "slot_at",
    "started_at",
    "finished_at",
    "duration_seconds",
    "exit_code",
    "source",
    "commit",
    "message",
    "host",
    "environment",
    "output_bytes",
)


def wanted_format(asked: Format | None, accept: str) -> Format:
    """What to answer with: what the address says, else the first type of `Accept` that there is."""
    if asked is not None:
        return asked
    types = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    by_type: dict[str, Format] = {media: name for name, media in MEDIA_TYPES.items()}
    by_type |= {"application/json": "json", "*/*": "json"}
    return next((by_type[media] for media in types if media in by_type), "json")


async def as_ndjson(pages: AsyncIterator[list[RunOut]]) -> AsyncIterator[str]:
    async for runs in pages:
        yield "".join(f"{run.model_dump_json()}\n" for run in runs)


async def as_csv(pages: AsyncIterator[list[RunOut]]) -> AsyncIterator[str]:
    """With a header line."""
    yield csv_lines([COLUMNS])
    async for runs in pages:
        yield csv_lines(_cells(run) for run in runs)


def _cells(run: RunOut) -> list[Any]:
    flat = run.model_dump(mode="json", exclude={"job", "endpoint", "output", "metrics"})
    flat["namespace"], flat["job"] = run.job.namespace, run.job.name
    flat["endpoint_id"], flat["endpoint"] = (run.endpoint.id, run.endpoint.name) if run.endpoint else ("", "")
    flat["output_bytes"] = run.output.bytes if run.output else 0
    return [flat[column] for column in COLUMNS]
