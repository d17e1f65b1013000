"""Instructions about the answer, and the part of a prompt that other conversations share."""

from __future__ import annotations

import dataclasses

import pytest

from gguf_fc import Dialect
from gguf_fc.generation.prompt import instructed, prompt_of, shared_prefix
from gguf_fc.request import Format, Message, Request, Tool

USER = Message(role="user", content="hi")
SCHEMA = Format(type="json_schema", schema={"type": "object"}, description="A city.")


def test_an_ordinary_request_is_left_alone() -> None:
    assert instructed(Request(model=None, messages=(USER,), verbosity="medium")) == (USER,)


def test_the_form_is_shown_with_its_description() -> None:
    system, user = instructed(Request(model=None, messages=(USER,), format=SCHEMA))
    assert user == USER
    assert system.role == "system"
    assert '{"type":"object"}' in (system.content or "")
    assert (system.content or "").endswith("\n\nA city.")


def test_it_stands_behind_what_the_client_says() -> None:
    own = Message(role="developer", content="Be kind.")
    told, _ = instructed(Request(model=None, messages=(own, USER), verbosity="low"))
    assert told.role == "developer"
    assert told.content == "Be kind.\n\nAnswer as briefly as you can."


def test_form_and_length_are_both_told() -> None:
    form = Format(type="json_object")
    told, _ = instructed(Request(model=None, messages=(USER,), format=form, verbosity="high"))
    assert "detail" in (told.content or "")
    assert "JSON object" in (told.content or "")


def test_a_schema_that_the_template_tells_of_is_told_once() -> None:
    telling = "{{ json_schema | tojson }}{% for m in messages %}{{ m.content }}{% endfor %}"
    plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}"
    dialect = Dialect.from_template(plain, other_templates={"json": telling})
    request = Request(model=None, messages=(USER,), format=SCHEMA)
    assert prompt_of(request, dialect, []).text == '{"type": "object"}A city.hi'
    tool = Tool(name="look")
    told = prompt_of(dataclasses.replace(request, tools=(tool,)), dialect, [tool]).text
    assert "JSON Schema" in told


SYSTEM = Message(role="system", content="Be kind. Answer hi with hi.")


def user(text: str | None) -> Message:
    return Message(role="user", content=text)


PROMPTS: list[tuple[str, list[Message], str]] = [
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


@pytest.mark.parametrize(("prompt", "messages", "last"), PROMPTS)
def test_the_shared_prefix_ends_where_the_first_question_begins(
    prompt: str, messages: list[Message], last: str
) -> None:
    length = shared_prefix(prompt, messages)
    assert prompt[:length].endswith(last)
    assert bool(length) is bool(last)
