"""Writes agent/pkg/schedule/zoneinfo.zip from the installed `tzdata` package.

    python agent/tools/zoneinfo/update.py

The agent must count with the same rules as the server, and Go prefers the machine's own zone files to those that
`time/tzdata` links in. Run this when the pinned tzdata changes; backend/tests/manifests/test_go_reads.py compares.
"""

from __future__ import annotations

import zipfile
from importlib import resources
from pathlib import Path

import tzdata

TARGET = Path(__file__).parents[2] / "pkg/schedule/zoneinfo.zip"
_THEN = (1980, 1, 1, 0, 0, 0)  # the same input gives the same bytes


def main() -> None:
    package = resources.files("tzdata")
    names = sorted(package.joinpath("zones").read_text(encoding="ascii").split())
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(zipfile.ZipInfo("+VERSION", _THEN), tzdata.IANA_VERSION)
        for name in names:
            entry = zipfile.ZipInfo(name, _THEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, package.joinpath("zoneinfo", *name.split("/")).read_bytes())


if __name__ == "__main__":
    main()
