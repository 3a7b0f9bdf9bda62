"""A tenant may say that it does not want to hear of the jobs that agents find"""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The default is for processes of the version before, which know nothing of the column.
    op.execute("ALTER TABLE tenants ADD COLUMN discovery boolean NOT NULL DEFAULT true")
