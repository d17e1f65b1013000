"""A negated schema accepts exactly the values that the schema does not."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_fc.grammar.schema.known_values import Judge
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.refs import Document
from tests.support.logic_schemas import SCHEMAS, VALUES


@settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(SCHEMAS, st.lists(VALUES, min_size=4, max_size=4))
def test_every_value_is_valid_under_a_schema_or_its_negation(
    schema: Any, values: list[Any]
) -> None:
    reader = SchemaReader(Document(schema, "$"))
    tree = reader.read(schema, "$")
    other = reader.negation.of(tree)
    if other is None:
        return  # no tree says it
    judge = Judge(reader.definition)
    for value in values:
        assert judge.accepts(tree, value) != judge.accepts(other, value), value


def test_a_reference_to_what_lost_something_is_not_negated() -> None:
    schema = {
        "$ref": "#/$defs/outer",
        "$defs": {
            "outer": {"anyOf": [{"$ref": "#/$defs/lost"}, {"type": "null"}]},
            "lost": {"$ref": "https://example.org/"},
        },
    }
    reader = SchemaReader(Document(schema, "$"))
    assert reader.negation.of(reader.read(schema, "$")) is None


def test_a_schema_that_holds_itself_is_not_negated() -> None:
    schema = {"type": "array", "items": {"$ref": "#"}}
    reader = SchemaReader(Document(schema, "$"))
    assert reader.negation.of(reader.read(schema, "$")) is None
