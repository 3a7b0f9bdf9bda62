"""Routes and windows for tests: as manifests in hand, and as commits in the tenant's repository."""

from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from crontopus_api.manifests import AlertRoute, MaintenanceWindow, parse_document

from ..jobs.git import branch_with
from ..platform import Person, Platform

_numbers = count()


def route(name: str = "ops", **spec: Any) -> AlertRoute:
    made = parse_document(f".crontopus/routes/{name}.yaml", _text("AlertRoute", name, spec))
    assert isinstance(made, AlertRoute)
    return made


def window(name: str = "upgrade", **spec: Any) -> MaintenanceWindow:
    made = parse_document(f".crontopus/windows/{name}.yaml", _text("MaintenanceWindow", name, spec))
    assert isinstance(made, MaintenanceWindow)
    return made


def instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class Repository:
    """Pushes, each of which is in force when it returns."""

    def __init__(self, platform: Platform, person: Person, scratch: Path) -> None:
        self._platform = platform
        self._person = person
        self._scratch = scratch

    async def routes(self, **specs: dict[str, Any] | None) -> None:
        await self._push("routes", "AlertRoute", specs)

    async def windows(self, **specs: dict[str, Any] | None) -> None:
        await self._push("windows", "MaintenanceWindow", specs)

    async def raw(self, path: str, content: bytes) -> None:
        await self._commit({path: content})

    async def _push(self, folder: str, kind: str, specs: dict[str, dict[str, Any] | None]) -> None:
        """None: the file goes away. An underscore in a name stands for a hyphen."""
        files: dict[str, bytes | None] = {}
        for key, spec in specs.items():
            name = key.replace("_", "-")
            text = None if spec is None else _text(kind, name, spec)
            files[f".crontopus/{folder}/{name}.yaml"] = text
        await self._commit(files)

    async def _commit(self, files: dict[str, bytes | None]) -> None:
        if not self._platform.services.git.path(self._person.username).exists():
            # It is made with the first commit.
            await self._person.put_job("zz/first")
        place = self._scratch / f"push-{next(_numbers)}"
        place.mkdir()
        await branch_with(self._platform, place, files, name="main", slug=self._person.username)
        await self._platform.services.projector.project(self._person.tenant_id)


def _text(kind: str, name: str, spec: dict[str, Any]) -> bytes:
    document = {"apiVersion": "crontopus/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    return yaml.safe_dump(document).encode()
