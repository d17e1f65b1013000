"""Errors of the Messages protocol: the official client's types, and the parameter in words."""

from __future__ import annotations

import pytest
from anthropic.types.shared import ErrorResponse

from gguf_fc.errors import (
    BodyTooLarge,
    EngineError,
    Forbidden,
    GgufFcError,
    InvalidParameter,
    ModelNotFound,
    Overloaded,
    TemplateError,
    WorkerDied,
)
from gguf_fc.protocols.messages.error_body import error_body


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (InvalidParameter, "invalid_request_error"),
        (TemplateError, "invalid_request_error"),
        (Forbidden, "permission_error"),
        (ModelNotFound, "not_found_error"),
        (Overloaded, "rate_limit_error"),
        (EngineError, "api_error"),
        (WorkerDied, "overloaded_error"),
    ],
)
def test_each_kind_of_error_has_the_protocol_s_word(cls: type[GgufFcError], kind: str) -> None:
    body = error_body(cls("Alas."))
    assert body == {"type": "error", "error": {"type": kind, "message": "Alas."}}
    ErrorResponse.model_validate(body, strict=True)


def test_a_body_that_is_too_large_has_a_word_of_its_own() -> None:
    assert error_body(BodyTooLarge("Alas."))["error"]["type"] == "request_too_large"


def test_the_parameter_is_named_in_words_once() -> None:
    named = InvalidParameter("'top_k' is odd.", param="top_k")
    assert error_body(named)["error"]["message"] == "'top_k' is odd."
    unnamed = InvalidParameter("Too deep.", param="tools")
    assert error_body(unnamed)["error"]["message"] == "tools: Too deep."


def test_a_bug_shows_nothing_of_itself() -> None:
    assert "secret" not in error_body(KeyError("secret"))["error"]["message"]
