"""Several streams as one: every item, in its stream's order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gguf_fc.generation.merge_streams import merged


async def items(
    count: int, *, stream: int = 0, fails: bool = False
) -> AsyncGenerator[tuple[int, int]]:
    for item in range(count):
        await asyncio.sleep(0)
        yield stream, item
    if fails:
        raise LookupError("no more")


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_every_item_arrives_once_and_in_its_stream_s_order(counts: list[int]) -> None:
    async def scenario() -> list[tuple[int, int]]:
        return [
            found
            async for found in merged([items(count, stream=n) for n, count in enumerate(counts)])
        ]

    found = asyncio.run(scenario())
    for n, count in enumerate(counts):
        assert [item for stream, item in found if stream == n] == list(range(count))
    assert len(found) == sum(counts)


@pytest.mark.parametrize("others", [0, 2])
def test_what_one_stream_raises_is_raised(others: int) -> None:
    async def scenario() -> None:
        streams = [items(1, fails=True), *(items(1000) for _ in range(others))]
        async for _ in merged(streams):
            pass

    with pytest.raises(LookupError):
        asyncio.run(scenario())


def test_leaving_early_leaves_no_task_behind() -> None:
    async def scenario() -> int:
        async with aclosing(merged([items(1000), items(1000)])) as both:
            async for _ in both:
                break
        return len(asyncio.all_tasks())

    assert asyncio.run(scenario()) == 1
