"""Calls that come together are done together, and one's trouble stays its own."""

import asyncio
from collections.abc import Sequence

import pytest

from crontopus_api.kit.grouping import Grouped


def _grouped(done: list[list[int]], most: int = 10) -> Grouped[int, int]:
    async def halved(numbers: Sequence[int]) -> list[int]:
        done.append(list(numbers))
        if any(each % 2 for each in numbers):
            raise ValueError("odd")
        return [each // 2 for each in numbers]

    return Grouped(halved, linger_seconds=0, most=most)


async def test_each_gets_its_own_answer() -> None:
    done: list[list[int]] = []
    half = _grouped(done)
    assert await asyncio.gather(*map(half, (2, 4, 6))) == [1, 2, 3]
    assert await half(8) == 4
    assert done == [[2, 4, 6], [8]]


async def test_no_group_is_larger_than_it_may_be() -> None:
    done: list[list[int]] = []
    half = _grouped(done, most=2)
    assert await asyncio.gather(*map(half, (2, 4, 6))) == [1, 2, 3]
    assert done == [[2, 4], [6]]


async def test_what_fails_for_all_is_tried_for_each() -> None:
    done: list[list[int]] = []
    half = _grouped(done)
    first, second, third = await asyncio.gather(*map(half, (2, 3, 6)), return_exceptions=True)
    assert (first, third) == (1, 3)
    assert isinstance(second, ValueError)
    assert done == [[2, 3, 6], [2], [3], [6]]


async def test_who_stops_waiting_is_no_trouble_for_the_others() -> None:
    half = _grouped([])
    impatient, patient = asyncio.create_task(half(2)), asyncio.create_task(half(4))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 2
    with pytest.raises(asyncio.CancelledError):
        await impatient
