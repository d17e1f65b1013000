"""Writes a turn as the model would: the inverse of ``parser``.

Knows the syntax, not the template: headers and end-of-turn tokens are not written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gguf_fc.dialect.syntax import Pair, Pairs, Slot, Syntax
from gguf_fc.dialect.values import spell


@dataclass(frozen=True, slots=True)
class Call:
    """A call to write."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


def write(
    syntax: Syntax, *, content: str = "", reasoning: str = "", calls: Sequence[Call] = ()
) -> str:
    """The whole turn."""
    parts = []
    if reasoning and syntax.reasoning:
        parts.append(syntax.reasoning.open + reasoning + syntax.reasoning.close)
    if content:
        parts.append(syntax.content.open + content + syntax.content.close)
    if calls:
        parts.append(syntax.gap if content else "")
        written = (write_call(syntax, call, n) for n, call in enumerate(calls))
        parts.append(syntax.section.open + syntax.separator.join(written) + syntax.section.close)
    return "".join(parts)


def write_call(syntax: Syntax, call: Call, number: int = 0) -> str:
    """The call that is the *number*-th of its turn, with its own marks."""
    bare = syntax.bare_call is not None and not call.arguments
    parts = syntax.bare_call if bare and syntax.bare_call else syntax.call
    return "".join(
        part if isinstance(part, str) else _filled(syntax, part, call, number) for part in parts
    )


def write_arguments(syntax: Syntax, arguments: dict[str, Any]) -> str:
    """Arguments as the syntax has them: one JSON object, or pairs."""
    if syntax.pairs is not None:
        return _members(syntax.pairs, arguments)
    text = json.dumps(
        arguments,
        ensure_ascii=syntax.ascii_only,
        separators=(syntax.spacing.item, syntax.spacing.key),
    )
    return json.dumps(text, ensure_ascii=syntax.ascii_only) if syntax.quoted else text


def write_name(syntax: Syntax, name: str) -> str:
    """A name as it stands in the text: escaped inside JSON, bare elsewhere."""
    return name if syntax.keys is None else json.dumps(name, ensure_ascii=False)[1:-1]


def _filled(syntax: Syntax, slot: Slot, call: Call, number: int) -> str:
    match slot.kind:
        case "name":
            return write_name(syntax, call.name)
        case "arguments":
            return write_arguments(syntax, call.arguments)
        case "index":
            return str(syntax.first_index + number)
        case _:
            return call.id


# Pairs.


def form_of(pairs: Pairs, value: Any) -> Pair:
    """How an argument with this value is written."""
    if not isinstance(value, str):
        return pairs.other
    if pairs.guarded is not None and any(character in value for character in pairs.guards):
        return pairs.guarded
    return pairs.text


def spell_value(pairs: Pairs, value: Any) -> str:
    """A value that is no nested pairs, as it stands between the fixed texts."""
    if isinstance(value, str) and not pairs.quoted:
        return value
    return spell(value, pairs.notation if isinstance(value, str | list | dict) else pairs.scalars)


def _members(pairs: Pairs, arguments: Mapping[str, Any]) -> str:
    keys = sorted(arguments) if pairs.ordered else arguments
    written = [key for key in keys if pairs.nulls or arguments[key] is not None]
    return pairs.separator.join(write_pair(pairs, key, arguments[key]) for key in written)


def write_pair(pairs: Pairs, key: str, value: Any) -> str:
    """One argument."""
    form = form_of(pairs, value)
    if pairs.item is not None and isinstance(value, list):
        text = "".join(write_pair(pairs, pairs.item, item) for item in value)
    elif pairs.item is not None and isinstance(value, dict):
        text = _members(replace(pairs, separator=""), value)
    else:
        text = spell_value(pairs, in_order(value) if pairs.ordered else value)
    return form.before + key + form.between + text + form.after_key(key)


def in_order(value: Any) -> Any:
    """*value* with the keys of all its objects in alphabetical order."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(item) for item in value] if isinstance(value, list) else value
