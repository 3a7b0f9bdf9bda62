"""Which instances have warnings is indexed by a flag: by the warnings themselves, every check-in that changes their
time had to write the row's entries in all indexes anew (no heap-only update)"""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Writes the table anew, some seconds for a million rows: check-ins wait in the API's journal meanwhile.
    op.execute(
        """
        ALTER TABLE instance_status
            ADD COLUMN warned boolean NOT NULL GENERATED ALWAYS AS (warnings <> '[]'::jsonb) STORED
        """
    )
    op.execute("DROP INDEX ix_instance_status_warnings")
    op.execute(
        "CREATE INDEX ix_instance_status_warned ON instance_status (tenant_id, instance_id) WHERE warned"
    )
