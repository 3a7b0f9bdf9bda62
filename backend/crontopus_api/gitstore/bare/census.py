"""How much is in a repository, and whether it has grown so untidy that it needs maintenance."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

# One in sixteen of the folders that loose objects are spread over, evenly since their names are hashes.
_SAMPLED_FOLDERS = tuple(f"{n:x}0" for n in range(16))
_ALL_FOLDERS = tuple(f"{n:02x}" for n in range(256))


@dataclass(frozen=True, slots=True)
class Census:
    """Objects in files of their own, and in packs; sizes in bytes on the disk."""

    loose: int
    loose_bytes: int
    packs: int
    pack_bytes: int


@dataclass(frozen=True, slots=True)
class Untidy:
    """From what on maintenance is worth its cost. `again_seconds`: how soon after one, at the earliest:
    bounds what a tenant who never rests can make the machine do."""

    loose: int = 1500
    loose_bytes: int = 64 << 20
    packs: int = 20
    loose_refs: int = 200
    again_seconds: float = 600.0


def count(repository: Path) -> Census:
    objects = repository / "objects"
    loose = [size for folder in _ALL_FOLDERS for size in _sizes(objects / folder)]
    packs = list(_sizes(objects / "pack", ".pack"))
    return Census(len(loose), sum(loose), len(packs), sum(packs))


def why_untidy(repository: Path, limits: Untidy) -> str | None:
    """What speaks for maintenance, in words; `None` if nothing does.

    Cheap enough to ask of every tenant's repository: some twenty directories are listed (0.1 ms when
    they are small), loose objects are estimated from a sample.
    """
    objects = repository / "objects"
    sample = [size for folder in _SAMPLED_FOLDERS for size in _sizes(objects / folder)]
    share = len(_ALL_FOLDERS) // len(_SAMPLED_FOLDERS)
    packs = sum(1 for _ in _sizes(objects / "pack", ".pack"))
    # Stops counting where it knows enough.
    refs = sum(1 for _ in islice(_files(repository / "refs"), limits.loose_refs + 1))
    if len(sample) * share > limits.loose:
        return f"about {len(sample) * share} loose objects"
    if sum(sample) * share > limits.loose_bytes:
        return f"about {sum(sample) * share >> 20} MiB in loose objects"
    if packs > limits.packs:
        return f"{packs} packs"
    if refs > limits.loose_refs:
        return f"more than {limits.loose_refs} loose refs"
    return None


def _sizes(directory: Path, suffix: str = "") -> Iterator[int]:
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.endswith(suffix) and not entry.name.startswith((".", "tmp_")):
                    yield _size(entry)
    except FileNotFoundError:  # a folder that has no objects (any more)
        return


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # packed since it was listed
        return 0


def _files(directory: Path) -> Iterator[str]:
    for _, _, names in os.walk(directory):
        yield from names
