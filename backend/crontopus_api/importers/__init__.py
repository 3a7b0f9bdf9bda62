"""Importers: what a machine's own scheduler has, as manifests to review. Pure: bytes in, texts out."""

from crontopus_api.importers.model import Imported, ImportedJob, ImportProblem, ImportSetting, Kind
from crontopus_api.importers.reading import read

__all__ = ["ImportProblem", "ImportSetting", "Imported", "ImportedJob", "Kind", "read"]
