"""Templates that show their calls in another view of a conversation than the usual one."""

from __future__ import annotations

from typing import Any

from gguf_fc import Dialect
from gguf_fc.dialect.syntax import Marked

USER = {"role": "user", "content": "How is Paris?"}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
CALLS = [{"name": "look", "arguments": {"at": at}} for at in ("left", "right")]
TURN = {
    "role": "assistant",
    "tool_calls": [{"id": "a", "function": CALLS[0]}, {"id": "b", "function": CALLS[1]}],
}

# The header names who is spoken to, and the prompt ends within it.
RECIPIENTS = (
    "{% for m in messages %}{% if m.role != 'assistant' %}<|from|>{{ m.name or m.role }}\n"
    "<|to|>all\n<|content|>{{ m.content }}\n{% else %}"
    "{% if m.content is not none %}<|from|>assistant\n<|to|>all\n<|content|>{{ m.content }}"
    "{% endif %}{% for c in m.tool_calls or [] %}"
    "{% if m.content is not none or not loop.first %}{{ '\n' }}{% endif %}<|from|>assistant\n"
    "<|to|>{{ c.function.name }}\n<|content|>{{ c.function.arguments | tojson }}{% endfor %}"
    "<|stop|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|from|>assistant\n<|to|>' }}{% endif %}"
)


def test_a_header_may_name_the_recipient_of_text_and_of_each_call() -> None:
    dialect = Dialect.from_template(RECIPIENTS)
    assert dialect.native
    assert dialect.needs.null_content
    prompt = dialect.render([USER, TURN], tools=[TOOL])
    assert "<|to|>all\n<|content|><|stop|>" not in prompt.text  # no empty text beside calls
    own = dialect.render([USER], tools=[TOOL]).prefill
    assert own == "<|from|>assistant\n<|to|>"
    text = (
        'look\n<|content|>{"at": "left"}\n<|from|>assistant\n<|to|>look\n<|content|>{"at": "right"}'
    )
    for written in (text, f"all\n<|content|>I look.\n{own}{text}"):
        reply = dialect.parse(written, tools=[TOOL], prefill=own)
        assert [call.arguments for call in reply.tool_calls] == [
            '{"at": "left"}',
            '{"at": "right"}',
        ]
        assert dialect.grammar([TOOL], "auto", prefill=own).matches(written)
    reply = dialect.parse("all\n<|content|>Fine.<|stop|>", tools=[TOOL], prefill=own)
    assert (reply.content, reply.tool_calls) == ("Fine.", ())


# The last turn of the user is written otherwise than those before.
LAST_OTHERWISE = (
    "{% for m in messages %}{% if m.role == 'user' %}"
    "{% if loop.last %}[LAST]{{ m.content }}[/LAST]"
    "{% else %}[USER]{{ m.content }}[/USER]{% endif %}"
    "{% elif m.tool_calls %}[CALLS]"
    "{{ m.tool_calls | map(attribute='function') | list | tojson }}</s>"
    "{% else %}{{ m.content }}</s>{% endif %}{% endfor %}"
)


def test_the_prompt_may_be_no_beginning_of_the_history() -> None:
    dialect = Dialect.from_template(LAST_OTHERWISE)
    assert dialect.native
    written = dialect.write(tool_calls=CALLS)
    assert written.startswith('[CALLS][{"name": "look", "arguments": {"at": "left"}}, {')
    assert len(dialect.parse(written, tools=[TOOL]).tool_calls) == 2


AROUND_TEXT = (
    "{% for m in messages %}<|{{ m.role }}|>{% if m.tool_calls %}<|start|>{{ m.content }}<|end|>"
    "{% for c in m.tool_calls %}"
    '{"name": "{{ c.function.name }}", "parameters": {{ c.function.arguments | tojson }}}'
    "{% endfor %}"
    "{% else %}{{ m.content }}{% endif %}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def test_marks_around_text_that_there_is_not_are_no_opening_of_a_call() -> None:
    dialect = Dialect.from_template(AROUND_TEXT)
    bare = '{"name": "look", "parameters": {"at": "left"}}'
    assert dialect.write(tool_calls=CALLS[:1]) == bare
    assert dialect.syntax.section == Marked()
    for written in (bare, f"<|start|>{bare}<|end|>"):
        reply = dialect.parse(written, tools=[TOOL])
        assert [call.name for call in reply.tool_calls] == ["look"]
        assert not reply.content
