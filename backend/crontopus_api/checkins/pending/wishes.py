"""What a first ping says of the job it makes, as a manifest."""

from collections.abc import Mapping
from dataclasses import dataclass

from crontopus_api.kit.errors import Invalid
from crontopus_api.manifests import ManifestInvalid, dump_yaml, job_from_mapping, job_path

# Healthchecks' own defaults for a check that a ping made.
_SCHEDULE = "every 1d"
_GRACE = "1h"


@dataclass(frozen=True)
class JobWish:
    """As the sender wrote it: durations are `10m` or plain seconds. None: the default."""

    schedule: str | None = None
    timezone: str | None = None
    grace: str | None = None
    timeout: str | None = None
    failure_threshold: int | None = None
    recovery_threshold: int | None = None

    def content(self, namespace: str, name: str) -> bytes:
        """The job's file. Raises Invalid in words for whoever wrote the address."""
        alerts = {
            "failureThreshold": self.failure_threshold,
            "recoveryThreshold": self.recovery_threshold,
        }
        spec = {
            "schedule": self.schedule or _SCHEDULE,
            "timezone": self.timezone,
            "grace": _duration(self.grace or _GRACE),
            "timeout": _duration(self.timeout),
            "alerts": _given(alerts) or None,
        }
        path = job_path(namespace, name)
        try:
            manifest = job_from_mapping(path, {"spec": _given(spec)}, namespace=namespace, name=name)
        except ManifestInvalid as invalid:
            error = invalid.errors[0]
            words = f"{error.path.removeprefix('spec.')}: {error.message}"
            raise Invalid(words + (f" ({error.hint})" if error.hint else ""), code=error.code) from invalid
        return dump_yaml(manifest).encode()


def _duration(text: str | None) -> str | None:
    return f"{text}s" if text is not None and text.isascii() and text.isdigit() else text


def _given(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
