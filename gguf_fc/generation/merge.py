"""Several streams as one, in the order in which their items come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")


class _End:
    pass


_END: Final = _End()


async def merged(streams: Sequence[AsyncGenerator[T]]) -> AsyncGenerator[tuple[int, T]]:
    """The items of all *streams*, each with the index of its stream.

    Raises what any stream raises; the streams stay the caller's to close.
    """
    if len(streams) == 1:
        async for item in streams[0]:  # no task for each item: this is the usual case
            yield 0, item
        return
    upcoming = {_upcoming(stream): n for n, stream in enumerate(streams)}
    try:
        while upcoming:
            done, _ = await asyncio.wait(upcoming, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                found = task.result()
                n = upcoming.pop(task)
                if not isinstance(found, _End):
                    upcoming[_upcoming(streams[n])] = n
                    yield n, found
    finally:
        for task in upcoming:
            task.cancel()
        await asyncio.gather(*upcoming, return_exceptions=True)


def _upcoming(stream: AsyncGenerator[T]) -> asyncio.Task[T | _End]:
    return asyncio.create_task(_next(stream))


async def _next(stream: AsyncGenerator[T]) -> T | _End:
    return await anext(stream, _END)
