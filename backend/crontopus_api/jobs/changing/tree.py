"""The files of one commit of a tenant's repository, as a change is thought out on them."""

from dataclasses import dataclass, field
from typing import NamedTuple

from crontopus_api.gitstore.errors import ObjectMissing
from crontopus_api.gitstore.host import GitHost, blob_id
from crontopus_api.manifests import is_job_path, split_job_path


class Found(NamedTuple):
    blob_id: str
    content: bytes


@dataclass
class TreeAt:
    """`commit` None: a repository without commits."""

    host: GitHost
    slug: str
    commit: str | None
    _seen: dict[str, Found | None] = field(default_factory=dict)

    async def file(self, path: str) -> Found | None:
        """From Git, not the projection: Git is what will be changed."""
        if path not in self._seen:
            self._seen[path] = await self._read(path)
        return self._seen[path]

    async def contents(self, paths: list[str]) -> dict[str, bytes | None]:
        """Of many files at once; None: there is no such file."""
        if self.commit is None or len(paths) <= 4:
            return {path: found.content if (found := await self.file(path)) else None for path in paths}
        wanted = set(paths)
        entries = {
            e.path: e.blob_id for e in await self.host.list_files(self.slug, self.commit) if e.path in wanted
        }
        blobs = await self.host.read_blobs(self.slug, entries.values())
        for path in paths:
            blob = entries.get(path)
            self._seen[path] = None if blob is None else Found(blob, blobs[blob])
        return {path: found.content if (found := self._seen[path]) else None for path in paths}

    async def names_in(self, namespace: str) -> set[str]:
        """The names of the jobs of a namespace."""
        if self.commit is None:
            return set()
        entries = await self.host.list_files(self.slug, self.commit)
        jobs = [split_job_path(entry.path) for entry in entries if is_job_path(entry.path)]
        return {name for folder, name in jobs if folder == namespace}

    async def _read(self, path: str) -> Found | None:
        if self.commit is None:
            return None
        try:
            content = await self.host.read_file(self.slug, self.commit, path)
        except ObjectMissing:
            return None
        return Found(blob_id(content), content)
