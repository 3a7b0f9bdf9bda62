"""What the internal admin reads: operators who may no longer sign in, the revision, the queue, changes on their way"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE operators ADD COLUMN disabled_at timestamptz")
    # An operator is disabled, never deleted: who did what stays answerable.
    op.execute("REVOKE DELETE ON operators FROM crontopus_operator")
    # A page cannot show what its role cannot read.
    op.execute("REVOKE SELECT ON users FROM crontopus_operator")
    op.execute("GRANT SELECT (id, username, email, created_at) ON users TO crontopus_operator")
    health()


def health() -> None:
    op.execute("GRANT SELECT ON alembic_version TO crontopus_operator")
    op.execute("GRANT SELECT (job_id, type, at) ON procrastinate_events TO crontopus_operator")
    # The contents of a change and the ids in a check-in are the tenant's; that there are any is not.
    for table, columns in {"git_intents": "state, created_at", "run_keys": "created_at"}.items():
        op.execute(f"CREATE POLICY operator ON {table} FOR SELECT TO crontopus_operator USING (true)")
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO crontopus_operator")
