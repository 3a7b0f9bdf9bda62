"""How a sender names a job next to a tenant's ping key."""

import re
from dataclasses import dataclass

from crontopus_api.manifests import RESERVED_NAMES, is_name

UUID_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Slug:
    """A job's name, in a namespace or, with None, in whichever has one of that name."""

    namespace: str | None
    name: str

    @classmethod
    def parse(cls, text: str) -> "Slug | None":
        """`name` or `namespace.name`; None for what no job can be called.

        Other services allow `_` in a slug, which is no letter of ours: it stands for `-`.
        """
        namespace, dot, name = text.replace("_", "-").rpartition(".")
        if not is_name(name) or name in RESERVED_NAMES or (dot and not is_name(namespace)):
            return None
        return cls(namespace or None, name)
