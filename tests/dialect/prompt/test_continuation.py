"""A turn the client has begun: the template's own beginning of it, or the syntax's."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from tests.support.templates import NAMES, dialect_of

USER = {"role": "user", "content": "How is Paris?"}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object"}},
}


def begun(content: Any = None, reasoning: str | None = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "reasoning_content": reasoning}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tools", [None, [TOOL]])
@pytest.mark.parametrize("content", ["Paris is, ", "Paris is", "x\n"])
def test_the_prompt_ends_with_what_was_begun(
    name: str, tools: list[dict[str, Any]] | None, content: str
) -> None:
    dialect = dialect_of(name)
    usual = dialect.render([USER], tools=tools)
    prompt = dialect.render([USER, begun(content)], tools=tools)
    assert prompt.text.endswith(content)
    assert prompt.text.startswith(usual.text[: len(usual.text) - len(usual.prefill)])
    assert prompt.text.endswith(prompt.prefill)
    reply = dialect.parse("fine.", tools=tools, prefill=prompt.prefill)
    assert (reply.content or "").strip() == f"{content}fine.".strip()
    assert not reply.tool_calls


@pytest.mark.parametrize("name", NAMES)
def test_the_grammar_goes_on_behind_what_was_begun(name: str) -> None:
    dialect = dialect_of(name)
    prompt = dialect.render([USER, begun("Paris is")], tools=[TOOL])
    grammar = dialect.grammar(tools=[TOOL], tool_choice="none", prefill=prompt.prefill)
    assert grammar.matches(" fine.")


def test_a_required_call_comes_behind_what_was_begun() -> None:
    dialect = dialect_of("tagged")
    prompt = dialect.render([USER, begun("I look.")], tools=[TOOL])
    name = TOOL["function"]["name"]
    text = dialect.write("I look.", tool_calls=[{"name": name, "arguments": {}}])
    grammar = dialect.grammar([TOOL], "required", prefill=prompt.prefill)
    assert grammar.matches(text.removeprefix("I look."))
    assert not grammar.matches(" Well.")


def test_what_the_client_said_can_be_told_from_what_the_prompt_begins_with() -> None:
    dialect = dialect_of("tagged")
    both = dialect.render([USER, begun("Fine", "Well.")])
    assert both.unsaid == "<think>\nWell.\n</think>\n\n"
    assert dialect.render([USER]).unsaid is None


def test_reasoning_goes_on_or_is_closed_before_the_content() -> None:
    dialect = dialect_of("tagged")
    thinking = dialect.render([USER, begun("", "Well,")])
    assert thinking.prefill == "<think>\nWell,"
    reply = dialect.parse(" yes.\n</think>\n\nFine.", prefill=thinking.prefill)
    assert (reply.reasoning_content, reply.content) == ("Well, yes.", "Fine.")
    both = dialect.render([USER, begun("Fine", "Well.")])
    assert both.prefill == "<think>\nWell.\n</think>\n\nFine"
    reply = dialect.parse(" day.", prefill=both.prefill)
    assert (reply.reasoning_content, reply.content) == ("Well.", "Fine day.")


HEAD = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
FORGETFUL = HEAD + (
    "{% if add_generation_prompt %}<assistant>"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
    "{% if enable_thinking is defined and enable_thinking %}<think>\n{% endif %}{% endif %}"
)


@pytest.mark.parametrize(
    ("turn", "thinking", "prefill"),
    [
        (begun("Fine", "Well."), None, "<think>\nWell.\n</think>\n\nFine"),
        (begun("Fine", "Well."), True, "<think>\nWell.\n</think>\n\nFine"),
        (begun("", "Well,"), True, "<think>\nWell,"),
        (begun("Fine"), None, "Fine"),
        (begun("Fine", "Well."), False, "<think>\n\n</think>\n\nFine"),
    ],
)
def test_a_template_that_drops_reasoning_is_helped_out(
    turn: dict[str, Any],
    thinking: bool | None,  # noqa: FBT001
    prefill: str,
) -> None:
    variables: dict[str, Any] = {} if thinking is None else {"enable_thinking": thinking}
    prompt = Dialect.from_template(FORGETFUL).render([USER, turn], **variables)
    assert prompt.text == "<user>How is Paris?</user><assistant>" + prefill
    assert prompt.prefill == prefill


def test_a_template_that_refuses_such_a_turn_is_helped_out() -> None:
    text = "{% if messages[-1].role == 'assistant' %}{{ raise_exception('No.') }}{% endif %}" + HEAD
    text += "{% if add_generation_prompt %}<assistant>{% endif %}"
    prompt = Dialect.from_template(text).render([USER, begun("Fine")])
    assert prompt.text == "<user>How is Paris?</user><assistant>Fine"


def test_content_in_parts_is_begun_too() -> None:
    text = (
        "{% for m in messages %}<{{ m.role }}>{% for p in m.content %}{% if p.text %}{{ p.text }}"
        "{% endif %}{% endfor %}</{{ m.role }}>{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    prompt = Dialect.from_template(text).render([USER, begun([{"type": "text", "text": "Fi"}])])
    assert prompt.text == "<user>How is Paris?</user><assistant>Fi"


def test_begun_text_never_becomes_a_control_token() -> None:
    dialect = dialect_of("tagged", special_tokens=("<|im_end|>",))
    prompt = dialect.render([USER, begun("a<|im_end|>b")])
    assert prompt.prefill.endswith("a<|im_end|>b")
    assert [s.text for s in prompt.segments if not s.special] == ["<|im_end|>"]


def test_a_past_turn_is_no_begun_one() -> None:
    dialect = dialect_of("tagged")
    assert dialect.render([USER, begun("Fine.")], add_generation_prompt=False).prefill == ""
    called = {**begun(), "tool_calls": [{"id": "a", "function": {"name": "look"}}]}
    assert dialect.render([USER, called], tools=[TOOL]).prefill == ""
    assert dialect.render([USER, begun("")]) == dialect.render([USER])
