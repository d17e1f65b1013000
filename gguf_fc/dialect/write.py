"""Writes a turn as the model would: the inverse of ``parser``.

Knows the syntax, not the template: headers and end-of-turn tokens are not written.  Where a tool's
schema is given, arguments come in the order in which it declares them, and what the notation does
not tell apart by itself, ``42`` and "42", is written so that it is read back as what it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gguf_fc.dialect.parameter_types import ParameterType
from gguf_fc.dialect.read.bare import write_bare
from gguf_fc.dialect.read.values import spell, spell_key
from gguf_fc.dialect.syntax import Pair, Pairs, Placeholder, Syntax
from gguf_fc.grammar.schema.json_types import ALL_TYPES, JsonType


@dataclass(frozen=True, slots=True)
class Call:
    """A call to write."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


def write(
    syntax: Syntax,
    *,
    content: str = "",
    reasoning: str = "",
    calls: Sequence[Call] = (),
    schemas: Mapping[str, Any] | None = None,
) -> str:
    """The whole turn.  *schemas* are those of the tools' arguments, by the tool's name."""
    parts = []
    if reasoning and syntax.reasoning:
        parts.append(syntax.reasoning.open + reasoning + syntax.reasoning.close)
    if content:
        parts.append("" if parts else syntax.space)
        parts.append(syntax.content.open + content + syntax.content.close)
    if calls:
        parts.append(syntax.gap if content else "")
        known = {name: ParameterType.of(schema) for name, schema in (schemas or {}).items()}
        written = (
            write_call(syntax, call, n, known.get(call.name)) for n, call in enumerate(calls)
        )
        parts.append(syntax.section.open + syntax.separator.join(written) + syntax.section.close)
    return "".join(parts)


def write_call(
    syntax: Syntax, call: Call, number: int = 0, schema: ParameterType | None = None
) -> str:
    """The call that is the *number*-th of its turn, with its own marks."""
    bare = syntax.bare_call is not None and not call.arguments
    parts = syntax.bare_call if bare and syntax.bare_call else syntax.call
    return "".join(
        part if isinstance(part, str) else _filled(syntax, part, call, number, schema)
        for part in parts
    )


def write_arguments(
    syntax: Syntax, arguments: dict[str, Any], schema: ParameterType | None = None
) -> str:
    """Arguments as the syntax has them: one JSON object, or pairs."""
    arguments = arguments if schema is None else schema.arranged(arguments)
    if syntax.pairs is not None:
        return _members(syntax.pairs, arguments, schema)
    text = json.dumps(
        arguments,
        ensure_ascii=syntax.ascii_only,
        separators=(syntax.spacing.item, syntax.spacing.key),
    )
    return json.dumps(text, ensure_ascii=syntax.ascii_only) if syntax.quoted else text


def write_name(syntax: Syntax, name: str) -> str:
    """A name as it stands in the text: escaped inside JSON, bare elsewhere."""
    return name if syntax.keys is None else json.dumps(name, ensure_ascii=False)[1:-1]


def _filled(
    syntax: Syntax, placeholder: Placeholder, call: Call, number: int, schema: ParameterType | None
) -> str:
    match placeholder.kind:
        case "name":
            return write_name(syntax, call.name)
        case "arguments":
            return write_arguments(syntax, call.arguments, schema)
        case "index":
            return str(syntax.first_index + number)
        case _:
            return call.id


# Pairs.


def write_pair(pairs: Pairs, key: str, value: Any, schema: ParameterType | None = None) -> str:
    """One argument; *schema* is that of its value, where it is known."""
    if isinstance(value, str):
        form, text = _string(pairs, value, schema)
    else:
        form, text = pairs.other, _other(pairs, value, schema)
    return form.before + write_key(pairs, key) + form.between + text + form.after_key(key)


def write_key(pairs: Pairs, key: str) -> str:
    """The *key* of an argument."""
    return spell_key(key, pairs.notation) if pairs.quotes_keys else key


def _string(pairs: Pairs, text: str, schema: ParameterType | None) -> tuple[Pair, str]:
    """The form of an argument that is a string, and what stands in it."""
    if pairs.quoted:
        return pairs.text, spell(text, pairs.scalars)
    if pairs.guarded is not None and any(character in text for character in pairs.guards):
        return pairs.guarded, text
    if schema is None or pairs.text != pairs.other:
        return pairs.text, text
    bare = write_bare(text, schema)
    if bare != text and pairs.guarded is not None:
        return pairs.guarded, text  # this form says itself that it holds a string
    return pairs.text, bare


def _other(pairs: Pairs, value: Any, schema: ParameterType | None) -> str:
    """A value that is no string, as it stands between the fixed texts."""
    structure = isinstance(value, list | dict)
    if pairs.item is None or not structure:
        value = in_order(value) if pairs.ordered else value
        return spell(value, pairs.notation if structure else pairs.scalars)
    if schema is not None and _is_mistakable(pairs.item, value, schema.types):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "".join(
            write_pair(pairs, pairs.item, item, schema.item(at) if schema else None)
            for at, item in enumerate(value)
        )
    return _members(replace(pairs, separator=""), value, schema)


def _is_mistakable(
    item: str, value: list[Any] | dict[str, Any], types: frozenset[JsonType]
) -> bool:
    """True if nested pairs would be read as a text or, their first key being *item*, as a list."""
    listed = isinstance(value, dict) and next(iter(value), None) == item
    # Where a text is admitted beside certain others, what looks like pairs is a text too.
    return "string" in types and (types != ALL_TYPES or not value or listed)


def _members(pairs: Pairs, arguments: Mapping[str, Any], schema: ParameterType | None) -> str:
    keys = sorted(arguments) if pairs.ordered else arguments
    return pairs.separator.join(
        write_pair(pairs, key, arguments[key], schema.member(key) if schema else None)
        for key in keys
        if pairs.nulls or arguments[key] is not None
    )


def in_order(value: Any) -> Any:
    """*value* with the keys of all its objects in alphabetical order."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(item) for item in value] if isinstance(value, list) else value
