"""What is wrong with a manifest, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class ManifestError:
    """One thing wrong with one file.

    `line` and `column` count from 1 and are None when there is no text (a JSON body); `path` is the dotted
    place in the document (`spec.args[0]`, empty for the file itself); `code` is stable.
    """

    file: str
    line: int | None
    column: int | None
    path: str
    code: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        if self.line is None and self.path:
            place = f"{place}: {self.path}"
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")

    def as_dict(self) -> dict[str, str | int | None]:
        """The shape of `errors[]` in a problem+json body."""
        return asdict(self)


class ManifestInvalid(Exception):
    """A file that is not a valid manifest, with every error that could be found, in reading order."""

    def __init__(self, errors: Iterable[ManifestError]) -> None:
        self.errors = sorted(errors, key=lambda error: (error.line or 0, error.column or 0))
        super().__init__("\n".join(str(error) for error in self.errors))


_LONGEST_KEY = 128
Step = str | int
Path = tuple[Step, ...]


def dotted(path: Path) -> str:
    """`("spec", "args", 0)` as `spec.args[0]`; keys that are not plain words are quoted.

    So are keys longer than any valid one, and cut: one could stand in the path of every error of a file.
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif (
            len(step) <= _LONGEST_KEY and step.isascii() and step.replace("-", "").replace("_", "").isalnum()
        ):
            text += f".{step}" if text else step
        else:
            text += f'["{step[:80]}"]'
    return text
