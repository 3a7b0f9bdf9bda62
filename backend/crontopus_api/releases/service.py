"""What is in the directory of the release. It may be exchanged while this process runs."""

import json
import re
from pathlib import Path

from crontopus_api.kit.errors import NotFound

_INSTALLERS = ("install.sh", "install.ps1")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$")
# What neither a shell nor PowerShell takes for anything but itself, within quotes or without.
_PLAIN_URL = re.compile(r"^https?://[A-Za-z0-9.\-_~:\[\]/]+$")


class ReleaseService:
    def __init__(self, directory: Path | None, base_url: str) -> None:
        self._directory = directory
        self._base_url = base_url.rstrip("/")

    def installer(self, name: str) -> str:
        """`install.sh` or `install.ps1` for this server. Raises NotFound when there is no release."""
        assert name in _INSTALLERS
        if not _PLAIN_URL.match(self._base_url):
            raise _nothing()
        return self._path(name).read_text(encoding="utf-8").replace("@SERVER@", self._base_url)

    def file(self, name: str) -> Path:
        """A file of the release, or a signature of one. Raises NotFound for whatever else lies there."""
        path = self._path(name)
        of = name.removesuffix(".minisig")
        if of not in {"SHA256SUMS", "manifest.json"} and of not in self._files():
            raise _nothing()
        return path

    def _path(self, name: str) -> Path:
        if self._directory is None or not _NAME.match(name):
            raise _nothing()
        path = self._directory / name
        if path.is_symlink() or not path.is_file():
            raise _nothing()
        return path

    def _files(self) -> frozenset[str]:
        return frozenset(json.loads(self._path("manifest.json").read_text(encoding="utf-8"))["files"])


def _nothing() -> NotFound:
    return NotFound(
        "This installation hands out no such file.",
        code="no_release",
        hint="Whoever runs it makes the agent's files with `make release` and names them in CRONTOPUS_RELEASES_DIR.",
    )
