"""Templates that do one thing otherwise: understood where they can be, given up with a reason."""

from __future__ import annotations

import pytest

from gguf_fc.dialect import Dialect
from gguf_fc.dialect.prompt.template import Template
from gguf_fc.dialect.syntax import Marked
from tests.support.families import (
    EVERYTHING,
    FOLDER,
    NOTHING,
    PARIS,
    TOOLS,
    USER,
    hear,
    wanted,
)
from tests.support.templates import template_text

HEAD = "{% if tools %}<|system|>{{ tools | tojson }}<|end|>{% endif %}"
TAIL = "{% if add_generation_prompt %}<|assistant|>{% endif %}"
CALLS = "{% for call in m.tool_calls or [] %}{% set f = call.function %}"


def with_calls(written: str, *, head: str = HEAD, tail: str = TAIL) -> Dialect:
    """The dialect of a template that writes each call *f* as *written*."""
    turn = "<|{{ m.role }}|>{{ m.content }}" + CALLS + written + "{% endfor %}<|end|>"
    text = head + "{% for m in messages %}" + turn + "{% endfor %}" + tail
    return Dialect.from_template(text)


def family(name: str, *changes: tuple[str, str]) -> Dialect:
    """The dialect of a family's template with some *changes*."""
    text = (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return Dialect.from_template(text, bos_token="<s>")  # noqa: S106  not a password


ARGUMENTS = "{{ f.arguments | tojson }}"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("<call>{{ f.name }} {{ f.arguments.values() | join }}</call>", "neither as JSON nor"),
        (
            (
                "<call>{{ f.name }}{% for k, v in f.arguments | items %} {{ k }}={{ v }}"
                "{% endfor %}</call>"
            ),
            "neither as JSON nor",
        ),
        (
            (
                "<call>{{ f.name }} {% if loop.first %}{{ f.arguments | tojson }}{% else %}"
                "{{ f.arguments | tojson(indent=3) }}{% endif %}</call>"
            ),
            "does not write arguments as a JSON object",
        ),
        (
            (
                "<call>{{ f.name }}{% for k, v in f.arguments | items %}<arg {{ k }}>"
                "{{ 'n' * v if v is integer else v }}</arg>{% endfor %}</call>"
            ),
            "the template does not write",
        ),
        (
            (
                "<call>{{ f.name }}{% for k, v in f.arguments | items %}<arg {{ k }}>"
                "{% if v is string %}{{ v }}{% elif v is mapping %}of {{ v | length }}"
                "{% elif v is sequence %}<arg each>{{ v | join('<arg each>') }}"
                "{% else %}{{ v | tojson }}{% endif %}</arg>{% endfor %}</call>"
            ),
            "the template does not write",
        ),
        (f"<call>{ARGUMENTS}</call>", "does not write the name"),
        ("", "does not show calls"),
        (
            (
                '<call>{"name": "{{ f.name }}", "arguments": '
                "{{ f.arguments | tojson | replace('left', 'right') }}}</call>"
            ),
            "does not write arguments as JSON",
        ),
        (
            '<call>{"name": "{{ f.name }}", "arguments": ' + ARGUMENTS + "}{{ f.name }}</call>",
            "",
        ),
    ],
)
def test_what_cannot_be_described_is_given_up_with_a_reason(written: str, reason: str) -> None:
    dialect = with_calls(written)
    if reason:
        assert not dialect.native
        assert reason in dialect.evidence[0].evidence
    assert hear(dialect.parser(TOOLS), dialect.write(tool_calls=[PARIS])).calls == wanted(PARIS)


def test_a_call_without_arguments_may_be_written_otherwise() -> None:
    dialect = family(
        "key_tags", ("{{- '</function>\\n</tool_call>' }}", "{{- '</function>\\n</tool_call>' }}")
    )
    assert dialect.syntax.bare_call is not None
    odd = with_calls(
        "{% if f.arguments %}<call>{{ f.name }}{% for k, v in f.arguments | items %}"
        "<arg {{ k }}>{{ v if v is string else v | tojson }}</arg>{% endfor %}</call>"
        "{% else %}{{ f.name }} alone{% endif %}"
    )
    assert odd.native
    assert odd.syntax.bare_call is None
    text = odd.write(tool_calls=[NOTHING])
    assert odd.grammar(TOOLS, "required").matches(text)
    assert hear(odd.parser(TOOLS), text).calls == wanted(NOTHING)


def test_lists_may_be_written_as_python_does_and_objects_as_json() -> None:
    spelled = "value if value is string else value | tojson"
    plain = "value is string or (value is sequence and value is not mapping)"
    mixed = f"value if {plain} else value | tojson"
    dialect = family("key_tags", (spelled, mixed))
    assert dialect.native, dialect.evidence
    text = dialect.write(tool_calls=[EVERYTHING])
    assert hear(dialect.parser(TOOLS), text).calls == wanted(EVERYTHING)


def test_text_and_calls_in_one_turn_may_be_refused_by_a_template_of_channels() -> None:
    begun = "{{- '<|start|>assistant' }}\n        {%- if message.reasoning_content"
    refusal = (
        "{%- if message.content and message.tool_calls %}{{ raise_exception('No.') }}{% endif %}"
    )
    dialect = family("channels", (begun, refusal + begun))
    assert dialect.native
    assert dialect.syntax.gap == dialect.syntax.separator == "<|eom|><|start|>assistant"
    text = dialect.write("Hello.", tool_calls=[PARIS])
    assert dialect.grammar(TOOLS, "auto").matches(text)


def test_a_template_that_changes_text_has_no_frame_for_it() -> None:
    dialect = family("lines", ("message.content }}", "message.content | upper }}"))
    assert dialect.native
    assert dialect.syntax.content == Marked()


def test_a_name_that_begins_a_line_needs_no_prefix() -> None:
    dialect = with_calls("{{ f.name }} " + ARGUMENTS + "\n")
    text = dialect.write(tool_calls=[PARIS, EVERYTHING][: 1 + dialect.syntax.parallel])
    assert dialect.grammar(TOOLS, "required").matches(text)
    assert hear(dialect.parser(TOOLS), text).ended == 1 + dialect.syntax.parallel


def test_a_template_may_be_compiled_elsewhere() -> None:
    compiled: list[str] = []

    def compile_template(text: str) -> Template:
        compiled.append(text)
        return Template(text)

    text = template_text("tagged")
    dialect = Dialect.from_template(text, compile_template=compile_template)
    assert dialect.native
    assert compiled == [text]


# Reasoning.

THINK = "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}"
CALL = '<call>{"name": "{{ f.name }}", "arguments": ' + ARGUMENTS + "}</call>"


@pytest.mark.parametrize(
    ("written", "tail"),
    [
        (THINK + CALL, TAIL),
        (CALL, "{% if add_generation_prompt %}<|assistant|><think>{% endif %}{# </think> #}"),
        (
            CALL,
            (
                "{% if add_generation_prompt %}<|assistant|>{% if enable_thinking is false %}"
                "<think></think>{% endif %}{% endif %}"
            ),
        ),
        (CALL, TAIL + "{# <think> and </think> #}"),
    ],
)
def test_reasoning_is_found_wherever_it_is_shown(written: str, tail: str) -> None:
    dialect = with_calls(written, tail=tail)
    assert dialect.native
    reasoning = dialect.syntax.reasoning
    assert reasoning is not None
    assert (reasoning.open.strip(), reasoning.close.strip()) == ("<think>", "</think>")
    read = hear(dialect.parser(TOOLS), "<think>Hm.</think>" + dialect.write(tool_calls=[PARIS]))
    assert (read.reasoning, read.calls) == ("Hm.", wanted(PARIS))


def test_a_call_after_reasoning_that_the_prompt_has_opened_closes_it_first() -> None:
    tail = "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}{# </think> #}"
    dialect = with_calls(CALL, tail=tail)
    prompt = dialect.render([USER], tools=TOOLS)
    assert prompt.prefill.strip().endswith("<think>")
    text = dialect.write(tool_calls=[PARIS], prefill=prompt.prefill)
    assert text.lstrip().startswith("</think>")
    assert dialect.grammar(TOOLS, "required", prefill=prompt.prefill).matches(text)
    read = hear(dialect.parser(TOOLS, prefill=prompt.prefill), text)
    assert (read.reasoning, read.calls) == ("", wanted(PARIS))


def test_reasoning_that_the_prompt_only_closes_is_over() -> None:
    dialect = with_calls(CALL, tail=TAIL + "{# <think> and </think> #}")
    read = hear(dialect.parser(TOOLS, prefill="</think>"), "Hello.")
    assert (read.content, read.reasoning) == ("Hello.", "")


def test_tags_around_a_turn_are_no_reasoning() -> None:
    dialect = Dialect.from_template(
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    assert dialect.syntax.reasoning is None
    prompt = dialect.render([USER])
    read = hear(dialect.parser(TOOLS, prefill=prompt.prefill), "Hello there.")
    assert (read.content, read.reasoning) == ("Hello there.", "")


def test_a_block_that_the_prompt_opens_and_an_answer_closes_is_reasoning() -> None:
    dialect = Dialect.from_template(
        "{% for m in messages %}<|{{ m.role }}|>"
        "{% if m.role == 'assistant' %}<muse>\n\n</muse>{% endif %}{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|><muse>\n{% endif %}"
    )
    assert dialect.syntax.reasoning == Marked("<muse>\n", "\n</muse>")


def test_a_label_names_arguments_that_are_pairs() -> None:
    assert family("key_tags").label == "native (name and key-value pairs)"


def test_definitions_of_tools_behind_the_messages_are_no_part_of_a_call() -> None:
    turn = "{% for m in messages %}<|{{ m.role }}|>{{ m.content or '' }}<|end|>{% endfor %}"
    tools = "{% if tools %}<|tools|>{{ tools | tojson }}<|end|>{% endif %}"
    dialect = Dialect.from_template(turn + tools + TAIL)
    assert not dialect.native
    assert "Paris" in dialect.render([{"role": "user", "content": "Paris?"}], tools=TOOLS).text
