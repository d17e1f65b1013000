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
