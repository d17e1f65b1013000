"""Bare values: what tells a string from what it spells."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.dialect.parameter_types import ParameterType
from gguf_fc.dialect.read.bare import read_bare, write_bare
from gguf_fc.grammar.schema.json_types import ALL_TYPES


def of(*types: str) -> ParameterType:
    return ParameterType.of({"type": list(types)})


ANY = ParameterType.of(None)
NULLABLE = of("string", "null")
NUMBERED = of("string", "number")
TYPES = st.sets(st.sampled_from(sorted(ALL_TYPES))).map(lambda types: of("string", *types))
PLACE = {"type": "object", "properties": {"at": {"type": "integer"}}, "required": ["at"]}
PLACE_OR_TEXT = ParameterType.of({"anyOf": [PLACE, {"type": "string"}]})
SMALL_OR_TEXT = ParameterType.of({"anyOf": [{"type": "integer", "maximum": 9}, {"type": "string"}]})
TEXTS = st.one_of(
    st.text(),
    st.sampled_from(
        ["42", "-1.5e3", "null", "None", "True", "[1, 2]", "{'a': 1}", '"', "''", " 7 "]
    ),
    st.recursive(st.sampled_from(["42", "x", "null", '"']), lambda inner: inner.map(json.dumps)),
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(TEXTS, TYPES)
def test_a_string_that_is_written_bare_is_read_as_itself(text: str, types: ParameterType) -> None:
    assert json.loads(read_bare(write_bare(text, types), types)) == text


@pytest.mark.parametrize(
    ("text", "types", "expected"),
    [
        ("42", ANY, 42),
        ("True", ANY, True),
        ("[1, None]", ANY, [1, None]),
        ("Paris", ANY, "Paris"),
        ("42", of("string"), "42"),
        ("42", NULLABLE, "42"),
        ("null", NULLABLE, None),
        ('"Paris"', ANY, "Paris"),
        ('"42"', NUMBERED, "42"),
        ('"Paris"', NUMBERED, '"Paris"'),
        ('"null"', NULLABLE, "null"),
        ('"42"', NULLABLE, '"42"'),
        ('"42" or so', ANY, '"42" or so'),
        ('"42"', of("number"), '"42"'),
        ('{"at": 3}', PLACE_OR_TEXT, {"at": 3}),
        ("{'at': 3}", PLACE_OR_TEXT, {"at": 3}),
        ('{"to": 3}', PLACE_OR_TEXT, '{"to": 3}'),
        ('{"at": "x"}', PLACE_OR_TEXT, '{"at": "x"}'),
        ('"{\\"at\\": 3}"', PLACE_OR_TEXT, '{"at": 3}'),
        ("7", SMALL_OR_TEXT, 7),
        ("42", SMALL_OR_TEXT, "42"),
    ],
)
def test_the_types_that_are_admitted_say_what_a_text_is(
    text: str, types: ParameterType, expected: object
) -> None:
    assert json.loads(read_bare(text, types)) == expected


@pytest.mark.parametrize(
    ("text", "types", "written"),
    [
        ("Paris", ANY, "Paris"),
        ("42", ANY, '"42"'),
        ('"42"', ANY, '"\\"42\\""'),
        ('say "hi"', ANY, 'say "hi"'),
        ("null", NUMBERED, "null"),
        ("null", NULLABLE, '"null"'),
        ('"Paris"', NULLABLE, '"Paris"'),
        ("42", of("number"), "42"),
        ('{"at": 3}', PLACE_OR_TEXT, '"{\\"at\\": 3}"'),
        ('{"to": 3}', PLACE_OR_TEXT, '{"to": 3}'),
    ],
)
def test_only_a_string_that_would_be_mistaken_is_quoted(
    text: str, types: ParameterType, written: str
) -> None:
    assert write_bare(text, types) == written
