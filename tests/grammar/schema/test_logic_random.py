"""Random schemas of keywords that combine: exact, or reported and never too narrow."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Grammar, schema_to_grammar
from tests.support.logic_schemas import SCHEMAS, VALUES, orders

MANY = 400


def accepts(grammar: Grammar, value: Any) -> bool:
    """Whether *value* matches in some order of its members."""
    try:
        return any(grammar.matches(json.dumps(v, ensure_ascii=False)) for v in orders(value))
    except GrammarError:
        return False  # nothing satisfies the schema


@settings(
    max_examples=MANY,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(SCHEMAS, st.lists(VALUES, min_size=4, max_size=4))
def test_a_grammar_says_what_a_validator_says_or_reports_that_it_says_more(
    schema: Any, values: list[Any]
) -> None:
    grammar = schema_to_grammar(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    for value in values:
        accepted, valid = accepts(grammar, value), validator.is_valid(value)
        if accepted != valid:
            assert accepted, f"refused {value!r}"
            assert grammar.report, f"silently accepted {value!r}"


@settings(
    max_examples=MANY,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(SCHEMAS, st.lists(VALUES, min_size=4, max_size=4))
def test_a_closed_grammar_accepts_a_part_of_the_open_one_and_never_nothing_instead(
    schema: Any, values: list[Any]
) -> None:
    inside = {"type": "array", "items": schema, "minItems": 1}
    wide, shut = schema_to_grammar(inside), schema_to_grammar(inside, closed=True)
    assert _matches_something(wide) == _matches_something(shut)
    for value in values:
        assert accepts(wide, [value]) or not accepts(shut, [value])


def _matches_something(grammar: Grammar) -> bool:
    try:
        return bool(grammar.gbnf)
    except GrammarError:
        return False
