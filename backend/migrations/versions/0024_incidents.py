"""Incidents of endpoints, repositories and warnings; one holds others; damped, muted, resolved by hand"""

from alembic import op

revision = "0024"
down_revision = "0023"

_STATUS = "kind NOT IN ('too_often', 'slow')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        ALTER TABLE incidents
            ADD COLUMN parent_id uuid,
            ADD COLUMN muted boolean NOT NULL DEFAULT false,
            ADD COLUMN flapping boolean NOT NULL DEFAULT false,
            ADD COLUMN well_since timestamptz,
            ADD COLUMN resolved_by text,
            ADD COLUMN commit_id text,
            ADD CONSTRAINT fk_incidents_tenant_id_parent_id
                FOREIGN KEY (tenant_id, parent_id) REFERENCES incidents ON DELETE SET NULL (parent_id)
        """
    )
    unique()
    indexes()
    watched()


def unique() -> None:
    """Of each subject one incident is open; a warning does not stand in the way of the failure that follows it."""
    op.execute("DROP INDEX uq_incidents_open")
    open_one = (
        "CREATE UNIQUE INDEX uq_incidents_open{} ON incidents (tenant_id{}) WHERE state <> 'resolved' AND {}"
    )
    op.execute(open_one.format("", ", instance_id", _STATUS))
    op.execute(open_one.format("_warning", ", instance_id, kind", "kind IN ('too_often', 'slow')"))
    op.execute(open_one.format("_endpoint", ", endpoint_id, kind", "instance_id IS NULL"))
    op.execute(open_one.format("_repository", "", "kind = 'repository_invalid'"))


def indexes() -> None:
    op.execute("CREATE INDEX ix_incidents_tenant_id_parent_id ON incidents (tenant_id, parent_id)")
    op.execute(
        "CREATE INDEX ix_incidents_tenant_id_instance_id_opened_at"
        " ON incidents (tenant_id, instance_id, opened_at)"
    )
    op.execute(
        "CREATE INDEX ix_incidents_tenant_id_endpoint_id_opened_at"
        " ON incidents (tenant_id, endpoint_id, opened_at)"
    )
    op.execute(
        "CREATE INDEX ix_incidents_tenant_id_job_id_opened_at ON incidents (tenant_id, job_id, opened_at)"
    )
    # What a worker looks at every few seconds, whoever it belongs to.
    op.execute(
        "CREATE INDEX ix_incidents_damped ON incidents (well_since) WHERE flapping AND state <> 'resolved'"
    )
    op.execute(
        "CREATE INDEX ix_incidents_watched ON incidents (kind) WHERE state <> 'resolved'"
        " AND kind IN ('outage', 'repository_invalid', 'too_often', 'slow')"
    )
    op.execute(
        "CREATE INDEX ix_instance_status_warnings ON instance_status (tenant_id, instance_id)"
        " WHERE warnings <> '[]'::jsonb"
    )
    # Workers go from tenant to tenant, so that a storm in one keeps no other waiting.
    op.execute(
        "CREATE INDEX ix_status_changes_waiting ON status_changes (tenant_id, recorded_at) WHERE claimed_at IS NULL"
    )
    op.execute("DROP INDEX ix_status_changes_unclaimed")


def watched() -> None:
    for table, columns in {
        "incidents": "tenant_id, id, kind, state, instance_id, parent_id, flapping, well_since, opened_at,"
        " resolved_at, resolved_by",
        "invalid_files": "tenant_id, path, changed_at",
    }.items():
        op.execute(f"CREATE POLICY scanner ON {table} TO crontopus_scanner USING (true)")
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO crontopus_scanner")
