"""Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/). Pure.

Written by hand: the client library keeps a registry of objects, and takes ten times as long for 10,000 instances
that are told of once and forgotten.
"""

from collections.abc import Callable, Iterator, Sequence

from crontopus_api.checkins.prometheus.repository import MOST, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_DOWN = frozenset({"missed", "failing", "stuck"})
_STATES = ("new", "healthy", "running", "late", "missed", "failing", "stuck", "paused")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

_METRICS: tuple[tuple[str, str, Callable[[Sample], float | None]], ...] = (
    (
        "crontopus_job_up",
        "0 while an instance of the job is missed, failing or stuck, else 1.",
        lambda sample: 0 if sample.state in _DOWN else 1,
    ),
    (
        "crontopus_job_paused",
        "1 while nothing is expected of the instance.",
        lambda sample: 1 if sample.state == "paused" else 0,
    ),
    (
        "crontopus_job_consecutive_failures",
        "Failed runs since the last success.",
        lambda sample: sample.failures,
    ),
    (
        "crontopus_job_last_run_timestamp_seconds",
        "When the last run ended, or began if it has not ended.",
        lambda sample: sample.last_run,
    ),
    (
        "crontopus_job_last_success_timestamp_seconds",
        "When a run last succeeded, within 35 days.",
        lambda sample: sample.last_success,
    ),
    (
        "crontopus_job_last_duration_seconds",
        "How long the last run took.",
        lambda sample: sample.last_seconds,
    ),
    (
        "crontopus_job_next_due_timestamp_seconds",
        "When the next run is due.",
        lambda sample: sample.due,
    ),
)


def render(samples: Sequence[Sample]) -> str:
    """`samples`: in any order; of more than MOST the rest is left out, which the last metric tells."""
    shown = samples[:MOST]
    labels = [_labels(sample) for sample in shown]
    lines: list[str] = []
    for name, help_text, value in _METRICS:
        lines += (f"# HELP {name} {help_text}", f"# TYPE {name} gauge")
        lines += [
            f"{name}{{{label}}} {figure}"
            for label, figure in zip(labels, map(value, shown), strict=True)
            if figure is not None
        ]
    lines += _summary(shown, len(samples) > MOST)
    return "\n".join([*lines, ""])


def _labels(sample: Sample) -> str:
    """Names of jobs need no escaping; an endpoint's is whatever somebody called it."""
    endpoint = sample.endpoint.translate(_ESCAPES)
    return f'namespace="{sample.namespace}",job_name="{sample.name}",endpoint="{endpoint}"'


def _summary(samples: Sequence[Sample], cut: bool) -> Iterator[str]:
    yield "# HELP crontopus_instances How many instances are in each state."
    yield "# TYPE crontopus_instances gauge"
    counts = dict.fromkeys(_STATES, 0)
    for sample in samples:
        counts[sample.state] += 1
    for state, count in counts.items():
        yield f'crontopus_instances{{state="{state}"}} {count}'
    yield f"# HELP crontopus_instances_left_out 1 when there are more than the {MOST} instances told of here."
    yield "# TYPE crontopus_instances_left_out gauge"
    yield f"crontopus_instances_left_out {int(cut)}"
