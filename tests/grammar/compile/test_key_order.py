"""Members of small objects in any order: every order, each member once, few rules."""

from __future__ import annotations

import json
from itertools import permutations
from random import Random
from typing import Any

import pytest

from gguf_fc.grammar import Grammar, Spacing, gbnf_to_grammar, schema_to_grammar
from tests.support.lexing import LlguidanceGrammar

INTEGER = {"type": "integer"}


def grammar(schema: dict[str, Any], order: str = "any") -> Grammar:
    return schema_to_grammar(schema, closed=True, spacing=Spacing(), key_order=order)  # type: ignore[arg-type]


def accepts(held: Grammar, value: dict[str, Any] | str) -> bool:
    """Whether *value* is in the language, to each reader of the grammar."""
    text = value if isinstance(value, str) else json.dumps(value)
    engine = LlguidanceGrammar(held.llguidance())
    found = {reader.matches(text) for reader in (held, engine, gbnf_to_grammar(held.gbnf))}
    assert len(found) == 1, text
    return found.pop()


def an_object(names: str, required: str = "", **more: Any) -> dict[str, Any]:
    properties = dict.fromkeys(names, INTEGER)
    return {"type": "object", "properties": properties, "required": [*required], **more}


@pytest.mark.parametrize("required", ["", "b", "ac", "abc"])
def test_members_come_in_any_order_and_those_required_come(required: str) -> None:
    held, declared = (grammar(an_object("abc", required), order) for order in ("any", "declared"))
    for count in range(4):
        for names in permutations("abc", count):
            whole = set(required) <= set(names)
            value = dict.fromkeys(names, 1)
            assert accepts(held, value) == whole
            assert not declared.matches(json.dumps(value)) or whole


def test_no_member_comes_twice() -> None:
    held = grammar(an_object("ab", "a"))
    assert not accepts(held, '{"a": 1, "a": 1}')
    assert not accepts(held, '{"b": 1, "a": 1, "b": 1}')


def test_other_members_come_anywhere_between() -> None:
    schema = an_object("ab", "b", additionalProperties=INTEGER)
    held, declared = grammar(schema), grammar(schema, "declared")
    for names in ("xb", "bxa", "xybz"):
        assert accepts(held, text := json.dumps(dict.fromkeys(names, 1)))
        assert text.startswith('{"b"') or not declared.matches(text)
    assert not accepts(held, '{"x": 1}')
    assert not accepts(held, '{"a": 1, "x": 1, "a": 1, "b": 1}')


def test_members_inside_others_come_in_any_order_too() -> None:
    inner = an_object("cd", "cd")
    held = grammar({**an_object("a", "a"), "properties": {"a": INTEGER, "o": inner}})
    assert accepts(held, {"o": {"d": 1, "c": 1}, "a": 1})
    assert not accepts(held, {"o": {"d": 1}, "a": 1})


def test_eight_members_take_a_rule_for_each_set_and_nine_come_as_declared() -> None:
    names = "abcdefghi"
    eight, nine = grammar(an_object(names[:8], names[:8])), grammar(an_object(names, names))
    assert len(eight.rules.named) <= 2**8 + 2 * 8 + 20
    assert len(nine.rules.named) < 40
    for seed in range(2):
        order = Random(seed).sample(names[:8], 8)  # noqa: S311
        assert accepts(eight, dict.fromkeys(order, 1))
    assert not accepts(nine, dict.fromkeys(reversed(names), 1))
    assert accepts(nine, dict.fromkeys(names, 1))


def test_many_objects_keep_their_schema_where_there_is_no_room_for_any_order() -> None:
    inner = {
        f"o{n}": an_object(
            "abcdefgh", "a", title=str(n), properties={name: {"const": n} for name in "abcdefgh"}
        )
        for n in range(40)
    }
    held = grammar({"type": "object", "properties": inner})
    assert held.report == ()
    assert len(held.rules.named) < 6_000
    assert held.matches(json.dumps({"o39": {"a": 39, "b": 39}}))
    assert not held.matches(json.dumps({"o39": {"b": 39}}))


def test_counted_members_come_as_declared() -> None:
    held = grammar(an_object("abc", minProperties=2))
    assert accepts(held, {"a": 1, "c": 1})
    assert not accepts(held, {"b": 1})
