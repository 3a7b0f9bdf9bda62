"""The words of the API that commands accept as choices."""

from enum import StrEnum


class OutputFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


class JobState(StrEnum):
    """Worst first."""

    STUCK = "stuck"
    FAILING = "failing"
    MISSED = "missed"
    LATE = "late"
    RUNNING = "running"
    HEALTHY = "healthy"
    NEW = "new"
    PAUSED = "paused"
    NONE = "none"


class ExportFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


class RunState(StrEnum):
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    LOST = "lost"
    MISSED = "missed"


class IncidentState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    ALL = "all"


class ImportKind(StrEnum):
    CRONTAB = "crontab"
    SYSTEM_CRONTAB = "system-crontab"
    TASK_SCHEDULER = "task-scheduler"


class DocumentKind(StrEnum):
    POLICY = "Policy"
    ALERT_ROUTE = "AlertRoute"
    MAINTENANCE_WINDOW = "MaintenanceWindow"


class Role(StrEnum):
    """Mightiest first."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"
