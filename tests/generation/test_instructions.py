"""What the model is told about its answer."""

from __future__ import annotations

from gguf_fc.generation.instructions import instructed
from gguf_fc.request import Format, Message, Request

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
