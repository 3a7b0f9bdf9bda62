import sys

import pytest

from ..gitstore.conftest import clone, git, host, platform
from .budget import MULTIPLIER, SEED

__all__ = ["clone", "git", "host", "platform"]


@pytest.fixture(autouse=True)
def _name_the_seed() -> None:
    """pytest shows it with a failure."""
    sys.stdout.write(f"CRONTOPUS_FUZZ_SEED={SEED} CRONTOPUS_SOAK={MULTIPLIER}\n")
