"""What a template lets be set about reasoning is found by throwing its switches."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.learn.thinking import Amount, Switch, Thinking, thinking_of
from gguf_fc.dialect.prompt.render import Chat
from gguf_fc.dialect.prompt.template import Template
from tests.support.templates import dialect_of


def found(text: str) -> Thinking:
    return thinking_of(Chat(template=Template("{{ messages[0].content }}" + text)))


def switched(name: str, *, on: Any = True, off: Any = False) -> Thinking:
    return Thinking(switches=(Switch(name, on, off),))


@pytest.mark.parametrize(
    ("text", "thinking"),
    [
        ("", Thinking()),
        (
            "{% if enable_thinking is defined and not enable_thinking %}x{% endif %}",
            switched("enable_thinking"),
        ),
        ("{% if thinking %}<think>{% endif %}", switched("thinking")),
        (
            "{% if think_mode == 'enabled' %}x{% endif %}",
            switched("think_mode", on="enabled", off="disabled"),
        ),
        (
            "{{ 'thinking ' + (thinking_option or 'on') }}",
            switched("thinking_option", on="on", off="off"),
        ),
        ("{% if no_thinking %}x{% endif %}", switched("no_thinking", on=False, off=True)),
        # Said in the text, and nothing to set.
        ("{% set thinking = true %}{{ 'reasoning ' }}{% if thinking %}x{% endif %}", Thinking()),
        ("{% if m.reasoning_content %}x{% endif %}", Thinking()),
        (
            "Effort: {{ reasoning_effort | default('medium') }}",
            Thinking(amounts=(Amount("reasoning_effort", ("low", "medium", "high")),)),
        ),
        (
            "{{ {'none': 1, 'high': 2, '': 3}[reasoning_effort or ''] + 1 }}",
            Thinking(amounts=(Amount("reasoning_effort", ("none", "high")),)),
        ),
        (
            "{% if thinking %}{% if reasoning_effort == 'max' %}hard{% endif %}on{% endif %}",
            Thinking(
                switches=(Switch("thinking", True, False),),
                amounts=(Amount("reasoning_effort", ("max",), strict=False),),
            ),
        ),
    ],
)
def test_switches_and_amounts_are_found(text: str, thinking: Thinking) -> None:
    assert found(text) == thinking


@pytest.mark.parametrize(
    ("thinking", "on", "effort", "variables"),
    [
        (Thinking(), True, "high", {}),
        (switched("t"), None, None, {}),
        (switched("t"), True, None, {"t": True}),
        (switched("t"), False, "high", {"t": False}),
        (switched("t"), None, "low", {"t": True}),
        (switched("t"), None, "none", {"t": False}),
    ],
)
def test_a_switch_is_thrown_as_asked(
    thinking: Thinking,
    on: bool | None,  # noqa: FBT001
    effort: str | None,
    variables: dict[str, Any],
) -> None:
    assert thinking.variables(on, effort) == variables


@pytest.mark.parametrize(
    ("takes", "on", "effort", "word"),
    [
        (("low", "medium", "high"), None, "medium", "medium"),
        (("low", "medium", "high"), None, "minimal", "low"),
        (("low", "medium", "high"), None, "xhigh", "high"),
        (("low", "medium", "high"), False, None, None),
        (("low", "medium", "high"), True, None, None),
        (("low", "high"), None, "medium", "high"),
        (("low", "high"), None, "a lot", "a lot"),
        (("no_think", "low", "high"), False, "high", "no_think"),
        (("no_think", "low", "high"), None, "none", "no_think"),
        (("no_think", "low", "high"), True, None, "high"),
        (("none",), None, "high", None),
    ],
)
def test_an_amount_is_the_nearest_word(
    takes: tuple[str, ...],
    on: bool | None,  # noqa: FBT001
    effort: str | None,
    word: str | None,
) -> None:
    variables = Thinking(amounts=(Amount("e", takes),)).variables(on, effort)
    assert variables == ({} if word is None else {"e": word})


def test_what_lies_between_the_words_may_be_the_template_s_own() -> None:
    thinking = Thinking(amounts=(Amount("e", ("max",), strict=False),))
    assert thinking.variables(effort="low") == {}
    assert thinking.variables(effort="xhigh") == {"e": "max"}


def test_a_dialect_says_what_to_set() -> None:
    dialect = dialect_of("tagged")
    assert dialect.thinking_variables(on=False) == {"enable_thinking": False}
    user = {"role": "user", "content": "Hello"}
    off = dialect.render([user], **dialect.thinking_variables(effort="none"))
    assert off.prefill == "<think>\n\n</think>\n\n"
    assert Dialect.from_template("{% if %}").thinking_variables(on=True) == {}
