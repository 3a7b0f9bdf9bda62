"""Who takes check-ins may say that nobody could, and take back a miss that was none"""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("GRANT INSERT ON ingest_outages TO crontopus_ingest")
    op.execute("GRANT DELETE ON runs TO crontopus_ingest")
