"""Where a job's ping key is sealed: it opens nowhere else."""

from uuid import UUID

from crontopus_api.kit.crypto import Place


def ping_key_place(tenant_id: UUID, for_job: UUID) -> Place:
    return Place("job_ping_keys", tenant_id, str(for_job))
