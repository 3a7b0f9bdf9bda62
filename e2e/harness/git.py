"""A real git client."""

import subprocess
from pathlib import Path

from harness.processes import plain_environment, run


class Git:
    """One person's git: no system or user configuration, no prompts."""

    def __init__(self, home: Path, name: str = "Someone", email: str = "someone@example.com") -> None:
        self._home = home
        self._environment = plain_environment(
            home,
            GIT_CONFIG_NOSYSTEM="1",
            GIT_TERMINAL_PROMPT="0",
            GIT_AUTHOR_NAME=name,
            GIT_AUTHOR_EMAIL=email,
            GIT_COMMITTER_NAME=name,
            GIT_COMMITTER_EMAIL=email,
        )

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return run(["git", *arguments], env=self._environment, cwd=cwd or self._home)

    def clone(self, url: str, directory: str) -> "Checkout":
        done = self.run("clone", "--quiet", url, directory)
        assert done.returncode == 0, done.stderr
        return Checkout(self, self._home / directory)


class Checkout:
    def __init__(self, git: Git, directory: Path) -> None:
        self._git = git
        self.directory = directory

    def __call__(self, *arguments: str) -> str:
        done = self._git.run(*arguments, cwd=self.directory)
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def write(self, path: str, text: str) -> None:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, message: str) -> str:
        """Commits everything: the new commit's id."""
        self("add", "--all")
        self("commit", "--quiet", "--message", message)
        return self("rev-parse", "HEAD").strip()

    def push(self) -> subprocess.CompletedProcess[str]:
        return self._git.run("push", "--quiet", "origin", "HEAD:main", cwd=self.directory)
