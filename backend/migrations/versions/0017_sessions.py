"""Sessions that ended a month ago may be taken away by the scanner, and no others"""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The database's own time: whatever the worker believes, it sees no session that could still be used.
    op.execute(
        """
        CREATE POLICY scanner ON tokens TO crontopus_scanner
        USING (kind = 'session' AND LEAST(revoked_at, expires_at) < now() - interval '30 days')
        """
    )
    op.execute(
        "GRANT SELECT (tenant_id, id, kind, revoked_at, expires_at), DELETE ON tokens TO crontopus_scanner"
    )
