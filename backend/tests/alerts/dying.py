"""Workers that deliver, each to be killed at some moment: this process is forked for every one of them.

Commands on its standard input: `go TENANT CHANNEL TARGET` starts one and answers with its process id; when one
ends, `over ID STATUS` is said.
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from crontopus_api.composition import compose
from crontopus_api.kit.log import configure
from crontopus_api.settings import Settings


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def deliver(database_url: str, data_dir: str, tenant: str, channel: str, target: str) -> None:
    settings = Settings(database_url=database_url, data_dir=Path(data_dir), outbound_allow="127.0.0.0/8")
    services = compose(settings, database_url)
    pause: timedelta | None = timedelta()
    while pause is not None:
        # What the job would ask for: to be run again later.
        await asyncio.sleep(pause.total_seconds())
        pause = await services.alerts.deliveries.deliver(UUID(tenant), UUID(channel), target)
    await services.close()


def main(database_url: str, data_dir: str) -> None:
    configure("error", "json")
    for line in sys.stdin:
        _, *whose = line.split()
        child = os.fork()
        if child == 0:
            # A worker does not read its parent's orders.
            os.close(0)
            asyncio.run(deliver(database_url, data_dir, *whose))
            os._exit(0)
        say(f"started {child}")
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        say("killed" if killed else f"over {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
