"""A process that changes a job and is killed with SIGKILL on the way: `python -m backend.tests.jobs.killed`.

Arguments: database URL, data directory, API token, step. It never gets to its last line.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from crontopus_api.composition import compose
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs.changing.changes import Change, ChangeService
from crontopus_api.jobs.instances import InstanceKeeper
from crontopus_api.settings import Settings

JOB = b"""apiVersion: crontopus/v1
kind: Job
metadata:
  name: hello
spec:
  schedule: "0 2 * * *"
"""
# Where it dies: the intent is committed; Git has the commit; the projection has it; only the answer is missing.
STEPS = ("before Git", "after Git", "while projecting", "before the answer")


def hello(by: Principal) -> Change:
    path = "default/hello.yaml"
    return Change(by, "Add default/hello", {path: JOB}, {path: None})


async def die(*_: Any, **__: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable: SIGKILL cannot be caught")


async def main(url: str, data_dir: str, token: str, step: str) -> None:
    services = compose(Settings(database_url=url, data_dir=Path(data_dir)), url)
    if step == "before Git":
        services.git.commit = die  # type: ignore[method-assign]
    elif step == "after Git":
        ChangeService._project_own = die  # type: ignore[method-assign]
    elif step == "while projecting":
        InstanceKeeper.match_many = die  # type: ignore[method-assign]
    await services.changes.apply(hello(await services.identity.authenticate(token)))
    await die()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
