"""The Job manifest as Python sees it. v1.schema.json is the truth; a test keeps them equal."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from crontopus_api.manifests import fields as f
from crontopus_api.schedules import MAX_EXPRESSIONS, Schedule, ScheduleInvalid
from crontopus_api.schedules.durations import clip

API_VERSION = "crontopus/v1"

Labels = Annotated[dict[f.LabelKey, f.LabelValue], Field(max_length=64)]
Annotations = Annotated[dict[f.LabelKey, Annotated[str, Field(max_length=4096)]], Field(max_length=64)]


class Part(BaseModel):
    """The base of every part: immutable, camelCase outside, nothing unknown, nothing coerced."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, validate_default=False
    )


def _canonical_version(value: Any) -> Any:
    return API_VERSION if value == "v1" else value


ApiVersion = Annotated[Literal["crontopus/v1"], BeforeValidator(_canonical_version)]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _check_expression(text: str) -> str:
    try:
        return Schedule.parse([text], "UTC").expressions[0]
    except ScheduleInvalid as error:
        raise f.fail(error.code, error.message, error.hint) from None


def check_unique(items: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Refuse a list that names something twice."""
    if items is not None and len(set(items)) != len(items):
        twice = next(item for item in items if items.count(item) > 1)
        raise f.fail("duplicate_item", f"{clip(twice)} is listed twice")
    return items


Expression = Annotated[str, AfterValidator(_check_expression)]
Expressions = Annotated[
    tuple[Expression, ...],
    Field(strict=False, min_length=1, max_length=MAX_EXPRESSIONS),
    BeforeValidator(_listed),
    AfterValidator(check_unique),
]


class Metadata(Part):
    """What a job is called and filed under."""

    name: f.JobName
    namespace: f.Name | None = None
    id: f.Id | None = None
    labels: Labels = Field(default_factory=dict)
    annotations: Annotations = Field(default_factory=dict)


class Selector(Part):
    """Which endpoints run a job: every condition given must hold."""

    match_labels: Annotated[dict[f.LabelKey, f.LabelValue], Field(min_length=1, max_length=64)] | None = None
    hostname: f.Hostname | None = None


class Retry(Part):
    """Running the command again when it fails. `attempts` counts the first one too."""

    attempts: Annotated[int, Field(ge=1, le=10)]
    backoff: Literal["fixed", "exponential"] = "exponential"
    delay: f.duration_field("0s", "1h") = timedelta(seconds=30)  # type: ignore[valid-type]


class Output(Part):
    """How much of a run's output is kept, and what is blotted out of it before it leaves the machine."""

    capture: Literal["headtail", "head", "tail", "none"] = "headtail"
    max_bytes: f.size_field(0, 1024 * 1024) = 64 * 1024  # type: ignore[valid-type]
    redact: Annotated[tuple[f.RedactPattern, ...], Field(strict=False, max_length=16)] = ()


class Alerts(Part):
    """When an incident opens and closes, and how loudly."""

    failure_threshold: Annotated[int, Field(ge=1, le=100)] = 1
    recovery_threshold: Annotated[int, Field(ge=1, le=100)] = 1
    repeat_every: f.duration_field("1m", "30d") | None = None  # type: ignore[valid-type]
    severity: Literal["info", "warning", "error", "critical"] = "error"


class JobSpec(Part):
    """What runs, when, where, and what counts as going wrong."""

    schedule: Expressions
    timezone: f.Timezone = "UTC"
    command: Annotated[str, Field(min_length=1, max_length=8192)] | None = None
    shell: bool = False
    args: Annotated[
        tuple[Annotated[str, Field(max_length=8192)], ...], Field(strict=False, max_length=256)
    ] = ()
    working_dir: f.WorkingDir | None = None
    env: Annotated[dict[f.EnvKey, Annotated[str, Field(max_length=32_768)]], Field(max_length=256)] = Field(
        default_factory=dict
    )
    user: f.User | None = None
    selector: Selector | None = None
    timeout: f.duration_field("1s", "30d") | None = None  # type: ignore[valid-type]
    grace: f.duration_field("1s", "30d") = timedelta(minutes=5)  # type: ignore[valid-type]
    retry: Retry | None = None
    concurrency: Literal["allow", "forbid", "replace"] = "allow"
    jitter: f.duration_field("0s", "1h") = timedelta(0)  # type: ignore[valid-type]
    output: Output = Output()
    alerts: Alerts = Alerts()
    enabled: bool = True
    paused: bool = False

    def parsed_schedule(self) -> Schedule:
        """The schedule in the job's own timezone; always valid, because the model was."""
        return Schedule.parse(self.schedule, self.timezone)


class JobManifest(Part):
    """One job definition."""

    api_version: ApiVersion
    kind: Literal["Job"]
    metadata: Metadata
    spec: JobSpec

    @property
    def mode(self) -> Literal["agent", "ping"]:
        """`agent` when Crontopus installs the command on endpoints, `ping` when somebody else runs it."""
        return "ping" if self.spec.command is None else "agent"

    @property
    def address(self) -> str:
        """`namespace/name`. Parsed manifests always have their namespace filled in."""
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def description(self) -> str | None:
        """The annotation `description`, which the console shows under the job's name."""
        return self.metadata.annotations.get("description")
