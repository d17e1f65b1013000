"""Conversations that grow keep the beginning of their prompt, so that the KV cache holds."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from tests.support.corpus import corpus

Turn = dict[str, Any]
SYSTEM: Turn = {"role": "system", "content": "Rule the first."}
USER: Turn = {"role": "user", "content": "Question the first."}
ANSWER: Turn = {"role": "assistant", "content": "Answer the first."}
CALL: Turn = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "call_0001", "function": {"name": "look_up", "arguments": {"city": "Bergen"}}}
    ],
}
RESULT: Turn = {"role": "tool", "tool_call_id": "call_0001", "content": "Result the first."}
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
HISTORIES: list[list[Turn]] = [
    [USER],
    [SYSTEM, USER],
    [USER, ANSWER],
    [SYSTEM, USER, ANSWER],
    [SYSTEM, USER, CALL, RESULT],
    [SYSTEM, USER, CALL, RESULT, ANSWER],
]
LATE = "Rule the second."


@pytest.mark.parametrize("tools", [None, [TOOL]])
@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_late_system_message_is_read_behind_what_was_said_before(role: str, tools: Any) -> None:
    for name, dialect in corpus().items():
        for history in HISTORIES:
            before, late, asked = (
                dialect.render(turns, tools=tools, add_generation_prompt=False)
                for turns in (
                    history,
                    [*history, {"role": role, "content": LATE}],
                    [*history, {"role": "user", "content": LATE}],
                )
            )
            where = (name, [turn["role"] for turn in history])
            assert late.warning is None, (where, late.warning)
            assert late.text.count(LATE) == 1, where
            # Some templates write a turn otherwise when another follows, whoever speaks.
            if asked.text.startswith(before.text):
                assert late.text.startswith(before.text), where


@pytest.mark.parametrize("tools", [None, [TOOL]])
def test_a_late_system_message_stays_in_its_place_when_the_conversation_goes_on(tools: Any) -> None:
    late = {"role": "system", "content": LATE}
    following = [ANSWER, {"role": "user", "content": "Question the second."}]
    for name, dialect in corpus().items():

        def text(*turns: Turn, dialect: Dialect = dialect) -> str:
            return dialect.render(turns, tools=tools, add_generation_prompt=False).text

        for history in HISTORIES:
            late_user = {**late, "role": "user"}
            before = text(*history, late_user)
            keeps = before.startswith(text(*history)) and text(
                *history, late_user, *following
            ).startswith(before)
            if keeps:  # else the template rewrites past turns, whoever speaks
                grown = text(*history, late, *following)
                assert grown.startswith(text(*history, late)), (name, history)


def test_past_calls_are_read_without_tools_in_the_request() -> None:
    for name, dialect in corpus().items():
        for history in HISTORIES[4:]:
            prompt = dialect.render([*history, USER])
            assert prompt.warning is None, (name, prompt.warning)
            assert "look_up" in prompt.text, name
            assert "Bergen" in prompt.text, name
            assert "Result the first." in prompt.text, name
