"""Definitions at full width: who changed a job last, other kinds of files, files that are not in force"""

from alembic import op

from migrations.access import protect

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    jobs()
    documents()
    invalid_files()
    namespaces()
    # Why main is not followed, in words for people; null while it is.
    op.execute("ALTER TABLE repositories ADD COLUMN problem text")
    # Nobody has chosen a plan yet: `free` was only the name of the first one.
    op.execute("UPDATE tenants SET plan = 'business' WHERE plan = 'free'")


def jobs() -> None:
    op.execute(
        "ALTER TABLE jobs ADD COLUMN changed_by text, ADD COLUMN changed_at timestamptz,"
        " ADD COLUMN violations jsonb NOT NULL DEFAULT '[]'"
    )
    op.execute("UPDATE jobs SET changed_by = '', changed_at = updated_at")
    op.execute(
        "ALTER TABLE jobs ALTER COLUMN changed_by SET NOT NULL, ALTER COLUMN changed_at SET NOT NULL,"
        " ALTER COLUMN violations DROP DEFAULT"
    )
    # Errors belong to a file's newest version, which need not be a job's: they are in invalid_files now.
    op.execute("ALTER TABLE jobs DROP COLUMN errors")
    op.execute("CREATE INDEX ix_jobs_tenant_id_path ON jobs (tenant_id, path) WHERE deleted_at IS NULL")


def documents() -> None:
    op.execute(
        """
        CREATE TABLE documents (
            tenant_id uuid NOT NULL CONSTRAINT fk_documents_tenant_id REFERENCES tenants ON DELETE CASCADE,
            path text NOT NULL,
            kind text NOT NULL CONSTRAINT ck_documents_kind
                CHECK (kind IN ('Policy', 'AlertRoute', 'MaintenanceWindow')),
            name text NOT NULL,
            manifest jsonb NOT NULL,
            source text NOT NULL,
            blob_id text NOT NULL,
            commit_id text NOT NULL,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL,
            CONSTRAINT pk_documents PRIMARY KEY (tenant_id, path)
        )
        """
    )
    protect("documents", operator="SELECT")


def invalid_files() -> None:
    op.execute(
        """
        CREATE TABLE invalid_files (
            tenant_id uuid NOT NULL CONSTRAINT fk_invalid_files_tenant_id REFERENCES tenants ON DELETE CASCADE,
            path text NOT NULL,
            blob_id text NOT NULL,
            commit_id text NOT NULL,
            changed_by text NOT NULL,
            changed_at timestamptz NOT NULL,
            errors jsonb NOT NULL,
            CONSTRAINT pk_invalid_files PRIMARY KEY (tenant_id, path)
        )
        """
    )
    protect("invalid_files", operator="SELECT")


def namespaces() -> None:
    op.execute(
        """
        CREATE TABLE namespaces (
            tenant_id uuid NOT NULL CONSTRAINT fk_namespaces_tenant_id REFERENCES tenants ON DELETE CASCADE,
            name text NOT NULL,
            CONSTRAINT pk_namespaces PRIMARY KEY (tenant_id, name)
        )
        """
    )
    protect("namespaces")
