"""Errors cross the process line by their code: each code names one class."""

from __future__ import annotations

import pytest

from gguf_fc.errors import EngineError, GgufFcError, error_for


def descendants(cls: type[GgufFcError]) -> list[type[GgufFcError]]:
    return [cls, *(one for child in cls.__subclasses__() for one in descendants(child))]


CODED = [cls for cls in descendants(GgufFcError) if cls.code is not None]


@pytest.mark.parametrize("cls", CODED)
def test_an_error_is_made_again_from_its_code(cls: type[GgufFcError]) -> None:
    assert cls.code is not None
    error = error_for(cls.code, "why")
    assert (type(error), error.message) == (cls, "why")


def test_a_code_that_no_class_has_is_the_engine_s_fault() -> None:
    assert type(error_for("unheard_of", "why")) is EngineError
