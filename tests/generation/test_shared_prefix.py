"""Where the part of a prompt ends that other conversations begin with too."""

from __future__ import annotations

import pytest

from gguf_fc.generation.shared_prefix import shared_beginning
from gguf_fc.request import Message

SYSTEM = Message(role="system", content="Be kind. Answer hi with hi.")


def user(text: str | None) -> Message:
    return Message(role="user", content=text)


CASES: list[tuple[str, list[Message], str]] = [
    ("[sys]Be kind. Answer hi with hi.[user]hi[bot]", [SYSTEM, user("hi")], "[user]"),
    ("[user]hello[bot]", [user(" hello\n")], "[user]"),
    (
        "[user]hello[bot]yes[user]more[bot]",
        [user("hello"), Message(role="assistant", content="yes"), user("more")],
        "[user]",
    ),
    (  # which of the two is the first question?
        "[user]hi[bot]hi[bot]",
        [user("hi"), Message(role="assistant", content="hi")],
        "",
    ),
    ("[user]hello[bot]", [user("no longer there")], ""),
    ("[user][bot]", [user("")], ""),
    ("[user][bot]", [user(None)], ""),
    ("[bot]hello", [Message(role="assistant", content="hello")], ""),
    ("[sys]", [], ""),
]


@pytest.mark.parametrize(("prompt", "messages", "last"), CASES)
def test_it_ends_where_the_first_question_begins(
    prompt: str, messages: list[Message], last: str
) -> None:
    length = shared_beginning(prompt, messages)
    assert prompt[:length].endswith(last)
    assert bool(length) is bool(last)
