"""Calls of models whose templates show roles only, or a header that the prompt holds already.

What such a model was trained on is known from its authors' own code: how it is told of tools, how
it writes a call, behind text too, and how a result comes back.
"""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from tests.support.families import Heard, hear

ROLES = (
    "{% for message in messages %}{% if loop.first %}[gMASK]sop<|{% else %}<|{% endif %}"
    "{{ message['role'] }}|>\n {{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
BLOCKS = (
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ 'System: ' + message['content'] + '\\n\\n' }}{% elif message['role'] == 'user' %}"
    "{{ 'User: ' + message['content'] + '\\n\\n' }}{% elif message['role'] == 'assistant' %}"
    "{{ 'Assistant: ' + message['content'] + '\\n\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
METADATA = (
    "[gMASK]<sop>{% for item in messages %}{% if item['tools'] is defined %}<|system|>\n"
    "{% for tool in item['tools'] %}{{ tool['function'] | tojson }}\n{% endfor %}{% endif %}"
    "{% if item['content'] %}<|{{ item['role'] }}|>{{ item['metadata'] }}\n"
    "{{ item['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
RECIPIENTS = (
    "{% for m in messages %}{% if m['role'] in ['user', 'system'] %}"
    "{{ '<|from|>' + m['role'] + '\\n<|recipient|>all\\n<|content|>' + m['content'] + '\\n' }}"
    "{% elif m['role'] == 'tool' %}"
    "{{ '<|from|>' + m['name'] + '\\n<|recipient|>all\\n<|content|>' + m['content'] + '\\n' }}"
    "{% else %}{% set ns = namespace(said=false) %}{% if m['content'] %}{% set ns.said = true %}"
    "{{ '<|from|>assistant\\n<|recipient|>all\\n<|content|>' + m['content'] }}{% endif %}"
    "{% for call in m['tool_calls'] or [] %}{{ '\\n' if ns.said or not loop.first }}"
    "{{ '<|from|>assistant\\n<|recipient|>' + call['function']['name'] + '\\n<|content|>' + "
    "call['function']['arguments'] }}{% endfor %}{{ '<|stop|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|from|>assistant\\n<|recipient|>' }}{% endif %}"
)
FUNCTIONS = (
    "{% set ns = namespace(all=messages) %}{% if messages[0]['role'] != 'system' %}"
    "{% set ns.all = [{'role': 'system', 'content': 'Use functions.'}] + messages %}{% endif %}"
    "{% if ns.all[1]['role'] | upper != 'FUNCTIONS' %}{{ raise_exception('Expected functions') }}"
    "{% endif %}{% for m in ns.all %}{{ m['role'] | upper }}: "
    "{% if m['role'] == 'assistant' and not m['tool_calls'] %}<plain>{% endif %}{{ m['content'] }}"
    "{% for call in m['tool_calls'] or [] %}<functioncall>{{ call['function'] | tojson }}"
    "{% endfor %}{{ '\\n\\n' }}{% endfor %}ASSISTANT: "
)
TEMPLATES = {
    "roles": ROLES,
    "blocks": BLOCKS,
    "metadata": METADATA,
    "recipients": RECIPIENTS,
    "functions": FUNCTIONS,
}


def tool(name: str, key: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {key: {"type": "string"}}}
    return {
        "type": "function",
        "function": {"name": name, "description": "x", "parameters": schema},
    }


TOOLS = [tool("track", "symbol"), tool("Calculator", "symbol")]
TRACKED = ("track", '{"symbol": "10111"}')
HEADER = "<|from|>assistant\n<|recipient|>"
CASES = [
    # template, reply, content, calls
    ("roles", "\n Hello", "Hello", []),
    ("roles", "track\n ```python\ntool_call(symbol='10111')\n```", "", [TRACKED]),
    ("roles", " track\n```python\ntool_call(symbol='10111')\n```", "", [TRACKED]),
    (
        "roles",
        "\n Wait.<|assistant|>track\n```\ntool_call(symbol='10111')\n```",
        "Wait.",
        [TRACKED],
    ),
    ("roles", "\n The track\nis long.", "The track\nis long.", []),
    ("roles", "trackless<", "trackless<", []),
    ("blocks", " Hello", "Hello", []),
    ("blocks", ' track\n```\ntool_call("symbol"="10111")\n```', "", [TRACKED]),
    ("blocks", " track\n```python\ntool_call(symbol='10111')\n```", "", [TRACKED]),
    ("blocks", "track\n```\ntool_call(symbol='10111')\n```", "", [TRACKED]),
    ("blocks", ' I look.\ntrack\n```\ntool_call(symbol="10111")\n```', "I look.", [TRACKED]),
    ("blocks", ' tra la.\ntrack\n```\ntool_call(symbol="10111")\n```', "tra la.", [TRACKED]),
    ("blocks", " C, then\n```\nmore", "C, then\n```\nmore", []),
    ("metadata", "\nHello", "Hello", []),
    ("metadata", 'track\n{"symbol": "10111"}', "", [TRACKED]),
    ("metadata", '\nI look.<|assistant|>track\n{"symbol": "10111"}', "I look.", [TRACKED]),
    ("recipients", "all\n<|content|>Hello<|stop|>", "Hello", []),
    ("recipients", 'track\n<|content|>{"symbol": "10111"}<|stop|>', "", [TRACKED]),
    (
        "recipients",
        (
            f'all\n<|content|>So.\n{HEADER}track\n<|content|>{{"symbol": "10111"}}'
            f'\n{HEADER}track\n<|content|>{{"symbol": "10111"}}<|stop|>'
        ),
        "So.",
        [TRACKED] * 2,
    ),
    ("functions", "<plain>Hello", "Hello", []),
    (
        "functions",
        '<functioncall>{"name": "track", "arguments": {"symbol": "10111"}}',
        "",
        [TRACKED],
    ),
]


@pytest.mark.parametrize(("name", "reply", "content", "calls"), CASES)
def test_replies_are_read_whole_and_streamed_and_are_in_the_grammar(
    name: str, reply: str, content: str, calls: list[tuple[str, str]]
) -> None:
    dialect = Dialect.from_template(TEMPLATES[name])
    assert dialect.native, dialect.evidence
    prompt = dialect.render([{"role": "user", "content": "Hi"}], TOOLS)
    expected = Heard(content=content, calls=list(calls))
    for prefill in ("", prompt.prefill):
        for pieces in ([reply], list(reply)):
            heard = hear(dialect.parser(tools=TOOLS, prefill=prefill), pieces)
            assert (heard.content, heard.calls) == (expected.content, expected.calls)
        assert dialect.grammar(TOOLS, prefill=prefill).matches(reply)
        required = dialect.grammar(TOOLS, "required", prefill=prefill)
        plain = reply.removesuffix("<|stop|>")
        assert required.matches(plain) == (bool(calls) and not content)


CALL = {"id": "a", "function": {"name": "track", "arguments": '{"symbol": "10111"}'}}
STEPS: list[dict[str, Any]] = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "a", "content": "12.5"},
]
PROMPTS = {
    "roles": (
        "<|user|>\n Hi<|assistant|>track\n```python\ntool_call(symbol='10111')\n```"
        "<|observation|>\n 12.5<|assistant|>"
    ),
    "blocks": (
        'User: Hi\n\nAssistant: track\n```\ntool_call(symbol="10111")\n```\n\n'
        "Obersavtion: 12.5\n\nAssistant:"
    ),
    "metadata": (
        '<|user|>\nHi<|assistant|>track\n{"symbol": "10111"}<|observation|>\n12.5<|assistant|>'
    ),
    "recipients": (
        "<|from|>user\n<|recipient|>all\n<|content|>Hi\n<|from|>assistant\n<|recipient|>track\n"
        '<|content|>{"symbol": "10111"}<|stop|>\n<|from|>track\n<|recipient|>all\n<|content|>12.5\n'
        "<|from|>assistant\n<|recipient|>"
    ),
    "functions": (
        'USER: Hi\n\nASSISTANT: <functioncall>{"name": "track", "arguments": {"symbol": "10111"}}'
        "\n\nTOOL: 12.5\n\nASSISTANT: "
    ),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_two_steps_stand_in_the_prompt_as_the_model_writes_and_reads_them(name: str) -> None:
    prompt = Dialect.from_template(TEMPLATES[name]).render(STEPS, TOOLS)
    assert prompt.warning is None
    assert prompt.text.endswith(PROMPTS[name])
    told = prompt.text[: -len(PROMPTS[name])]
    assert all(word in told for word in ("track", "Calculator", "symbol"))


def test_text_goes_on_behind_the_header_where_there_are_no_tools() -> None:
    prompt = Dialect.from_template(METADATA).render([{"role": "user", "content": "Hi"}])
    assert prompt.text.endswith("<|assistant|>\n")


def test_a_message_of_functions_is_there_without_any_where_the_template_demands_it() -> None:
    prompt = Dialect.from_template(FUNCTIONS).render([{"role": "user", "content": "Hi"}])
    assert prompt.text.endswith("FUNCTIONS: []\n\nUSER: Hi\n\nASSISTANT: ")


def test_functions_are_told_in_typescript_in_a_message_of_their_own() -> None:
    dialect = Dialect.from_template(RECIPIENTS)
    assert [item.value for item in dialect.evidence if item.name == "told"]
    prompt = dialect.render([{"role": "system", "content": "Be brief."}, *STEPS], [TOOLS[0]])
    assert prompt.text.startswith(
        "<|from|>system\n<|recipient|>all\n<|content|>// Supported function definitions that "
        "should be called when necessary.\nnamespace functions {\n\n// x\n"
        "type track = (_: {\nsymbol?: string,\n}) => any;\n\n} // namespace functions\n"
        "<|from|>system\n<|recipient|>all\n<|content|>Be brief.\n<|from|>user"
    )
    usual = dialect.render(STEPS, TOOLS).text
    assert "<|content|>A chat between a curious user" in usual
