"""Conversations as clients send them, as templates want them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gguf_fc.dialect.prompt.history import alternating, mended, plain, settled
from gguf_fc.dialect.prompt.ids import SHORT, short_id
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.values import normalised, tool_values
from gguf_fc.request import Message, Tool, ToolCall

NEEDS = Needs()
USER = Message(role="user", content="Hello")


def called(*ids: str | None) -> Message:
    calls = tuple(ToolCall(id_, f"tool{n}", f'{{"n": {n}}}') for n, id_ in enumerate(ids))
    return Message(role="assistant", tool_calls=calls)


def result(id_: str | None, content: str, name: str | None = None) -> Message:
    return Message(role="tool", tool_call_id=id_, content=content, name=name)


def values_of(messages: list[Message], needs: Needs = NEEDS) -> list[dict[str, Any]]:
    return normalised(settled(messages, needs), needs)


def test_content_is_never_null_and_calls_only_where_there_are_some() -> None:
    user, assistant = values_of([USER, called("a")])
    assert user == {"role": "user", "content": "Hello"}
    assert assistant["content"] == ""
    assert assistant["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "tool0", "arguments": {"n": 0}}}
    ]


def test_arguments_are_text_where_the_template_needs_text() -> None:
    value = values_of([USER, called("a")], Needs(text_arguments=True))[1]
    assert json.loads(value["tool_calls"][0]["function"]["arguments"]) == {"n": 0}


SYSTEM = Message(role="system", content="Be brief.")
DEVELOPER = Message(role="developer", content="Be kind.")
ANSWER = Message(role="assistant", content="Hi.")


def said(messages: list[Message], needs: Needs) -> list[tuple[str, str]]:
    return [(value["role"], value["content"]) for value in values_of(messages, needs)]


def test_system_and_developer_messages_at_the_beginning_become_one() -> None:
    system = ("system", "Be brief.\n\nBe kind.")
    assert said([SYSTEM, DEVELOPER, USER], NEEDS) == [system, ("user", "Hello")]


def test_late_system_messages_stay_where_they_are() -> None:
    late = [SYSTEM, USER, ANSWER, DEVELOPER, SYSTEM]
    assert said(late, NEEDS) == [
        ("system", "Be brief."),
        ("user", "Hello"),
        ("assistant", "Hi."),
        ("system", "Be kind."),
        ("system", "Be brief."),
    ]


def test_where_they_cannot_they_are_text_of_the_user_s_next_turn() -> None:
    needs = Needs(late_system=False)
    said_next = [("user", "Hello"), ("assistant", "Hi."), ("user", "Be kind.\n\nBe brief.")]
    assert said([USER, ANSWER, DEVELOPER, SYSTEM], needs) == said_next
    joined = said([USER, ANSWER, DEVELOPER, SYSTEM, USER], needs)
    assert joined[:2] == said_next[:2]
    assert joined[2:] == [("user", "Be kind.\n\nBe brief.\n\nHello")]
    # A result stays behind its call.
    results = said([USER, called("a"), SYSTEM, result("a", "r")], needs)
    assert results[2:] == [("tool", "r"), ("user", "Be brief.")]


def test_where_there_is_no_system_role_the_first_user_says_it() -> None:
    system = Message(role="system", content="Be brief.")
    needs = Needs(system=False)
    assert values_of([system, USER], needs) == [{"role": "user", "content": "Be brief.\n\nHello"}]
    assert values_of([system, called("a")], needs)[0] == {"role": "user", "content": "Be brief."}


@pytest.mark.parametrize(
    "results",
    [
        [result("b", "second"), result("a", "first")],
        [result(None, "second", "tool1"), result(None, "first", "tool0")],
        [result(None, "first"), result(None, "second")],
    ],
)
def test_results_find_their_call_by_id_name_or_order(results: list[Message]) -> None:
    values = values_of([USER, called("a", "b"), *results])[2:]
    assert {v["content"]: (v["tool_call_id"], v["name"]) for v in values} == {
        "first": ("a", "tool0"),
        "second": ("b", "tool1"),
    }


def test_a_result_of_no_call_becomes_text() -> None:
    assert values_of([USER, result("x", "lost")])[1] == {"role": "user", "content": "lost"}


def test_missing_ids_are_filled_in_and_agree() -> None:
    values = values_of([USER, called(None), result(None, "r"), called(None)])
    assert values[1]["tool_calls"][0]["id"] == values[2]["tool_call_id"]
    assert values[1]["tool_calls"][0]["id"] != values[3]["tool_calls"][0]["id"]


def test_short_ids_are_nine_letters_and_digits_and_agree() -> None:
    values = values_of([USER, called("call_1"), result("call_1", "r")], Needs(ids=SHORT))
    id_ = values[1]["tool_calls"][0]["id"]
    assert len(id_) == 9
    assert id_.isalnum()
    assert values[2]["tool_call_id"] == id_
    assert short_id("abc123XYZ") == "abc123XYZ"


def test_several_calls_become_several_turns_where_one_is_the_most() -> None:
    messages = [USER, called("a", "b"), result("b", "second"), result("a", "first")]
    values = values_of(messages, Needs(one_call=True))
    assert [v["role"] for v in values] == ["user", "assistant", "tool", "assistant", "tool"]
    assert [v["content"] for v in values if v["role"] == "tool"] == ["first", "second"]


def roles(messages: list[Message]) -> list[str]:
    return [message.role for message in messages if not message.tool_calls]


def test_alternating_joins_what_one_role_says_and_fills_what_is_missing() -> None:
    done = Message(role="assistant", content="Done.")
    assert roles(alternating([USER, USER, done], NEEDS)) == ["user", "assistant"]
    assert roles(alternating([done, USER], NEEDS)) == ["user", "assistant", "user"]
    asked_again = [USER, called("a"), result("a", "r"), USER]
    assert roles(alternating(asked_again, NEEDS)) == ["user", "tool", "assistant", "user"]
    assert roles(alternating([called("a"), result("a", "r"), done], NEEDS)) == [
        "user",
        "tool",
        "assistant",
    ]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (
            [USER, called("a"), result("a", "r"), USER],
            ["user", "calls", "tool", "assistant", "user"],
        ),
        ([USER, called("a"), USER], ["user", "calls", "user"]),
        ([called("a", "b"), result("a", "r"), result("b", "s")], ["user", "calls", "tool", "tool"]),
        ([USER, USER], ["user"]),
    ],
)
def test_calls_and_results_may_count_as_turns(messages: list[Message], expected: list[str]) -> None:
    turns = alternating(messages, NEEDS, calls_count=True)
    assert ["calls" if turn.tool_calls else turn.role for turn in turns] == expected


def test_a_turn_without_a_text_gets_one_where_that_is_refused() -> None:
    silent = Message(role="assistant", content="")
    values = values_of([USER, silent, USER, called("a")], Needs(filler=" "))
    assert [value["content"] for value in values] == ["Hello", " ", "Hello", ""]
    values = values_of([USER, silent, USER, called("a")], Needs(parts=True, filler="..."))
    assert [value["content"][0]["text"] for value in values] == ["Hello", "...", "Hello", ""]


def test_every_turn_of_the_assistant_has_its_reasoning_where_that_is_required() -> None:
    answer = Message(role="assistant", content="Hello")
    needs = Needs(reasoning="thinking", reasoning_required=True)
    assert values_of([USER, answer], needs)[1]["thinking"] == ""
    assert "thinking" not in values_of([USER, answer], needs)[0]


def test_plain_turns_are_text_and_alternate() -> None:
    values = normalised(plain([called("a"), result("a", "r"), USER], NEEDS), NEEDS)
    assert [v["role"] for v in values] == ["user", "assistant", "user"]
    assert all(set(v) == {"role", "content"} for v in values)


def test_a_tool_without_parameters_still_has_a_schema() -> None:
    function = tool_values([Tool(name="now")])[0]["function"]
    assert function == {
        "name": "now",
        "description": "",
        "parameters": {"type": "object", "properties": {}},
    }


def test_calls_sent_one_by_one_are_one_turn_with_its_results_in_order() -> None:
    messages = [USER, called("a"), called("b"), result("b", "second"), result("a", "first")]
    values = values_of(messages)
    assert [v["role"] for v in values] == ["user", "assistant", "tool", "tool"]
    assert [call["id"] for call in values[1]["tool_calls"]] == ["a", "b"]
    assert [v["content"] for v in values[2:]] == ["first", "second"]


def test_an_id_that_is_made_up_is_nobody_else_s() -> None:
    values = values_of([USER, called("call_1"), USER, called(None)])
    assert values[3]["tool_calls"][0]["id"] == "call_1_"


def test_a_late_result_stands_behind_its_call() -> None:
    values = values_of([USER, called("a", "b"), result("b", "two"), USER, result("a", "one")])
    assert [v["content"] for v in values[2:]] == ["one", "two", "Hello"]


def test_no_two_calls_of_a_conversation_share_an_id() -> None:
    turn = [called("a", "a"), result("a", "first"), result("a", "second")]
    values = values_of([USER, *turn, USER, *turn])
    ids = [call["id"] for value in values for call in value.get("tool_calls", [])]
    assert len(set(ids)) == 4
    assert [v["tool_call_id"] for v in values if v["role"] == "tool"] == ids
    values, ids = values[:4], ids[:2]
    assert [v["tool_call_id"] for v in values[2:]] == ids
    assert [v["content"] for v in values[2:]] == ["first", "second"]


def test_ids_count_where_the_template_s_do() -> None:
    needs = Needs(ids="functions.{name}:{index}")
    values = values_of([USER, called("x", "y"), result("y", "r"), USER, called("x")], needs)
    assert [c["id"] for c in values[1]["tool_calls"]] == ["functions.tool0:0", "functions.tool1:1"]
    assert values[2]["tool_call_id"] == "functions.tool1:1"
    assert values[4]["tool_calls"][0]["id"] == "functions.tool0:2"


def test_content_reasoning_and_results_take_the_form_the_template_knows() -> None:
    needs = Needs(parts=True, reasoning="thinking", result_role="ipython")
    thinking = Message(role="assistant", content="", reasoning_content="Hm.")
    user, assistant = values_of([USER, thinking], needs)
    assert user["content"] == [{"type": "text", "text": "Hello"}]
    assert assistant == {"role": "assistant", "content": [], "thinking": "Hm."}
    assert values_of([USER, called("a"), result("a", "r")], needs)[2]["role"] == "ipython"


def test_broken_arguments_are_mended_or_kept_as_text() -> None:
    def turn(arguments: str) -> Message:
        return Message(role="assistant", tool_calls=(ToolCall("a", "f", arguments),))

    (fixed,) = mended([turn("{'a': True,")])
    assert fixed.tool_calls[0].arguments == '{"a": true}'
    (kept,) = mended([turn("{oops")])
    assert kept.tool_calls[0].arguments == '{"input": "{oops"}'


def test_a_conversation_without_a_user_gets_an_empty_turn() -> None:
    system = Message(role="system", content="Be brief.")
    assert [v["role"] for v in values_of([system])] == ["system", "user"]
    assert [v["role"] for v in normalised(plain([system], NEEDS), NEEDS)] == ["system", "user"]
    assert [v["role"] for v in values_of([called("a")])] == ["user", "assistant"]


def test_what_is_said_beside_a_call_is_one_text_where_there_is_room_for_one() -> None:
    calls = called("a").tool_calls
    turn = Message(role="assistant", content="I look.", reasoning_content="Hm.", tool_calls=calls)
    value = values_of([USER, turn], Needs(one_text=True))[1]
    assert (value["content"], value["reasoning_content"]) == ("", "Hm.\n\nI look.")
