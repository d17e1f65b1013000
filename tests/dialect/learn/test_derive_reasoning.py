"""How a model reasons, from templates that show it in different places."""

from __future__ import annotations

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.syntax import Marked

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


def test_a_tag_with_a_word_behind_it_is_one_mark_wherever_the_prompt_ends() -> None:
    shown = "<|channel>thought\n{{ m.reasoning_content }}\n<channel|>"
    prompt = "{% if not enable_thinking %}<|channel>thought\n<channel|>{% endif %}"
    template = CHAT.replace("HISTORY", shown).replace("PROMPT", prompt)
    reasoning = Dialect.from_template(template).syntax.reasoning
    assert reasoning == Marked("<|channel>thought\n", "\n<channel|>")


def test_a_tag_with_a_word_behind_it_may_be_shown_before_a_call_only() -> None:
    shown = (
        "{% if m.tool_calls %}{% if m.reasoning_content %}<|channel>thought\n"
        "{{ m.reasoning_content }}\n<channel|>{% endif %}{% for c in m.tool_calls %}<call>"
        '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}'
        "</call>{% endfor %}{% endif %}"
    )
    template = CHAT.replace("HISTORY", shown).replace("PROMPT", "")
    reasoning = Dialect.from_template(template).syntax.reasoning
    assert reasoning == Marked("<|channel>thought\n", "\n<channel|>")


PARTS = """\
{%- for m in messages -%}
{%- if m.role == "assistant" %}<a>{% if m.content is string %}{{ m.content }}{% else -%}
{%- for p in m.content %}{% if p.type == "thinking" %}[THINK]{{ p.thinking }}[/THINK]
{%- else %}{{ p.text }}{% endif %}{% endfor %}{% endif %}<end>
{%- else %}<u>{{ m.content }}{% endif %}
{%- endfor -%}
{%- if add_generation_prompt %}<a>{% endif -%}
"""
BLOCKS = """\
{%- for m in messages -%}
{%- if m.role == "assistant" %}<a>{% if m.content is string %}{{ m.content }}{% else -%}
{%- for b in m.content.blocks %}{% if b.type == "thoughts" %}[THINK]{{ b.text }}[/THINK]
{%- elif b.type == "response" %}{{ b.text }}{% endif %}{% endfor %}{% endif %}<end>
{%- else %}<u>{{ m.content }}{% endif %}
{%- endfor -%}
{%- if add_generation_prompt %}<a>{% endif -%}
"""


@pytest.mark.parametrize("template", [PARTS, BLOCKS])
def test_reasoning_may_stand_in_the_content_in_past_turns_and_begun_ones(template: str) -> None:
    dialect = Dialect.from_template(template)
    assert dialect.syntax.reasoning == Marked("[THINK]", "[/THINK]")
    thought = {"role": "assistant", "reasoning_content": "Hm.", "content": "Fine."}
    assert "<a>[THINK]Hm.[/THINK]Fine.<end>" in dialect.render([USER, thought, USER]).text
    assert dialect.render([USER, thought]).text.endswith("<a>[THINK]Hm.[/THINK]Fine.")
    begun = {"role": "assistant", "reasoning_content": "Hm", "content": ""}
    assert dialect.render([USER, begun]).text.endswith("<a>[THINK]Hm")


def test_content_that_is_printed_as_it_is_given_shows_no_reasoning() -> None:
    template = CHAT.replace("HISTORY", "").replace("PROMPT", "")
    assert Dialect.from_template(template).needs.reasoning == "reasoning_content"


def test_the_closing_mark_may_be_named_in_either_quotes() -> None:
    split = '{% set said = m.content.split("</think>")[-1] %}{{ said }}'
    template = CHAT.replace("HISTORY{{ m.content }}", split).replace("PROMPT", "")
    assert Dialect.from_template(template).syntax.reasoning == Marked("<think>", "</think>")


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("[THINK]", "[/THINK]"),
        ("<think>", "</think>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<|thought_start|>", "<|thought_end|>"),
        ("<|thinking_prefix|>", "<|thinking_suffix|>"),
    ],
)
def test_control_tokens_may_name_reasoning_that_the_template_does_not(
    opening: str, closing: str
) -> None:
    template = CHAT.replace("HISTORY", "").replace("PROMPT", "")
    tokens = ("<a>", closing, "<u>", opening)
    dialect = Dialect.from_template(template, special_tokens=tokens)
    assert dialect.syntax.reasoning == Marked(opening, closing)
    assert Dialect.from_template(template).syntax.reasoning is None
    alone = Dialect.from_template(template, special_tokens=(opening, "[/INST]"))
    assert alone.syntax.reasoning is None


@pytest.mark.parametrize(
    ("tags", "reply"),
    [
        (("<|channel>", "<channel|>"), "<|channel>thought\nhm\n<channel|>Hello"),
        (("<inner>", "</inner>"), "<inner>hm</inner>Hello"),
    ],
)
def test_a_macro_that_strips_thoughts_names_their_marks(tags: tuple[str, str], reply: str) -> None:
    macro = (
        f"{{% macro strip_thinking(text) %}}{{% for part in text.split('{tags[1]}') %}}"
        f"{{{{ part.split('{tags[0]}')[0] }}}}{{% endfor %}}{{% endmacro %}}"
    )
    template = CHAT.replace("HISTORY{{ m.content }}", "{{ strip_thinking(m.content) }}")
    dialect = Dialect.from_template(macro + template.replace("PROMPT", ""))
    read = dialect.parse(reply)
    assert (read.content, (read.reasoning_content or "").strip()) == ("Hello", "hm")
    other = Dialect.from_template(macro.replace("thinking", "spaces") + CHAT)
    assert other.syntax.reasoning is None
