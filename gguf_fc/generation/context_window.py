"""Truncation of a conversation that exceeds the context window: its oldest turns are left out.

Only where the client asks for it.

1. System messages and the last turn always stay.
2. A turn goes from a user's message to the next, so calls and their results stay together.
3. No more turns go than have to: how many that is, is found by bisection, because a prompt only
   gets shorter.  If even the last turn alone is too long, the engine refuses it.

Knows neither templates nor tokens: a function measures the prompt of a request.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gguf_fc.generation.prompt import SYSTEM_ROLES
from gguf_fc.request import Message, Request


@dataclass(frozen=True, slots=True)
class Fitted:
    """A request, and how many of its messages were left out."""

    request: Request
    left_out: int = 0


async def fitted(
    request: Request, n_ctx: int, length: Callable[[Request], Awaitable[int]]
) -> Fitted:
    """*request*, shortened so that its prompt and a reply fit in *n_ctx* tokens.

    *length* measures the prompt of a request in tokens.
    """
    room = min(request.max_tokens or n_ctx // 4, n_ctx // 2)
    if await length(request) <= n_ctx - room:
        return Fitted(request)
    starts = [n for n, message in enumerate(request.messages) if message.role == "user"]
    few, most = 0, max(0, len(starts) - 1)  # turns: *few* are not enough, *most* may go
    while most - few > 1:
        middle = (few + most) // 2
        if await length(_without(request, starts[middle])) <= n_ctx - room:
            most = middle
        else:
            few = middle
    if most == 0:
        return Fitted(request)
    shorter = _without(request, starts[most])
    return Fitted(shorter, len(request.messages) - len(shorter.messages))


def _without(request: Request, start: int) -> Request:
    """*request* with what comes before the message *start* left out."""

    def stays(n: int, message: Message) -> bool:
        return n >= start or message.role in SYSTEM_ROLES

    messages = tuple(one for n, one in enumerate(request.messages) if stays(n, one))
    return dataclasses.replace(request, messages=messages)
