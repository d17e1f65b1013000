"""What a template requires is found by rendering, in the usual form first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gguf_fc.dialect.learn.needs import needs_of
from gguf_fc.dialect.prompt.ids import SHORT
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.render import Chat
from gguf_fc.dialect.prompt.template import Template

TURN = "{{ m.role }}: {{ m.content }}{{ m.reasoning_content }}"
CALLS = "{% for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}"
TEXT_CALLS = "{% for c in m.tool_calls %}{{ c.function.name + c.function.arguments }}{% endfor %}"
USUAL = Needs(tells_tools=False)  # these templates show no tools


def found(turn: str) -> Needs:
    template = Template("{% for m in messages %}" + turn + "\n{% endfor %}")
    return needs_of(Chat(template=template))


@pytest.mark.parametrize(
    ("turn", "needs"),
    [
        (TURN + CALLS + "{% endfor %}", USUAL),
        (TURN + TEXT_CALLS, replace(USUAL, text_arguments=True)),
        # An object printed as Python does it: text is what the template is made for.
        (
            TURN + "{% for c in m.tool_calls %}{{ c.function }}{{ c.function.arguments }}"
            "{% endfor %}",
            replace(USUAL, text_arguments=True),
        ),
        (
            "{% if m.role == 'system' %}{{ raise_exception('No.') }}{% endif %}"
            + TURN
            + CALLS
            + "{% endfor %}",
            replace(USUAL, system=False, late_system=False),
        ),
        (
            TURN + CALLS + "{% if c.id | length != 9 %}{{ raise_exception('Nine.') }}{% endif %}"
            "{% endfor %}",
            replace(USUAL, ids=SHORT),
        ),
        (
            TURN + CALLS + "{% if not c.id.startswith('call_') or c.id | length > 7 %}"
            "{{ raise_exception('Counted.') }}{% endif %}{% endfor %}",
            replace(USUAL, ids="call_{index}"),
        ),
        (
            TURN + "{% for c in m.tool_calls %}{{ c.id }}{{ c.function.arguments | tojson }}"
            "{% endfor %}",
            replace(USUAL, ids="functions.{name}:{index}"),
        ),
        (TURN + CALLS + "{% break %}{% endfor %}", replace(USUAL, one_call=True)),
        (
            "{{ m.role }}: {% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}"
            "{% endif %}{% endfor %}{{ m.reasoning_content }}" + CALLS + "{% endfor %}",
            replace(USUAL, parts=True),
        ),
        (
            "{{ m.role }}: {{ m.content }}{{ m.thinking }}" + CALLS + "{% endfor %}",
            replace(USUAL, reasoning="thinking"),
        ),
        (
            TURN + CALLS + "{% if m.content and m.reasoning_content %}{{ no.no }}{% endif %}"
            "{% endfor %}",
            replace(USUAL, one_text=True),
        ),
        (
            "{% if m.role != 'tool' %}" + TURN + CALLS + "{% endfor %}{% endif %}",
            replace(USUAL, result_role="function"),
        ),
        (
            "{% if m.role in ['system', 'user', 'assistant'] %}" + TURN + "{% endif %}",
            replace(USUAL, result_role="user"),
        ),
        # Turns without a text are refused: one of white space will do, or nothing less than words.
        (
            "{% if m.content == '' and not m.tool_calls %}{{ raise_exception('No.') }}{% endif %}"
            + TURN
            + CALLS
            + "{% endfor %}",
            replace(USUAL, filler=" "),
        ),
        (
            "{% if not (m.content | trim or m.tool_calls) %}{{ raise_exception('Empty.') }}"
            "{% endif %}" + TURN + CALLS + "{% endfor %}",
            replace(USUAL, filler="..."),
        ),
        (
            "{{ m.role }}: {{ m.content[0].text + '' }}{{ m.reasoning_content }}"
            + CALLS
            + "{% endfor %}",
            replace(USUAL, parts=True, filler=""),
        ),
        (
            "{% if m.role == 'assistant' and m.thinking is not defined %}"
            "{{ raise_exception('It thinks.') }}{% endif %}"
            "{{ m.role }}: {{ m.content }}{{ m.thinking }}" + CALLS + "{% endfor %}",
            replace(USUAL, reasoning="thinking", reasoning_required=True),
        ),
        (
            (
                "{{ tools | tojson if tools and loop.first }}"
                "<|{{ m.role }}|>{{ m.metadata }}\n{{ m.content }}{{ m.reasoning_content }}"
            ),
            Needs(metadata=True, one_call=True, result_role="observation"),
        ),
        # Where no tools are told, what stands beside the role may be anything.
        ("<|{{ m.role }}|>{{ m.metadata }}\n{{ m.content }}{{ m.reasoning_content }}", USUAL),
        # System messages behind others: refused, lost, collected, or taken for the assistant's.
        (
            "{% if m.role == 'system' and not loop.first %}{{ raise_exception('First.') }}"
            "{% endif %}" + TURN + CALLS + "{% endfor %}",
            replace(USUAL, late_system=False),
        ),
        (
            "{% if m.role != 'system' or loop.first %}" + TURN + CALLS + "{% endfor %}{% endif %}",
            replace(USUAL, late_system=False),
        ),
        (
            "{% if loop.first %}{{ messages | selectattr('role', 'eq', 'system') "
            "| map(attribute='content') | join }}{% endif %}"
            "{% if m.role != 'system' %}" + TURN + CALLS + "{% endfor %}{% endif %}",
            replace(USUAL, late_system=False),
        ),
        (
            "{{ m.role if m.role in ('user', 'tool') or loop.first else 'assistant' }}: "
            "{{ m.content }}{{ m.reasoning_content }}" + CALLS + "{% endfor %}",
            replace(USUAL, late_system=False),
        ),
        (
            TURN + "{% if tools %}" + CALLS + "{% endfor %}{% endif %}",
            replace(USUAL, calls_without_tools=False),
        ),
        (
            TURN + CALLS + "{% endfor %}{{ tools | tojson if tools and loop.first }}",
            replace(USUAL, tells_tools=True),
        ),
        ("{{ m.nothing }}", replace(USUAL, system=False, late_system=False)),
        ("{{ raise_exception('Never.') }}", replace(USUAL, system=False, late_system=False)),
    ],
)
def test_the_first_form_that_shows_everything_is_what_is_needed(turn: str, needs: Needs) -> None:
    assert found(turn) == needs
