"""What a token may do, and which of it each role may hand out. The one table of permissions.

`docs/user/roles.md` is written from it (`identity.roles_docs`).
"""

from typing import Final

JOBS_READ: Final = "jobs:read"
JOBS_WRITE: Final = "jobs:write"
RUNS_READ: Final = "runs:read"
CHECKINS_WRITE: Final = "checkins:write"
ENDPOINTS_MANAGE: Final = "endpoints:manage"
ALERTS_MANAGE: Final = "alerts:manage"
TENANT_ADMIN: Final = "tenant:admin"
TENANT_OWNER: Final = "tenant:owner"
ENDPOINT_SELF: Final = "endpoint:self"

_VIEWER = (JOBS_READ, RUNS_READ)
_EDITOR = (*_VIEWER, JOBS_WRITE, CHECKINS_WRITE)
_ADMIN = (*_EDITOR, ENDPOINTS_MANAGE, ALERTS_MANAGE, TENANT_ADMIN)

BY_ROLE: Final[dict[str, tuple[str, ...]]] = {
    "viewer": _VIEWER,
    "editor": _EDITOR,
    "admin": _ADMIN,
    "owner": (*_ADMIN, TENANT_OWNER),
}
ENDPOINT_SCOPES: Final = (ENDPOINT_SELF, JOBS_READ, CHECKINS_WRITE)
USER_SCOPES: Final = BY_ROLE["owner"]

MEANINGS: Final[dict[str, str]] = {
    JOBS_READ: "See jobs, instances, endpoints and members; clone the repository; see what the plan leaves room for.",
    RUNS_READ: "See runs with their output, reports and incidents.",
    JOBS_WRITE: "Make, change, move and delete jobs; push to the repository.",
    CHECKINS_WRITE: "Report runs; see and change ping keys.",
    ENDPOINTS_MANAGE: "Enrol endpoints, label and revoke them.",
    ALERTS_MANAGE: "Decide who is told of incidents; with `jobs:write` alert routes and maintenance windows, too.",
    TENANT_ADMIN: "Invite and remove members and give them roles up to the own one; everybody's API tokens;"
    " the tenant's name; the audit log; export.",
    TENANT_OWNER: "Delete the tenant or hand it over. Only owners make owners.",
    ENDPOINT_SELF: "What the agent needs about its own endpoint. No person's token has it.",
}
