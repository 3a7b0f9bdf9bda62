"""Manifests: parsing, validation and writing of what tenants keep in Git. Pure: no I/O, no settings."""

from crontopus_api.manifests.dump import dump_yaml, to_mapping
from crontopus_api.manifests.edit import moved, with_spec_value
from crontopus_api.manifests.errors import ManifestError, ManifestInvalid
from crontopus_api.manifests.fields import RESERVED_NAMES
from crontopus_api.manifests.models import (
    Alerts,
    JobManifest,
    JobSpec,
    Metadata,
    Output,
    Retry,
    Selector,
)
from crontopus_api.manifests.others import AlertRoute, MaintenanceWindow, Policy
from crontopus_api.manifests.parse import (
    Manifest,
    Places,
    document_from_mapping,
    job_from_mapping,
    parse_document,
    parse_job,
    parse_job_located,
)
from crontopus_api.manifests.paths import (
    DISCOVERED,
    SYSTEM_FOLDER,
    SYSTEM_KINDS,
    instance_id,
    is_job_path,
    is_name,
    job_id,
    job_path,
    misplaced,
    split_job_path,
    system_kind,
    system_path,
)
from crontopus_api.manifests.policies import Violation, applies, violations
from crontopus_api.manifests.selectors import selects
from crontopus_api.manifests.yamltree import MAX_BYTES

__all__ = [
    "DISCOVERED",
    "MAX_BYTES",
    "RESERVED_NAMES",
    "SYSTEM_FOLDER",
    "SYSTEM_KINDS",
    "AlertRoute",
    "Alerts",
    "JobManifest",
    "JobSpec",
    "MaintenanceWindow",
    "Manifest",
    "ManifestError",
    "ManifestInvalid",
    "Metadata",
    "Output",
    "Places",
    "Policy",
    "Retry",
    "Selector",
    "Violation",
    "applies",
    "document_from_mapping",
    "dump_yaml",
    "instance_id",
    "is_job_path",
    "is_name",
    "job_from_mapping",
    "job_id",
    "job_path",
    "misplaced",
    "moved",
    "parse_document",
    "parse_job",
    "parse_job_located",
    "selects",
    "split_job_path",
    "system_kind",
    "system_path",
    "to_mapping",
    "violations",
    "with_spec_value",
]
