"""What the suite tells the person in front of it: each story's facts, with what was measured."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Story:
    """One test's narrative. A measured fact with a limit is an assertion as well."""

    write: Callable[[str], None]
    facts: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        self.facts.append(text)
        self.write(f"    {text}")

    def took(self, what: str, seconds: float, *, limit: float | None = None) -> None:
        bound = "" if limit is None else f"  (≤ {limit:g} s)"
        self.tell(f"{what:<58} {seconds:6.2f} s{bound}")
        assert limit is None or seconds <= limit, f"{what} took {seconds:.2f} s, more than {limit:g} s"
