"""Values in notations other than JSON: what is written, what matches, in both engines' texts."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import (
    JSON,
    PYTHON,
    Builder,
    Grammar,
    Notation,
    Spacing,
    compile_schema,
    schema_to_grammar,
)
from tests.support.lexing import LlguidanceGrammar
from tests.support.schemas import VALUES

MARKED = Notation(item=",", key=":", quote='<|"|>', escapes="none", quoted_keys=False)
TRIPLE = Notation(quote='"""', escapes="python")
SINGLE = Notation(quote="'")
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["it's", True, None, 1]},
        "tags": {"type": "array", "items": {"type": "boolean"}},
        "code": {"type": "string", "maxLength": 3},
    },
    "required": ["city"],
    "additionalProperties": {"type": "integer"},
}
CASES: list[tuple[Notation, list[str], list[str]]] = [
    (
        PYTHON,
        [
            "{'city': 'a \"b\" \\'c\\' \\\\ \\n\\x1b é \\u00e9', 'unit': 'it\\'s'}",
            "{'city': '', 'unit': True, 'tags': [True, False], 'code': '\\n\"é', 'more': 1}",
            "{'city': '', 'unit': None, 'tags': []}",
        ],
        [
            '{"city": ""}',
            "{'city': '', 'unit': true}",
            "{'city': '', 'code': 'abcd'}",
            "{'city': '\n'}",
            "{'city': '', 'city': 1}",
        ],
    ),
    (
        MARKED,
        [
            '{city:<|"|>a "b"\\n \'c\'\n<|"|>,unit:<|"|>it\'s<|"|>,tags:[true,false]}',
            '{city:<|"|><|"|>,code:<|"|><|"<|"|>,more_1:2}',
        ],
        [
            '{"city":<|"|><|"|>}',
            "{city:a}",
            '{city:<|"|><|"|>,code:<|"|>abcd<|"|>}',
            '{city:<|"|><|"|>,city:1}',
            '{city:<|"|><|"|>,a b:1}',
            '{city:<|"|><|"|>, more:1}',
        ],
    ),
    (
        SINGLE,
        ["{'city': '\"\\\\ \\' \\u00e9', 'unit': 'it\\'s'}"],
        ["{'city': ''' }", '{"city": ""}'],
    ),
    (
        TRIPLE,
        ['{"""city""": """a \'b\' "c" \\\\ \\n"""}', '{"""city""": """""", """code""": """"a-"""}'],
        ['{"""city""": """a""""}', '{"city": ""}'],
    ),
]


def grammar(schema: Any, notation: Notation) -> Grammar:
    builder = Builder()
    root, _ = compile_schema(schema, builder, spacing=notation)
    return Grammar(builder.build(root))


@pytest.mark.parametrize(
    ("notation", "accepts", "refuses"), CASES, ids=["python", "marked", "'", '"""']
)
def test_a_schema_is_written_in_its_notation(
    notation: Notation, accepts: list[str], refuses: list[str]
) -> None:
    ours = grammar(SCHEMA, notation)
    theirs = LlguidanceGrammar(ours.llguidance())
    for text in [*accepts, *refuses]:
        assert ours.matches(text) == theirs.matches(text) == (text in accepts), text


def written(value: Any, notation: Notation) -> str | None:
    """*value* as the notation writes it."""
    match value:
        case list():
            items = [written(item, notation) for item in value]
            return None if None in items else f"[{notation.item.join(map(str, items))}]"
        case dict():
            members = [
                (notation.name(name), written(item, notation)) for name, item in value.items()
            ]
            if any(None in member for member in members):
                return None
            inside = notation.item.join(f"{name}{notation.key}{item}" for name, item in members)
            return f"{{{inside}}}"
        case _:
            return notation.scalar(value)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(VALUES, st.sampled_from([PYTHON, JSON, SINGLE]))
def test_any_value_and_exactly_that_value_match_as_they_are_written(
    value: Any, notation: Notation
) -> None:
    text = written(value, notation)
    assert text is not None
    assert grammar({}, notation).matches(text)
    exact = grammar({"const": value}, notation)
    assert exact.matches(text)
    assert LlguidanceGrammar(exact.llguidance()).matches(text)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(VALUES)
def test_python_and_json_read_what_was_written(value: Any) -> None:
    python, text = written(value, PYTHON), written(value, JSON)
    assert python is not None
    assert text is not None
    assert ast.literal_eval(python) == value
    assert json.loads(text) == value


def test_a_quote_that_cannot_be_escaped_cannot_be_written() -> None:
    assert MARKED.string('a<|"|>b') is None
    assert TRIPLE.string('a"') is None
    assert Notation(quote="|||").string('a"|') is None
    assert Notation(quote="|||").string('a"') == '|||a\\"|||'
    assert MARKED.scalar("a") == '<|"|>a<|"|>'
    assert MARKED.name("a") == "a"
    assert grammar({"enum": ["a", '<|"|>']}, MARKED).matches('<|"|>a<|"|>')
    with pytest.raises(GrammarError, match="nothing can match"):
        grammar({"const": '<|"|>'}, MARKED).matches("")


def test_half_a_character_is_only_written_as_an_escape() -> None:
    assert JSON.string("\ud800é") == '"\\ud800é"'
    assert PYTHON.string("\ud800é") == "'\\ud800é'"


def test_a_spacing_is_a_notation_of_json() -> None:
    assert Notation.of(Spacing(",", ":")) == Notation(item=",", key=":")
    assert schema_to_grammar({}, spacing=(",", ":")).matches('{"a":[1,2]}')


def test_a_quote_that_is_a_control_token_is_one() -> None:
    text = grammar({"type": "string", "minLength": 2}, MARKED).llguidance({'<|"|>': 7})
    assert text.count("<[7]>") == 2
