"""A worker's loop waits for its time, or for who says that there is something to do."""

import asyncio

from crontopus_api.worker.loops import repeat


async def test_a_loop_that_waits_is_woken_and_none_is_woken_for_what_it_has_done() -> None:
    woken, rounds = asyncio.Event(), asyncio.Queue[int]()
    done = 0

    async def work() -> int:
        nonlocal done
        done += 1
        rounds.put_nowait(done)
        return 0

    loop = asyncio.create_task(repeat("test", 3600, work, woken=woken))
    try:
        for number in (1, 2, 3):
            assert await asyncio.wait_for(rounds.get(), 5) == number
            woken.set()
        assert await asyncio.wait_for(rounds.get(), 5) == 4
        assert not woken.is_set()
    finally:
        loop.cancel()
