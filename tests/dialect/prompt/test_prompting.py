"""The ways to a prompt are tried in turn, and what none of them can do is said."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from gguf_fc.errors import InvalidParameter, TemplateError
from gguf_fc.request import Tool
from tests.support.templates import NATIVE, dialect_of, template_text

USER = {"role": "user", "content": "How is Paris?"}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object"}},
}


@pytest.mark.parametrize("name", NATIVE)
def test_what_the_template_s_own_way_can_do_is_no_makeshift(name: str) -> None:
    dialect = dialect_of(name)
    assert dialect.render([USER, USER], tools=[TOOL]).warning is None
    assert dialect.render([USER]).warning is None


def test_a_template_that_refuses_tools_is_told_of_them_in_text() -> None:
    refusing = "{% if tools and messages | length > 1 %}{{ raise_exception('No.') }}{% endif %}"
    dialect = Dialect.from_template(refusing + template_text("array"))
    once = dialect.render([USER], tools=[TOOL])
    assert (once.warning, "look" in once.text) == (None, True)
    said = {"role": "assistant", "content": "Fine."}
    prompt = dialect.render([USER, said, USER], tools=[TOOL])
    assert "look" in prompt.text
    assert "Fine." in prompt.text


CALLED = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "look"}}]}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "Rain."}


@pytest.mark.parametrize("counts", ["m.role != 'tool' and not m.tool_calls", "true"])
@pytest.mark.parametrize("turns", [[CALLED, RESULT], [CALLED]])
def test_roles_alternate_where_they_must_whether_or_not_calls_count_as_turns(
    counts: str, turns: list[dict[str, Any]]
) -> None:
    alternate = (
        f"{{% set ns = namespace(odd=true) %}}{{% for m in messages %}}{{% if {counts} %}}"
        "{% if (m.role in ['user', 'tool']) != ns.odd %}{{ raise_exception('Alternate.') }}"
        "{% endif %}{% set ns.odd = not ns.odd %}{% endif %}{% endfor %}"
    )
    dialect = Dialect.from_template(alternate + template_text("tagged"))
    prompt = dialect.render([USER, *turns, USER, *turns, USER], tools=[TOOL])
    assert prompt.warning is None


SHOWN = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% for c in m.tool_calls or [] %}"
    "<call>{{ c.function | tojson }}</call>{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SYSTEM = {"role": "system", "content": "Be brief."}


def test_tools_that_a_template_does_not_show_are_told_in_the_system_message() -> None:
    dialect = Dialect.from_template(SHOWN)
    assert dialect.native
    assert "described in the system message" in dialect.warnings[0]
    prompt = dialect.render([SYSTEM, USER, CALLED, RESULT], tools=[TOOL])
    assert prompt.warning is None
    told, _, rest = prompt.text.partition("<|end|>")
    assert told.startswith("<|system|>")
    assert '"name": "look"' in told
    assert "<call>" in told  # in the template's own syntax
    assert told.endswith("Be brief.")
    assert rest.endswith("</call><|end|><|tool|>Rain.<|end|><|assistant|>")
    assert "look" not in dialect.render([SYSTEM, USER]).text


ROLES = (
    "{% for message in messages %}{% if loop.first %}[gMASK]sop<|{% else %}<|{% endif %}"
    "{{ message['role'] }}|>\n {{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_results_of_calls_that_became_text_keep_their_role_and_order() -> None:
    dialect = Dialect.from_template(ROLES)
    assert dialect.evidence[0].name == "known"
    calls = [{"id": id_, "function": {"name": "look", "arguments": '{"at": "x"}'}} for id_ in "ab"]
    results = [{"role": "tool", "tool_call_id": id_, "content": f"Is {id_}."} for id_ in "ba"]
    turn = {"role": "assistant", "tool_calls": calls}
    text = dialect.render([USER, turn, *results], tools=[TOOL]).text
    assert text.startswith("[gMASK]sop<|system|>\n Answer the following questions")
    call = "<|assistant|>look\n```python\ntool_call(at='x')\n```<|observation|>\n Is "
    assert text.endswith(f"{call}a.{call}b.<|assistant|>")


BLOCKS = (
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ 'System: ' + message['content'] + '\\n\\n' }}{% elif message['role'] == 'user' %}"
    "{{ 'User: ' + message['content'] + '\\n\\n' }}{% elif message['role'] == 'assistant' %}"
    "{{ 'Assistant: ' + message['content'] + '\\n\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def test_a_template_of_blocks_is_told_of_tools_as_its_models_were_trained() -> None:
    dialect = Dialect.from_template(BLOCKS)
    assert dialect.evidence[0].name == "known"
    text = dialect.render([USER, CALLED, RESULT], tools=[TOOL]).text
    assert text.startswith("System: You are a helpful assistant with access to the following")
    assert text.endswith("look\n```\ntool_call()\n```\n\nObersavtion: Rain.\n\nAssistant:")
    tool = {**TOOL["function"], "parameters": {"properties": {"at": {"type": "string"}}}}
    for call in ('tool_call("at"="a=b, (c)")', "tool_call(at='a=b, (c)')"):
        for language in ("", "python"):
            written = f" look\n```{language}\n{call}\n```"
            (read,) = dialect.parse(written, tools=[{"function": tool}]).tool_calls
            assert read.arguments == '{"at": "a=b, (c)"}'


def test_a_call_may_be_a_turn_with_metadata() -> None:
    dialect = Dialect.from_template(
        "{% for m in messages %}{% if m['tools'] %}{{ m['tools'] | tojson }}{% endif %}"
        "{% if m.content %}<|{{ m.role }}|>{{ m.metadata }}\n{{ m.content }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    assert dialect.native
    prompt = dialect.render([USER, CALLED, RESULT], tools=[TOOL])
    assert prompt.text.endswith("<|assistant|>look\n{}<|observation|>\nRain.<|assistant|>")
    beside = dialect.render([USER, {**CALLED, "content": "I look."}, RESULT], tools=[TOOL])
    assert "<|assistant|>\nI look.<|assistant|>look\n{}<|observation|>" in beside.text
    written = dialect.write(tool_calls=[{"name": "look", "arguments": {"a": 1}}])
    assert written == 'look\n{"a": 1}'
    (call,) = dialect.parse(written, tools=[TOOL]).tool_calls
    assert call.arguments == '{"a": 1}'


def test_a_template_that_refuses_everything_but_a_probe_gives_way_to_a_plain_one() -> None:
    text = "{% if 'Paris' in messages | tojson %}{{ raise_exception('No.') }}{% endif %}"
    dialect = Dialect.from_template(text + template_text("tagged"))
    prompt = dialect.render([USER], tools=[TOOL])
    assert prompt.warning is not None
    assert "No." in prompt.warning
    assert "### User:" in prompt.text
    assert "How is Paris?" in prompt.text


def test_more_than_any_template_may_write_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"too much|more than"):
        dialect_of("tagged").render([{"role": "user", "content": "x" * 17_000_000}])


def test_what_is_nested_too_deeply_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"items": schema}
    with pytest.raises(InvalidParameter, match="deeply"):
        dialect_of("tagged").render([USER], tools=[Tool(name="f", parameters=schema)])
