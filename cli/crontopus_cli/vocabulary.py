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


class IncidentKind(StrEnum):
    MISSED = "missed"
    FAILING = "failing"
    STUCK = "stuck"
    TOO_OFTEN = "too_often"
    SLOW = "slow"
    ENDPOINT_OFFLINE = "endpoint_offline"
    SYNC_STALLED = "sync_stalled"
    DRIFTED = "drifted"
    CLONE_SUSPECTED = "clone_suspected"
    REPOSITORY_INVALID = "repository_invalid"
    OUTAGE = "outage"
    CHANNEL_FAILING = "channel_failing"


class Severity(StrEnum):
    """Mildest first."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class ChannelKind(StrEnum):
    EMAIL = "email"
    SLACK = "slack"
    SLACK_WEBHOOK = "slack_webhook"
    PAGERDUTY = "pagerduty"
    WEBHOOK = "webhook"
    TEAMS = "teams"
    DISCORD = "discord"
    TELEGRAM = "telegram"
    NTFY = "ntfy"
    OPSGENIE = "opsgenie"


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


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
