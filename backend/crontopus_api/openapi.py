"""Writes contract/openapi.json: `python -m crontopus_api.openapi`."""

import json
from pathlib import Path

from crontopus_api.main import create_api
from crontopus_api.settings import Settings

PATH = Path(__file__).resolve().parents[2] / "contract" / "openapi.json"


def render() -> str:
    """The API's description, the same on every machine."""
    api = create_api(Settings(console_dir=None))
    return json.dumps(api.openapi(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
