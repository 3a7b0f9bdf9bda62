"""The JSON Schema of manifests as this package ships it: a copy of contract/manifest/v1.schema.json.

`make generate` copies it, `make verify` fails when the copy is stale.
"""

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache
def load_schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((files(__package__) / "v1.schema.json").read_text(encoding="utf-8"))
    return schema
