"""Leaving out the oldest turns of a conversation that is too long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gguf_fc.generation.context_window import Fitted, fitted
from gguf_fc.request import Message, Request, Role, ToolCall

CALLED = Message(role="assistant", tool_calls=(ToolCall("c", "f", "{}"),))
RESULT = Message(role="tool", content="12345678", tool_call_id="c")


def said(role: Role, length: int = 10) -> Message:
    return Message(role=role, content="x" * length)


def length_of(messages: Sequence[Message]) -> int:
    return sum(len(message.content or "") for message in messages)


def fit(messages: Sequence[Message], n_ctx: int, *, room: int = 1) -> Fitted:
    async def length(request: Request) -> int:
        return length_of(request.messages)

    request = Request(model=None, messages=tuple(messages), max_tokens=room, leave_out_oldest=True)
    return asyncio.run(fitted(request, n_ctx, length))


TURNS = [
    said("system"),
    *(said("user"), CALLED, RESULT, said("assistant")),
    *(said("user"), said("assistant")),
    said("user"),
]


def test_what_fits_is_left_alone() -> None:
    assert fit(TURNS, 200).left_out == 0


def test_whole_turns_go_and_the_system_message_stays() -> None:
    found = fit(TURNS, 60)
    assert found.request.messages == (TURNS[0], *TURNS[5:])
    assert found.left_out == 4


def test_room_is_kept_for_the_reply() -> None:
    assert fit(TURNS, 60, room=25).request.messages == (TURNS[0], TURNS[-1])


def test_the_last_turn_stays_even_if_it_is_too_long() -> None:
    assert fit(TURNS, 5).request.messages == (TURNS[0], TURNS[-1])
    assert fit([said("user", 100)], 5).left_out == 0
    assert fit([said("system", 100), said("assistant")], 5).left_out == 0


@given(
    st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.integers(0, 9))),
    st.integers(4, 60),
)
def test_no_more_goes_than_has_to(shape: list[tuple[Role, int]], n_ctx: int) -> None:
    messages = [said(role, length) for role, length in shape]
    kept = list(fit(messages, n_ctx).request.messages)
    starts = [n for n, message in enumerate(messages) if message.role == "user"]
    choices = [messages] + [
        [one for k, one in enumerate(messages) if k >= start or one.role == "system"]
        for start in starts[1:]
    ]
    enough = [choice for choice in choices if length_of(choice) <= n_ctx - 1]
    assert kept == (enough[0] if enough else choices[-1])
