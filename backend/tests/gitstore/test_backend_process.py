"""What is sent to a git that does not listen any more, on the event loop that the service runs on."""

import asyncio
import os

import uvloop

from crontopus_api.gitstore.embedded.process import CHUNK, BackendProcess


async def _offer_to_one_that_ends_at_once() -> int:
    # It is asked nothing, says so and ends without reading a byte.
    process = await BackendProcess.start({"PATH": os.environ["PATH"]}, (), 1 << 30, "test")
    try:
        for _ in range(100):
            await process.offer(bytes(CHUNK))
        return await process.wait()
    finally:
        await process.end()


def test_the_rest_of_a_body_is_nobodys_when_git_has_ended() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(_offer_to_one_that_ends_at_once()) == 0
    with asyncio.Runner() as runner:
        assert runner.run(_offer_to_one_that_ends_at_once()) == 0
