"""Bare values: what tells a string from what it spells."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.dialect.kinds import ANY
from gguf_fc.dialect.read.bare import read_bare, write_bare

NULLABLE = frozenset(("string", "null"))
NUMBERED = frozenset(("string", "number"))
KINDS = st.sets(st.sampled_from(sorted(ANY))).map(lambda kinds: frozenset(kinds) | {"string"})
TEXTS = st.one_of(
    st.text(),
    st.sampled_from(
        ["42", "-1.5e3", "null", "None", "True", "[1, 2]", "{'a': 1}", '"', "''", " 7 "]
    ),
    st.recursive(st.sampled_from(["42", "x", "null", '"']), lambda inner: inner.map(json.dumps)),
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(TEXTS, KINDS)
def test_a_string_that_is_written_bare_is_read_as_itself(text: str, kinds: frozenset[str]) -> None:
    assert json.loads(read_bare(write_bare(text, kinds), kinds)) == text


@pytest.mark.parametrize(
    ("text", "kinds", "expected"),
    [
        ("42", ANY, 42),
        ("True", ANY, True),
        ("[1, None]", ANY, [1, None]),
        ("Paris", ANY, "Paris"),
        ("42", frozenset(("string",)), "42"),
        ("42", NULLABLE, "42"),
        ("null", NULLABLE, None),
        ('"Paris"', ANY, "Paris"),
        ('"42"', NUMBERED, "42"),
        ('"Paris"', NUMBERED, '"Paris"'),
        ('"null"', NULLABLE, "null"),
        ('"42"', NULLABLE, '"42"'),
        ('"42" or so', ANY, '"42" or so'),
        ('"42"', frozenset(("number",)), '"42"'),
    ],
)
def test_the_kinds_that_are_admitted_say_what_a_text_is(
    text: str, kinds: frozenset[str], expected: object
) -> None:
    assert json.loads(read_bare(text, kinds)) == expected


@pytest.mark.parametrize(
    ("text", "kinds", "written"),
    [
        ("Paris", ANY, "Paris"),
        ("42", ANY, '"42"'),
        ('"42"', ANY, '"\\"42\\""'),
        ('say "hi"', ANY, 'say "hi"'),
        ("null", NUMBERED, "null"),
        ("null", NULLABLE, '"null"'),
        ('"Paris"', NULLABLE, '"Paris"'),
        ("42", frozenset(("number",)), "42"),
    ],
)
def test_only_a_string_that_would_be_mistaken_is_quoted(
    text: str, kinds: frozenset[str], written: str
) -> None:
    assert write_bare(text, kinds) == written
