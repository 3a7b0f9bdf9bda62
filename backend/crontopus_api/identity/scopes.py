"""What a token may do, and which of it each role may hand out. The one table of permissions."""

from typing import Final

JOBS_READ: Final = "jobs:read"
JOBS_WRITE: Final = "jobs:write"
RUNS_READ: Final = "runs:read"
CHECKINS_WRITE: Final = "checkins:write"
ENDPOINTS_MANAGE: Final = "endpoints:manage"
ALERTS_MANAGE: Final = "alerts:manage"
TENANT_ADMIN: Final = "tenant:admin"
ENDPOINT_SELF: Final = "endpoint:self"

_VIEWER = (JOBS_READ, RUNS_READ)
_EDITOR = (*_VIEWER, JOBS_WRITE, CHECKINS_WRITE)
_ADMIN = (*_EDITOR, ENDPOINTS_MANAGE, ALERTS_MANAGE)

BY_ROLE: Final[dict[str, tuple[str, ...]]] = {
    "viewer": _VIEWER,
    "editor": _EDITOR,
    "admin": _ADMIN,
    "owner": (*_ADMIN, TENANT_ADMIN),
}
ENDPOINT_SCOPES: Final = (ENDPOINT_SELF, JOBS_READ, CHECKINS_WRITE)
USER_SCOPES: Final = BY_ROLE["owner"]
