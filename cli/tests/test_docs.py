"""docs/user/cli.md says what the commands say."""

import subprocess
import sys
from pathlib import Path

GENERATOR = Path(__file__).parents[1] / "generate_docs.py"


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(GENERATOR), "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
