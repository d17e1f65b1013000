"""Numbers and nulls as clients write them, in every place of every body that has such a field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from msgspec import inspect as kinds

from gguf_fc.protocols.fields import Fields
from gguf_fc.server.operations import OPERATIONS

TABLES = {f"{one.method} {one.path}": one.fields for one in OPERATIONS if one.fields is not None}
Pair = tuple[str, Any, Any]  # a place, a value as a client may write it there, and as it is meant
Pairs = Callable[[kinds.Type, str], Iterator[Pair]]
SIMPLEST = {kinds.FloatType: 1.0, kinds.DictType: {}, kinds.BoolType: True}


def least(kind: kinds.Type) -> Any:
    """The simplest JSON value of that type."""
    match kind:
        case kinds.Metadata(type=inner):
            return least(inner)
        case kinds.UnionType(types=types):
            return least(types[0])
        case kinds.StructType():
            tag = {} if kind.tag_field is None else {kind.tag_field: kind.tag}
            return tag | {m.encode_name: least(m.type) for m in kind.fields if m.required}
        case kinds.ListType():
            return [least(kind.item_type)] * (kind.min_length or 0)
        case kinds.StrType():
            return "a"
        case kinds.IntType():
            return 1 if kind.le is None else min(1, kind.le)
        case kinds.LiteralType(values=values):
            return values[0]
        case _:
            return SIMPLEST.get(type(kind))


def below(kind: kinds.Type, place: str, own: Pairs) -> Iterator[Pair]:
    """Pairs that *own* makes of *kind* and of every type inside it, as values of *kind*."""
    yield from own(kind, place)
    match kind:
        case kinds.Metadata(type=inner):
            yield from below(inner, place, own)
        case kinds.UnionType(types=types):
            for one in types:
                yield from below(one, place, own)
        case kinds.ListType(item_type=item):
            for found, written, meant in below(item, f"{place}[0]", own):
                yield found, [written], [meant]
        case kinds.StructType(fields=members):
            rest = least(kind)
            for name, type_ in ((member.encode_name, member.type) for member in members):
                for found, written, meant in below(type_, f"{place}.{name}", own):
                    yield found, rest | {name: written}, rest | {name: meant}
        case _:
            pass


def numbers(kind: kinds.Type, place: str) -> Iterator[Pair]:
    """An integer, written with a fraction of zero; and as it is meant."""
    if isinstance(kind, kinds.IntType):
        yield place, float(least(kind)), least(kind)
    if isinstance(kind, kinds.LiteralType):
        yield from ((place, float(one), one) for one in kind.values if isinstance(one, int))


def nulls(kind: kinds.Type, place: str) -> Iterator[Pair]:
    """An object with each member that may be left out as null; and without it."""
    for member in kind.fields if isinstance(kind, kinds.StructType) else ():
        if not member.required:
            yield (
                f"{place}.{member.encode_name}",
                least(kind) | {member.encode_name: None},
                least(kind),
            )


def read(table: Fields[Any], body: Any) -> tuple[Any, tuple[str, ...]]:
    return table.parse(orjson.dumps(body))


@pytest.mark.parametrize("name", TABLES)
def test_a_whole_number_with_a_fraction_of_zero_is_that_number(name: str) -> None:
    for place, written, meant in below(kinds.type_info(TABLES[name].body), "", numbers):
        assert read(TABLES[name], written) == read(TABLES[name], meant), place


@pytest.mark.parametrize("name", TABLES)
def test_null_is_absent_wherever_a_field_is_optional(name: str) -> None:
    for place, written, meant in below(kinds.type_info(TABLES[name].body), "", nulls):
        assert read(TABLES[name], written) == read(TABLES[name], meant), place


def test_the_walk_finds_the_fields_that_clients_send_so() -> None:
    chat = kinds.type_info(TABLES["POST /v1/chat/completions"].body)
    ollama = kinds.type_info(TABLES["POST /api/chat"].body)
    text = kinds.type_info(TABLES["POST /v1/completions"].body)
    found = {place for kind in (chat, ollama, text) for place, _, _ in below(kind, "", numbers)}
    assert {".max_tokens", ".thinking.budget_tokens", ".options.num_ctx"} <= found
    assert {".n", ".seed", ".prompt[0]", ".prompt[0][0]", ".options.mirostat"} <= found
    absent = {place for kind in (chat, ollama) for place, _, _ in below(kind, "", nulls)}
    assert {".tools[0].type", ".messages[0].tool_calls[0].id", ".options.seed"} <= absent


def test_a_fraction_is_still_no_integer_and_a_free_object_keeps_its_nulls() -> None:
    table = TABLES["POST /v1/chat/completions"]
    with pytest.raises(Exception, match="max_tokens"):
        read(table, {"messages": [{"role": "user"}], "max_tokens": 1.5})
    kept = {"type": "object", "default": None, "minimum": 1.0}
    body, _ = read(table, {"messages": [{"role": "user"}], "json_schema": kept})
    assert orjson.dumps(body.json_schema) == orjson.dumps(kept)
