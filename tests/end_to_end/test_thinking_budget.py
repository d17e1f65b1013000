"""A thinking budget holds whatever the template and the request are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gguf_fc.errors import InvalidParameter
from gguf_fc.events import CallEnd, Finish, ReasoningDelta, TextDelta
from gguf_fc.request import Format, OwnGrammar, ToolChoice
from tests.support.asking import TOOL, Asked, asking

pytestmark = pytest.mark.live

PROMPTS = {
    "the model opens": "",
    "the prompt opens": "<think>\n",
    "a switch opens": "{% if enable_thinking is not false %}<think>\n{% endif %}",
}
REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"max_tokens": 40},
    "required": {
        "tools": (TOOL,),
        "tool_choice": ToolChoice("required"),
        "parallel_tool_calls": False,  # random weights might call again and again
    },
    "format": {"format": Format(type="json_schema", schema={"enum": ["yes", "no"]})},
}


@pytest.fixture(scope="module", params=PROMPTS)
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    """One that would think for ever."""
    bias = {"<think>": 50.0, "</think>": -50.0}
    with asking(tmp_path_factory.mktemp("model"), PROMPTS[request.param], bias) as asked:
        yield asked


@pytest.mark.parametrize("budget", [0, 6])
@pytest.mark.parametrize("asked", REQUESTS)
def test_the_reply_comes_after_so_many_tokens(model: Asked, asked: str, budget: int) -> None:
    events = model.ask(thinking_budget=budget, **REQUESTS[asked])
    *said, finish = events
    assert isinstance(finish, Finish)
    assert budget > 0 or not any(isinstance(event, ReasoningDelta) for event in said)
    if asked == "text":
        assert any(isinstance(event, TextDelta) for event in said)
        return
    assert finish.done.finish_reason == "stop"
    assert finish.done.completion_tokens < budget + 60
    text = "".join(event.text for event in said if isinstance(event, TextDelta))
    assert sum(isinstance(event, CallEnd) for event in said) == (asked == "required")
    assert text in (('"yes"', '"no"') if asked == "format" else ("",))


def test_reasoning_that_is_switched_off_is_closed_at_once(model: Asked) -> None:
    events = model.ask(thinking=False, **REQUESTS["required"])
    assert not any(isinstance(event, ReasoningDelta) for event in events)
    assert any(isinstance(event, CallEnd) for event in events)


def test_a_client_s_own_grammar_takes_no_budget(model: Asked) -> None:
    with pytest.raises(InvalidParameter, match="leave out the budget"):
        model.ask(grammar=OwnGrammar(source='root ::= "yes"'), thinking_budget=3)
