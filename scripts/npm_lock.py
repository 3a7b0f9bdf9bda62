"""Completes frontend/package-lock.json with the optional packages of other platforms.

npm leaves out of a lock every optional package that the registry at hand does not have, and `npm ci` then refuses
that lock ("Missing: … from lock file"). The packages that hold a tool's binaries for one platform each are such:
which of them exist for the machine that locks must not decide where the console can be built. Their versions are
exact in the package that wants them, and their platform is in their name, so the entries can be written without
asking anybody. Called by scripts/lock.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

SYSTEMS = {"aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "sunos", "win32"}
PROCESSORS = {"arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"}
EXACT = re.compile(r"\d+\.\d+\.\d+[-+.\w]*")


def entry_for(name: str, version: str, wanted_by: dict[str, Any]) -> dict[str, Any]:
    """The lock's entry for an optional package, as npm writes it (without the hash that nobody here could check)."""
    words = re.split(r"[-/]", name)
    entry: dict[str, Any] = {"version": version, "optional": True}
    if processors := [word for word in words if word in PROCESSORS]:
        entry["cpu"] = processors
    if systems := [word for word in words if word in SYSTEMS]:
        entry["os"] = systems
    if "dev" in wanted_by:
        entry["dev"] = True
    return dict(sorted(entry.items(), key=lambda item: (item[0] != "version", item[0])))


def complete(lock: dict[str, Any]) -> list[str]:
    """Adds what is missing; returns the names of what was added. Ranges are left alone: only npm can resolve them."""
    packages: dict[str, dict[str, Any]] = lock["packages"]
    added = []
    for path, package in list(packages.items()):
        for name, version in package.get("optionalDependencies", {}).items():
            places = (f"{path}/node_modules/{name}", f"node_modules/{name}")
            if EXACT.fullmatch(version) and not any(place in packages for place in places):
                packages[places[1]] = entry_for(name, version, package)
                added.append(name)
    lock["packages"] = dict(sorted(packages.items()))
    return added


def main(path: Path) -> None:
    lock = json.loads(path.read_text(encoding="utf-8"))
    for name in complete(lock):
        sys.stdout.write(f"completed {name}\n")
    path.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
