from typing import Final, NamedTuple

from crontopus_api.jobs.changing.proposals import Target, checked_name
from crontopus_api.jobs.schemas import DocumentKind
from crontopus_api.manifests import system_path


class DocumentType(NamedTuple):
    """One of the kinds. `noun` is what people call it, `collection` where the API has it."""

    kind: DocumentKind
    noun: str
    collection: str

    def target(self, name: str) -> Target:
        """The file of the one of that name. Raises Invalid."""
        path = system_path(self.kind, checked_name(name, "name"))
        return Target(path, name, self.noun)


POLICY: Final = DocumentType("Policy", "policy", "policies")
ROUTE: Final = DocumentType("AlertRoute", "alert route", "routes")
WINDOW: Final = DocumentType("MaintenanceWindow", "maintenance window", "maintenance-windows")
