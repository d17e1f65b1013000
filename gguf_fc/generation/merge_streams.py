"""Several streams as one, in the order in which their items come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")


class _End:
    pass


_END: Final = _End()


async def merged(streams: Sequence[AsyncGenerator[T]]) -> AsyncGenerator[T]:
    """The items of all *streams*, each as soon as it comes.

    Raises what any stream raises; the streams stay the caller's to close.
    """
    upcoming = {_upcoming(stream): stream for stream in streams}
    try:
        while upcoming:
            done, _ = await asyncio.wait(upcoming, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                found = task.result()
                stream = upcoming.pop(task)
                if not isinstance(found, _End):
                    upcoming[_upcoming(stream)] = stream
                    yield found
    finally:
        for task in upcoming:
            task.cancel()
        await asyncio.gather(*upcoming, return_exceptions=True)


def _upcoming(stream: AsyncGenerator[T]) -> asyncio.Task[T | _End]:
    return asyncio.create_task(_next(stream))


async def _next(stream: AsyncGenerator[T]) -> T | _End:
    return await anext(stream, _END)
