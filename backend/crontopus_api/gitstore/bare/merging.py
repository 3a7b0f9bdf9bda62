"""What a merge would give, tried without leaving a trace in the repository."""

import tempfile
from pathlib import Path

from crontopus_api.gitstore.bare.plumbing import Plumbing
from crontopus_api.gitstore.errors import MergeImpossible, ObjectMissing

# As for a push to main: whoever may not push it need not be told what it would do.
MAX_CHANGED_FILES = 20_000
MAX_CHANGED_BYTES = 64 << 20


class MergeTrial:
    """A merge of `theirs` into `ours`, both commits of `repository`, in a scratch object directory.

    Use as a context manager: `plumbing` reads the repository together with what the merge made.
    """

    def __init__(self, repository: Path, ours: str, theirs: str) -> None:
        self._repository = repository
        self._ours, self._theirs = ours, theirs
        self._scratch = tempfile.TemporaryDirectory(prefix="crontopus-merge-")
        self.plumbing = Plumbing(
            repository,
            {
                "GIT_OBJECT_DIRECTORY": self._scratch.name,
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(repository / "objects"),
            },
        )
        self.tree = ours
        self.conflicts: list[str] = []

    def __enter__(self) -> "MergeTrial":
        try:
            self._merge()
        except BaseException:
            self._scratch.cleanup()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._scratch.cleanup()

    def read(self, blobs: list[str], limit: int) -> dict[str, bytes]:
        """Raises `MergeImpossible` for too many or too much, `BlobTooLarge` for one over `limit` bytes."""
        if len(blobs) > MAX_CHANGED_FILES or sum(self.plumbing.sizes(blobs).values()) > MAX_CHANGED_BYTES:
            raise MergeImpossible(f"{self._theirs} changes more than {MAX_CHANGED_FILES} files or 64 MiB")
        return dict(self.plumbing.read(blobs, limit))

    def _merge(self) -> None:
        command = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"]
        done = self.plumbing.run([*command, self._ours, self._theirs])
        if done.returncode not in {0, 1}:
            for commit in (self._ours, self._theirs):
                if not self.plumbing.has_commit(commit):
                    raise ObjectMissing(f"commit {commit}")
            raise MergeImpossible(f"{self._theirs} has no history in common with main")
        tree, *names = done.stdout.split(b"\0")
        self.tree = tree.decode("ascii")
        self.conflicts = sorted({name.decode("utf-8", "backslashreplace") for name in names if name})
