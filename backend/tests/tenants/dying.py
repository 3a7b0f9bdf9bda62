"""A worker that takes ended tenants apart, few rows at a time, and says so: to be killed in the middle."""

import asyncio
import sys
from pathlib import Path

from crontopus_api.composition import compose
from crontopus_api.settings import Settings
from crontopus_api.tenants import purging_repository


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def main(database_url: str, data_dir: str, batch: str) -> None:
    services = compose(Settings(database_url=database_url, data_dir=Path(data_dir)), database_url)
    real = purging_repository.delete_some
    purging_repository.BATCH = int(batch)

    async def told(*arguments: object) -> int:
        count = await real(*arguments)  # type: ignore[arg-type]
        say(f"batch {count}")
        return count

    purging_repository.delete_some = told  # type: ignore[assignment]
    await services.purger.round()
    await services.close()
    say("done")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
