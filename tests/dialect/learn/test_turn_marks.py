"""Marks of other turns are learned where they are text, and end a reply there."""

from __future__ import annotations

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.prompt.generic import CHAT_TEMPLATE
from tests.support.templates import NAMES, template_text

ALPACA = (
    "{% for m in messages %}{% if m.role == 'user' %}### Instruction:\n{{ m.content }}\n\n"
    "{% elif m.role == 'assistant' %}### Response:\n{{ m.content }}\n\n"
    "{% else %}{{ m.content }}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}### Response:\n{% endif %}"
)
CASES = [
    (
        CHAT_TEMPLATE,
        ("\n\n### User:", "\n### User:", "\n\n### Assistant:", "\n### Assistant:"),
    ),
    (
        ALPACA,
        ("\n\n### Instruction:", "\n### Instruction:", "\n\n### Response:", "\n### Response:"),
    ),
    (
        "{% for m in messages %}{{ m.role | upper }}: {{ m.content }}\n{% endfor %}ASSISTANT:",
        ("\nUSER:", "\nASSISTANT:"),
    ),
    # A word is a mark only where it is a line.
    (
        "{% for m in messages %}{{ m.role }}\n{{ m.content }}\n{% endfor %}assistant{{ '\n' }}",
        ("\nuser\n", "\nassistant\n"),
    ),
    ("{% for m in messages %}{{ m.role }} {{ m.content }}\n{% endfor %}assistant ", ()),
    # A control token ends the turn.
    ("{% for m in messages %}{{ m.role }}: {{ m.content }}</s>\n{% endfor %}assistant:", ()),
    ("{% for m in messages %}{{ m.role }}: {{ m.content }}\n</s>{% endfor %}assistant:", ()),
    ("{% for m in messages %}\n<|{{ m.role }}|>{{ m.content }}{% endfor %}\n<|assistant|>", ()),
    ("{% for m in messages %}{{ m.content }}\n{% endfor %}", ()),
]


@pytest.mark.parametrize(("template", "marks"), CASES)
def test_marks_of_other_turns_are_found_where_they_are_text(
    template: str, marks: tuple[str, ...]
) -> None:
    dialect = Dialect.from_template(template, special_tokens=("<|user|>", "<|assistant|>"))
    assert dialect.turn_marks == marks


def test_a_template_that_cannot_be_used_is_replaced_by_one_with_marks() -> None:
    assert Dialect.from_template("{% if").turn_marks == CASES[0][1]


@pytest.mark.parametrize("name", NAMES)
def test_no_mark_of_a_turn_is_a_part_of_a_call(name: str) -> None:
    tokens = ("<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|end|>")
    dialect = Dialect.from_template(template_text(name), special_tokens=tokens)
    call = {"name": "f", "arguments": {"text": "a\nb", "more": [1, {"x": "y"}]}}
    written = dialect.write("Text.", "A thought.", [call, call])
    assert not any(mark in written for mark in dialect.turn_marks)
