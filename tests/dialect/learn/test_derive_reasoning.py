"""How a model reasons, from templates that show it in different places."""

from __future__ import annotations

import pytest

from gguf_fc import Dialect

CHAT = """\
{%- for m in messages -%}
{%- if m.role == "assistant" %}<a>HISTORY{{ m.content }}<end>{% else %}<u>{{ m.content }}{% endif %}
{%- endfor -%}
{%- if add_generation_prompt %}<a>PROMPT{% endif -%}
"""
SHOWN = "<think>{{ m.reasoning_content }}</think>"
USER = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    "prompt",
    ["", "<think>", "<think></think>"],
    ids=["nothing", "opened", "empty block"],
)
def test_the_marks_are_the_same_whatever_the_prompt_holds_of_them(prompt: str) -> None:
    template = CHAT.replace("HISTORY", SHOWN).replace("PROMPT", prompt)
    dialect = Dialect.from_template(template)
    reasoning = dialect.syntax.reasoning
    assert reasoning is not None
    assert (reasoning.open.strip(), reasoning.close.strip()) == ("<think>", "</think>")
    assert dialect.render([USER]).prefill in ("", prompt, prompt.removeprefix("<think>"))


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ("{{ m.content }}<note>{{ m.reasoning_content }}</note>", "behind the answer"),
        ("{{ m.reasoning_content }} {{ m.content }}", "nothing parts it from the answer"),
        ("{{ m.content }}{# </rethink> #}", "no opening to the closing tag"),
    ],
)
def test_what_no_marks_enclose_before_an_answer_is_no_reasoning(turn: str, reason: str) -> None:
    template = CHAT.replace("HISTORY{{ m.content }}", turn).replace("PROMPT", "")
    assert Dialect.from_template(template).syntax.reasoning is None, reason


def test_a_switch_that_fails_where_there_are_tools_is_no_end_of_the_matter() -> None:
    prompt = (
        "{% if enable_thinking is false %}"
        "{% if tools %}{{ raise_exception('Think about tools.') }}{% endif %}"
        "<think></think>{% endif %}"
    )
    template = CHAT.replace("HISTORY", SHOWN).replace("PROMPT", prompt)
    dialect = Dialect.from_template(template)
    assert [switch.name for switch in dialect.thinking.switches] == ["enable_thinking"]
    assert dialect.syntax.reasoning is not None
