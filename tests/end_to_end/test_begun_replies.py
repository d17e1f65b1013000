"""A reply the client has begun, where its form is prescribed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gguf_fc.errors import InvalidParameter
from gguf_fc.events import CallEnd, CallStart, Check, Event, Finish, TextDelta
from gguf_fc.request import Format, Message, ToolChoice
from tests.support.asking import TOOL, Asked, asking

pytestmark = pytest.mark.live

ANSWER = Format(
    type="json_schema",
    schema={
        "type": "object",
        "properties": {"at": {"enum": ["left", "right"]}, "n": {"type": "integer"}},
        "required": ["at"],
        "additionalProperties": False,
    },
)
REQUIRED: dict[str, Any] = {
    "tools": (TOOL,),
    "tool_choice": ToolChoice("required"),
    "parallel_tool_calls": False,
}


@pytest.fixture(scope="module", params=["", "<think>\n\n</think>\n\n"], ids=["bare", "closed"])
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    with asking(tmp_path_factory.mktemp("model"), request.param, {}) as asked:
        yield asked


def begun(content: str) -> Message:
    return Message(role="assistant", content=content)


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("said", ["{", '{"at": "l', '{"at": "left", "n": 1'])
@pytest.mark.parametrize("tools", [(), (TOOL,)], ids=["alone", "beside tools"])
def test_an_answer_goes_on_in_its_form(model: Asked, said: str, tools: Any) -> None:
    *events, finish = model.ask(begun(said), format=ANSWER, tools=tools, max_tokens=60)
    assert isinstance(finish, Finish)
    if finish.done.finish_reason == "stop":
        assert text_of(events).endswith("}")
        assert finish.checks == (Check("content", "valid"),)
    else:
        assert '"n"' in said + text_of(events)  # a long number


def test_a_required_call_comes_behind_what_was_said(model: Asked) -> None:
    *events, finish = model.ask(begun("I look."), **REQUIRED)
    assert isinstance(finish, Finish)
    assert finish.done.finish_reason == "stop"
    assert [event.name for event in events if isinstance(event, CallStart)][:1] == ["look"]
    assert any(isinstance(event, CallEnd) for event in events)
    assert text_of(events) == ""


def test_what_does_not_begin_like_the_form_is_refused(model: Asked) -> None:
    with pytest.raises(InvalidParameter, match="leave one of them out") as raised:
        model.ask(begun("Well, "), format=ANSWER)
    assert raised.value.param == "messages"
