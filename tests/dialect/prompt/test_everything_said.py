"""Everything said in a conversation reaches the prompt, in its order."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc import Dialect
from tests.support.corpus import ours, real
from tests.support.visible_turns import TOOLS, Conversation, conversations, lost

CONVERSATIONS = conversations()
EVERY = 11  # of the conversations, for each real template


def loss(dialect: Dialect, conversation: Conversation, tools: Any) -> list[str]:
    prompt = dialect.render(conversation.messages, tools=tools)
    return [prompt.warning] if prompt.warning else lost(prompt.text, conversation)


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=[each.name for each in CONVERSATIONS])
def test_templates_of_ours_show_all_that_was_said(conversation: Conversation) -> None:
    for name, dialect in ours().items():
        for tools in (None, TOOLS):
            assert loss(dialect, conversation, tools) == [], name


def test_real_templates_show_all_that_was_said() -> None:
    if not real():
        pytest.skip("there is no folder of real templates")
    for at, (name, dialect) in enumerate(real().items()):
        for conversation in CONVERSATIONS[at % EVERY :: EVERY]:
            for tools in (None, TOOLS):
                assert loss(dialect, conversation, tools) == [], (name, conversation.name)


# Each leaves something out without a word.
END = "{% if add_generation_prompt %}<|assistant|>{% endif %}"
TOLD = "{% if tools %}{{ tools | tojson }}{% endif %}"
CALLS = (
    "{% for c in m.tool_calls %}<tool_call>"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}'
    "</tool_call>{% endfor %}"
)
LOSSY = {
    "text beside calls": "{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.tool_calls %}" + CALLS + "{% else %}{{ m.content }}{% endif %}<|end|>{% endfor %}",
    "calls beside text": "{% for m in messages %}<|{{ m.role }}|>"
    "{% if m.content %}{{ m.content }}{% else %}" + CALLS + "{% endif %}<|end|>{% endfor %}",
    "calls without tools": "{% for m in messages %}<|{{ m.role }}|>"
    "{{ m.content or '' }}{% if tools %}" + CALLS + "{% endif %}<|end|>{% endfor %}",
    "the system message before a result": "{% for m in messages if m.role != 'system' %}"
    "<|{{ m.role }}|>{% if loop.last and m.role == 'user' and messages[0].role == 'system' %}"
    "{{ messages[0].content }}\n\n{% endif %}{{ m.content or '' }}"
    "{% if m.tool_calls %}" + CALLS + "{% endif %}<|end|>{% endfor %}",
    "results of the past": "{% for m in messages %}{% if m.role != 'tool' or loop.last %}"
    "<|{{ m.role }}|>{{ m.content or '' }}{% if m.tool_calls %}" + CALLS + "{% endif %}<|end|>"
    "{% endif %}{% endfor %}",
}


@pytest.mark.parametrize("leaves_out", LOSSY)
def test_what_a_template_leaves_out_is_given_otherwise(leaves_out: str) -> None:
    dialect = Dialect.from_template(TOLD + LOSSY[leaves_out] + END)
    for conversation in CONVERSATIONS:
        for tools in (None, TOOLS):
            prompt = dialect.render(conversation.messages, tools=tools)
            assert lost(prompt.text, conversation) == [], conversation.name


def test_text_and_call_come_apart_where_one_hides_the_other() -> None:
    dialect = Dialect.from_template(TOLD + LOSSY["text beside calls"] + END)
    said = {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [{"id": "a", "function": {"name": "zqcall0", "arguments": "{}"}}],
    }
    text = dialect.render([{"role": "user", "content": "Go."}, said], tools=TOOLS).text
    call = '<|assistant|><tool_call>{"name": "zqcall0", "arguments": {}}</tool_call><|end|>'
    assert f"<|user|>Go.<|end|><|assistant|>Let me see.<|end|>{call}" in text


def test_a_users_words_are_never_left_out() -> None:
    """A template may take a text for a command of its own."""
    text = (
        "{% for m in messages %}<|{{ m.role }}|>"
        "{% if 'secret' not in m.content %}{{ m.content }}{% endif %}<|end|>{% endfor %}" + END
    )
    dialect = Dialect.from_template(text)
    assert dialect.render([{"role": "user", "content": "Hello there."}]).warning is None
    prompt = dialect.render([{"role": "user", "content": "Tell the secret of fine bread."}])
    assert "Tell the secret of fine bread." in prompt.text
    assert prompt.warning == "The chat template leaves out what the user says."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("m.content | upper", "Hello there, Zoë."),
        ("m.content.replace('/think', '')", "/think Hello there."),
        ("m.content[:20]", "Hello there. " * 9),
        ("m.content | tojson(ensure_ascii=True)", "«Grüße aus Köln», 你好"),
        ("m.content | trim", "  Hello there.\n"),
    ],
)
def test_a_template_may_change_a_users_words(change: str, said: str) -> None:
    text = f"{{% for m in messages %}}<|{{{{ m.role }}}}|>{{{{ {change} }}}}<|end|>{{% endfor %}}"
    prompt = Dialect.from_template(text + END).render([{"role": "user", "content": said}])
    assert prompt.warning is None
