"""The git command of this machine."""

import os
import subprocess
import sys

from crontopus_cli.errors import CliError


def run_git(*arguments: str) -> None:
    """Lets git do something. Raises CliError when it fails; git itself has then said why on stderr."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        # git's own progress and errors go to stderr; stdout stays ours
        command = ["git", *arguments]
        result = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)  # noqa: S603 - no shell
    except FileNotFoundError as error:
        raise CliError("git is not installed", "install git and try again") from error
    if result.returncode != 0:
        raise CliError(f"git {arguments[0]} failed with exit code {result.returncode}", "git says why above")


def ask_git(*arguments: str) -> str | None:
    """git's answer; None when it has none, for instance because this is no clone."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell
            ["git", *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
