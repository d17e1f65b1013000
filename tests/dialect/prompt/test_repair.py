"""Arguments as models and clients really write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.dialect.prompt.repair import (
    MAX_DEPTH,
    Unreadable,
    read_arguments,
    read_object,
)

MENDED: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("  ", {}),
    ('{"a": 1}', {"a": 1}),
    ('{"a": [1, 2,], }', {"a": [1, 2]}),
    ('{"a": 1,, "b": 2}', {"a": 1, "b": 2}),
    ("{'a': 'it\"s', 'b': 'don\\'t'}", {"a": 'it"s', "b": "don't"}),
    ("{'a': True, 'b': False, 'c': None}", {"a": True, "b": False, "c": None}),
    ("{a: 1, b-c: 'x'}", {"a": 1, "b-c": "x"}),
    ('```json\n{"a": 1}\n```', {"a": 1}),
    ("```\n{'a': 1}", {"a": 1}),
    ('{"a": {"b": "unfin', {"a": {"b": "unfin"}}),
    ('{"a": [1, {"b": 2', {"a": [1, {"b": 2}]}),
    ('{"a": 1, "b', {"a": 1}),
    ('{"a": 1, "b":', {"a": 1}),
    ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
    ("{\"a\": '\\u00e9\\n\\ud83d\\ude00'}", {"a": "é\n😀"}),
    ('{"a": .5, "b": -1e3, "c": +2,}', {"a": 0.5, "b": -1000.0, "c": 2}),
    ('{"a": 1, // why\n "b": /* not */ 2,}', {"a": 1, "b": 2}),
    ('"{\\"a\\": 1}"', {"a": 1}),
]


@pytest.mark.parametrize(("text", "meant"), MENDED)
def test_what_can_only_be_meant_one_way_is_read(text: str, meant: dict[str, Any]) -> None:
    assert read_object(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "{oops",
        "oops",
        "[1]",
        '"text"',
        "1",
        '{"a": maybe}',
        '{"a": 1} and more',
        '{"a": 1]',
        '{"a" 1}',
        "{{",
        "{1: 2,}",
        '{"a": ' * (MAX_DEPTH + 1),
        '{"a": ' * 100 + "1" + "}" * 100,
        '{"a": ' * 5000 + "1" + "}" * 5000,
        "{'a': " + "9" * 5000 + "}",
    ],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read_object(text)


DEEP: Any = {}
for _ in range(MAX_DEPTH):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("given", "meant", "whole"),
    [
        (None, {}, True),
        ("", {}, True),
        ({"a": [1]}, {"a": [1]}, True),
        ("{'a': 1,}", {"a": 1}, True),
        ("null", {}, False),
        (" undefined\n", {}, False),
        ("[]", {}, False),
        ([], {}, False),
        ('{"a": 1}</tool_call>', {"a": 1}, False),
        ('{"a": 1}\n```\n</arguments> <|end|>[/TOOL]', {"a": 1}, False),
        ('{"a": 1} and more', {"input": '{"a": 1} and more'}, False),
        ('{"a": 1}{"b": 2}', {"input": '{"a": 1}{"b": 2}'}, False),
        ('{"base": nokk"}', {"input": '{"base": nokk"}'}, False),
        ("rm -r x", {"input": "rm -r x"}, False),
        ("[1]</x>", {"input": "[1]</x>"}, False),
        ([1, "é"], {"input": '[1, "é"]'}, False),
        (5, {"input": "5"}, False),
        (DEEP, {"input": json.dumps(DEEP)}, False),
    ],
)
def test_what_cannot_be_read_is_kept_as_text(
    given: Any, meant: dict[str, Any], *, whole: bool
) -> None:
    assert read_arguments(given) == (meant, whole)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(alphabet="{}[]\"':,\\ntru1.</x>` \n", max_size=40))
def test_any_text_is_read_and_nothing_of_it_lost(text: str) -> None:
    found, whole = read_arguments(text)
    assert whole or found in ({}, {"input": text}) or text.lstrip().startswith("{")
    assert read_object(json.dumps(found)) == found


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(min_size=1), VALUES, max_size=4)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(OBJECTS)
def test_json_means_itself_and_python_means_the_same(meant: dict[str, Any]) -> None:
    assert read_object(json.dumps(meant)) == meant
    assert read_object(json.dumps(meant)[:-1]) == meant  # the last brace is missing
    assert read_object(f"```json\n{json.dumps(meant)}\n```") == meant


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(alphabet="{}[]\"':,\\ntruefalse1.e-# \n`/*", max_size=40))
def test_nothing_but_unreadable_is_ever_raised(text: str) -> None:
    try:
        found = read_object("{" + text)
    except Unreadable:
        return
    assert isinstance(found, dict)
