"""Who may do what: every operation of the API with the door it is behind, and what lies beyond that.

One line per operation: `door` is the scope it asks for, or that followed by ` of people`, or one of

- public    anybody, signed in or not
- person    any person, whatever the scopes; not endpoints
- account   a person at a browser, not a token that was lent to a program

`beyond` is the answer to who may come in, with the empty body and the objects that `test_access` gives.
"""

from typing import NamedTuple


class Row(NamedTuple):
    door: str
    beyond: int = 200


TABLE = {
    "GET /healthz": Row("public"),
    "GET /readyz": Row("public"),
    "GET /metrics": Row("public"),
    "GET /schemas/manifest/v1.json": Row("public"),
    "GET /badge/{key}.svg": Row("public", 404),
    "GET /badge/{key}.json": Row("public", 404),
    "GET /api/v1/signers": Row("public"),
    "GET /api/v1/auth/options": Row("public"),
    "GET /api/v1/auth/oidc/start": Row("public", 404),
    "GET /api/v1/auth/oidc/callback": Row("public", 302),
    "POST /api/v1/auth/register": Row("public", 422),
    "POST /api/v1/auth/login": Row("public", 422),
    "POST /api/v1/auth/verify-email": Row("public", 422),
    "POST /api/v1/auth/verify-email/resend": Row("public", 422),
    "POST /api/v1/auth/password/forgot": Row("public", 422),
    "POST /api/v1/auth/password/reset": Row("public", 422),
    "POST /api/v1/auth/email/confirm": Row("public", 422),
    "POST /api/v1/invitations/preview": Row("public", 422),
    "POST /api/v1/endpoints/enroll": Row("public", 422),
    "POST /api/v1/endpoints/self/rotate-token": Row(
        "public", 422
    ),  # proves itself by a signature in the body
    "GET /api/v1/auth/me": Row("person"),
    "POST /api/v1/auth/password": Row("account", 422),
    "POST /api/v1/auth/email": Row("account", 422),
    "GET /api/v1/auth/totp": Row("account"),
    "POST /api/v1/auth/totp": Row("account", 422),
    "POST /api/v1/auth/totp/confirm": Row("account", 422),
    "DELETE /api/v1/auth/totp": Row("account", 422),
    "POST /api/v1/auth/totp/recovery-codes": Row("account", 422),
    "GET /api/v1/auth/sessions": Row("account"),
    "DELETE /api/v1/auth/sessions": Row("account", 204),
    "DELETE /api/v1/auth/sessions/{session_id}": Row("account", 404),
    "POST /api/v1/auth/switch": Row("account", 422),
    "GET /api/v1/auth/activity": Row("account"),
    "GET /api/v1/tokens": Row("person"),
    "POST /api/v1/tokens": Row("person", 422),
    "POST /api/v1/tokens/{token_id}/rotate": Row("person", 422),
    "DELETE /api/v1/tokens/{token_id}": Row("person", 404),
    "GET /api/v1/tenants": Row("person"),
    "POST /api/v1/tenants": Row("person", 422),
    "GET /api/v1/tenants/current": Row("person"),
    "PATCH /api/v1/tenants/current": Row("tenant:admin", 422),
    "DELETE /api/v1/tenants/current": Row("tenant:owner", 422),
    "POST /api/v1/tenants/current/restore": Row("tenant:owner"),
    "POST /api/v1/tenants/current/transfer": Row("tenant:owner", 422),
    "GET /api/v1/tenants/current/export": Row("tenant:admin"),
    "GET /api/v1/usage": Row("jobs:read of people"),
    "GET /api/v1/members": Row("jobs:read of people"),
    "PATCH /api/v1/members/{user_id}": Row("tenant:admin", 422),
    "DELETE /api/v1/members/{user_id}": Row("tenant:admin", 404),
    "GET /api/v1/invitations": Row("tenant:admin"),
    "POST /api/v1/invitations": Row("tenant:admin", 422),
    "POST /api/v1/invitations/{invitation_id}/resend": Row("tenant:admin", 404),
    "DELETE /api/v1/invitations/{invitation_id}": Row("tenant:admin", 404),
    "POST /api/v1/invitations/accept": Row("person", 422),
    "GET /api/v1/audit-log": Row("tenant:admin"),
    "GET /api/v1/audit-log/export": Row("tenant:admin"),
    "GET /api/v1/endpoints": Row("jobs:read"),
    "GET /api/v1/endpoints/{endpoint_id}": Row("jobs:read"),
    "PATCH /api/v1/endpoints/{endpoint_id}": Row("endpoints:manage", 422),
    "DELETE /api/v1/endpoints/{endpoint_id}": Row("endpoints:manage", 404),
    "GET /api/v1/endpoints/self": Row("endpoint:self"),
    "POST /api/v1/endpoints/self/heartbeat": Row("endpoint:self", 422),
    "GET /api/v1/enrollment-tokens": Row("endpoints:manage"),
    "POST /api/v1/enrollment-tokens": Row("endpoints:manage", 422),
    "DELETE /api/v1/enrollment-tokens/{token_id}": Row("endpoints:manage", 404),
    "GET /api/v1/jobs": Row("jobs:read"),
    "GET /api/v1/jobs/{namespace}/{name}": Row("jobs:read"),
    "PUT /api/v1/jobs/{namespace}/{name}": Row("jobs:write", 422),
    "DELETE /api/v1/jobs/{namespace}/{name}": Row("jobs:write", 404),
    "GET /api/v1/jobs/{namespace}/{name}/next-runs": Row("jobs:read"),
    "GET /api/v1/jobs/{namespace}/{name}/history": Row("jobs:read"),
    "GET /api/v1/jobs/{namespace}/{name}/diff": Row("jobs:read"),
    "GET /api/v1/jobs/{namespace}/{name}/uptime": Row("runs:read"),
    "GET /api/v1/jobs/{namespace}/{name}/badge": Row("runs:read"),
    "POST /api/v1/jobs/{namespace}/{name}/pause": Row("jobs:write", 404),
    "POST /api/v1/jobs/{namespace}/{name}/resume": Row("jobs:write", 404),
    "POST /api/v1/jobs/{namespace}/{name}/rename": Row("jobs:write", 422),
    "POST /api/v1/jobs/{namespace}/{name}/rollback": Row("jobs:write", 422),
    "POST /api/v1/jobs:apply": Row("jobs:write", 422),
    "POST /api/v1/jobs:import": Row("jobs:write", 422),
    "GET /api/v1/namespaces": Row("jobs:read"),
    "POST /api/v1/namespaces": Row("jobs:write", 422),
    "DELETE /api/v1/namespaces/{name}": Row("jobs:write", 404),
    "GET /api/v1/instances": Row("jobs:read"),
    "GET /api/v1/repository": Row("jobs:read"),
    "GET /api/v1/documents": Row("jobs:read"),
    "GET /api/v1/plan": Row("jobs:read", 422),
    "POST /api/v1/check-ins": Row("checkins:write", 422),
    "POST /api/v1/check-ins/batch": Row("checkins:write", 422),
    "GET /api/v1/ping-key": Row("checkins:write of people"),
    "POST /api/v1/ping-key/rotate": Row("checkins:write of people"),
    "GET /api/v1/runs": Row("runs:read"),
    "GET /api/v1/runs/{run_id}": Row("runs:read"),
    "GET /api/v1/runs/{run_id}/output": Row("runs:read"),
    "GET /api/v1/reports/jobs": Row("runs:read"),
    "GET /api/v1/reports/endpoints": Row("runs:read"),
    "GET /api/v1/badges": Row("runs:read", 422),
    "GET /api/v1/incidents": Row("runs:read"),
    "GET /api/v1/incidents/{incident_id}": Row("runs:read"),
    # These end what the actors live on: tried by those only who may not.
    "POST /api/v1/auth/logout": Row("person", 0),
    "POST /api/v1/tenants/current/leave": Row("person", 0),
    # Streams end when the caller goes: of those who may come in, their own tests tell.
    "GET /api/v1/events": Row("runs:read", 0),
    "GET /api/v1/runs/{run_id}/output/tail": Row("runs:read", 0),
    "GET /api/v1/endpoints/self/stream": Row("endpoint:self", 0),
}
