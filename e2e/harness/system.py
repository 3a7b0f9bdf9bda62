"""A cron machine on which root's agent keeps the jobs of several users."""

import os
import subprocess
from pathlib import Path

from harness.machine import USER, CronMachine
from harness.processes import plain_environment, run

SECOND = "crontopus-two"
_CONFIG = """\
server: {server}
mode: system
state_dir: {state}
policy_file: {policy}
labels: {{role: e2e}}
"""


class SystemMachine(CronMachine):
    """`as_root` and `spawn_as_root` run in the machine's namespace, with its users and its /etc/cron.d."""

    @property
    def drop_ins(self) -> Path:
        """What the machine sees as /etc/cron.d."""
        return self.root / "cron.d"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def policy(self) -> Path:
        return self.root / "etc" / "policy.yaml"

    @property
    def config(self) -> Path:
        return self.root / "etc" / "agent.yaml"

    def _lay_out(self) -> None:
        super()._lay_out()
        home = self.root / "second"
        home.mkdir(mode=0o700)
        os.chown(home, self.second_uid, self.second_uid)
        for name, line in {
            "passwd": f"{SECOND}:x:{self.second_uid}:{self.second_uid}::{home}:/bin/sh\n",
            "group": f"{SECOND}:x:{self.second_uid}:\n",
            "shadow": f"{SECOND}:!:19000:0:99999:7:::\n",
        }.items():
            with (self.root / name).open("a", encoding="utf-8") as file:
                file.write(line)

    @property
    def second_uid(self) -> int:
        return self._uid + 100

    def uid(self, user: str) -> int:
        return {USER: self._uid, SECOND: self.second_uid, "root": 0}[user]

    def configure(self, server: str, policy: str) -> None:
        self.config.parent.mkdir()
        self.config.write_text(
            _CONFIG.format(server=server, state=self.state, policy=self.policy), encoding="utf-8"
        )
        self.policy.write_text(policy, encoding="utf-8")
        self.policy.chmod(0o600)

    def _as_root(self, *arguments: str | Path) -> list[str]:
        assert self._cron is not None
        return ["nsenter", f"--target={self._cron.pid}", "--mount", "--", *map(str, arguments)]

    def agent(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`crontopus-agent COMMAND` of root's agent."""
        return run(
            self._as_root(self.programs / "crontopus-agent", command, "--config", self.config, *arguments),
            env=self._environment,
        )

    def spawn_agent(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._as_root(self.programs / "crontopus-agent", "run", "--config", self.config),
                env=self._environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def _environment(self) -> dict[str, str]:
        environment = plain_environment(self.root)
        return environment | {"PATH": environment["PATH"] + ":/usr/sbin:/sbin"}

    def drop_in(self, user: str) -> str:
        """The file of a user's jobs in /etc/cron.d; empty where there is none."""
        path = self.drop_ins / f"crontopus-{user}"
        return path.read_text(encoding="utf-8") if path.exists() else ""
