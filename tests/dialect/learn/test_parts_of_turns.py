"""Parts of a turn that have tags or headers of their own: answers, thoughts, calls."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.syntax import Marked
from tests.support.families import hear

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Looks.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
LOOKED = ("look", '{"at": "x"}')
CALL = '{"name": "look", "arguments": {"at": "x"}}'
# An answer between tags, which stand on lines of their own; the prompt opens the thoughts.
ANSWERS = (
    "{{ tools | tojson if tools }}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' %}{% if m.reasoning_content %}"
    "{{ '<think>\n' + m.reasoning_content + '\n</think>\n' }}{% endif %}"
    "{% if m.content %}{{ '\n<response>\n' + m.content + '\n</response>\n' }}{% endif %}"
    "{% for call in m.tool_calls or [] %}"
    '{{ \'\n<tool_call>\n{"name": "\' + call.function.name + \'", "arguments": \' }}'
    "{{ call.function.arguments | tojson }}{{ '}\n</tool_call>\n' }}{% endfor %}"
    "{% else %}{{ m.content }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
# Headers that begin alike: what follows the role says which part it is.
HEADERS = (
    "{{ tools | tojson if tools }}{% for m in messages %}{% if m.role == 'assistant' %}"
    "{% if m.reasoning_content %}"
    "{{ '<|im_start|>assistant/think\n' + m.reasoning_content + '<|im_end|>\n' }}{% endif %}"
    "{% if m.content %}{{ '<|im_start|>assistant\n' + m.content + '<|im_end|>' }}"
    "{{ '\n' if m.tool_calls else '<|endofturn|>\n' }}{% endif %}{% if m.tool_calls %}"
    "{{ '<|im_start|>assistant -> tool/function_call\n[' }}{% for call in m.tool_calls %}"
    '{{ \'{"name": "\' + call.function.name + \'", "arguments": \' }}'
    "{{ call.function.arguments | tojson }}}{{ ', ' if not loop.last }}{% endfor %}"
    "]<|im_end|><|stop|>\n{% endif %}"
    "{% else %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant{% endif %}"
)
# A turn begins with a space, whatever it begins with.
SPACED = (
    "{{ tools | tojson if tools }}{% for m in messages %}{{ m.role }}:"
    "{% if m.reasoning_content %}{{ ' <reasoning>\n' + m.reasoning_content + '\n</reasoning>' }}"
    "{% endif %}{{ ' ' + m.content if m.content }}{% for call in m.tool_calls or [] %}<tool_call>\n"
    '{{ \'{"name": "\' + call.function.name + \'", "arguments": \' }}'
    "{{ call.function.arguments | tojson }}}\n</tool_call>{% endfor %} <sep> {% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
ANEW = "<|im_end|>\n<|im_start|>assistant"
CASES = [
    # template, reply, reasoning, content, calls
    (ANSWERS, f"hm\n</think>\n\n<tool_call>\n{CALL}\n</tool_call>", "hm", "", 1),
    (ANSWERS, "hm\n</think>\n\n<response>\nHi\n</response>", "hm", "Hi", 0),
    (
        ANSWERS,
        f"hm\n</think>\n\n<response>\nHi\n</response>\n\n<tool_call>\n{CALL}\n</tool_call>",
        "hm",
        "Hi",
        1,
    ),
    (SPACED, " Hi", "", "Hi", 0),
    (SPACED, " <reasoning>\nhm\n</reasoning> Hi", "hm", "Hi", 0),
    (SPACED, f" <tool_call>\n{CALL}\n</tool_call>", "", "", 1),
    (HEADERS, "\nHi", "", "Hi", 0),
    (HEADERS, f" -> tool/function_call\n[{CALL}]", "", "", 1),
    (HEADERS, f"\nHi{ANEW} -> tool/function_call\n[{CALL}, {CALL}]", "", "Hi", 2),
    (HEADERS, f"/think\nhm{ANEW}\nHi", "hm", "Hi", 0),
    (HEADERS, f"/think\nhm{ANEW} -> tool/function_call\n[{CALL}]", "hm", "", 1),
]


@pytest.mark.parametrize(("template", "reply", "reasoning", "content", "calls"), CASES)
def test_each_part_is_read_as_what_it_is_and_is_in_the_grammar(
    template: str, reply: str, reasoning: str, content: str, calls: int
) -> None:
    dialect = Dialect.from_template(template)
    assert dialect.native, dialect.evidence
    prefill = dialect.render([{"role": "user", "content": "Hi"}], [TOOL]).prefill
    for pieces in ([reply], list(reply)):
        heard = hear(dialect.parser(tools=[TOOL], prefill=prefill), pieces)
        assert (heard.reasoning, heard.content) == (reasoning, content)
        assert heard.calls == [LOOKED] * calls
    assert dialect.grammar([TOOL], prefill=prefill, parallel_tool_calls=True).matches(reply)


def test_a_prompt_that_opens_thoughts_says_how_they_end() -> None:
    text = (
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|><think>{% endif %}"
    )
    assert Dialect.from_template(text).syntax.reasoning == Marked("<think>", "</think>")
    other = Dialect.from_template(text.replace("<think>", "<answer>"))
    assert other.syntax.reasoning is None
