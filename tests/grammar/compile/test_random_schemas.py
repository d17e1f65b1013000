"""Random schemas: the grammar says what a validator says, and every reading of it agrees."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import schema_to_grammar
from tests.support.schemas import SCHEMAS, VALUES, ordered, valid_values

SETTINGS = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def expected(schema: Any, value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema).is_valid(value)


def judged(schema: Any, value: Any, **options: Any) -> bool:
    grammar = schema_to_grammar(schema, **options)
    assert grammar.report == ()
    text = json.dumps(value, ensure_ascii=False, separators=options.get("spacing"))
    try:
        return grammar.matches(text)
    except GrammarError:
        return False  # nothing satisfies the schema


@SETTINGS
@given(st.data())
def test_what_a_validator_accepts_matches_and_what_it_refuses_does_not(data: st.DataObject) -> None:
    schema = data.draw(SCHEMAS)
    value = data.draw(st.one_of(valid_values(schema), VALUES))
    if _order_is_declared(schema, value):
        assert judged(schema, value) == expected(schema, value)


@SETTINGS
@given(st.data())
def test_fixed_spacing_accepts_what_the_same_spacing_prints(data: st.DataObject) -> None:
    schema = data.draw(SCHEMAS)
    value = data.draw(valid_values(schema))
    if _order_is_declared(schema, value):
        assert judged(schema, value, spacing=(",", ":")) == expected(schema, value)


def _order_is_declared(schema: Any, value: Any) -> bool:
    return (
        "allOf" not in json.dumps(schema)
        and "anyOf" not in json.dumps(schema)
        and json.dumps(ordered(schema, value)) == json.dumps(value)
    )
