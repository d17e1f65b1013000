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
