"""Errors name fields as the client's own protocol does."""

from __future__ import annotations

import pytest

from gguf_fc.api.wording import Wording
from gguf_fc.errors import ContextLengthExceeded, GgufFcError, InvalidParameter

WORDS = Wording((("messages", "input"), (r"tools\[(\d+)\]\.function", r"tools[\1]")))


@pytest.mark.parametrize(
    ("param", "named"),
    [
        ("messages", "input"),
        ("messages[3].content", "input[3].content"),
        ("tools[12].function.parameters.properties", "tools[12].parameters.properties"),
        ("messages_of_old", "messages_of_old"),
        ("model", "model"),
    ],
)
def test_a_field_is_called_what_the_protocol_calls_it(param: str, named: str) -> None:
    error = WORDS.error(InvalidParameter(f"'{param}' cannot be used.", param=param))
    assert isinstance(error, InvalidParameter)
    assert (error.param, error.message) == (named, f"'{named}' cannot be used.")


def test_the_error_itself_is_left_as_it_was() -> None:
    error = ContextLengthExceeded("too long", param="messages")
    assert isinstance(WORDS.error(error), ContextLengthExceeded)
    assert error.param == "messages"


@pytest.mark.parametrize("error", [GgufFcError("no field"), ValueError("a bug")])
def test_what_names_no_field_is_the_same(error: Exception) -> None:
    assert WORDS.error(error) is error
