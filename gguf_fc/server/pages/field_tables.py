"""The tables of fields as people read them: a row for each field, in Markdown or HTML.

Made from the schemas of ``openapi``, so they say what the server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import orjson

from gguf_fc.protocols.fields import Fields
from gguf_fc.server.pages.openapi import body_schemas, name_of

Json = dict[str, Any]

LIMITS = (
    ("", "minimum", "maximum"),
    (" of them", "minItems", "maxItems"),
    (" characters", "minLength", "maxLength"),
)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: its name, what it may be, what it does."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """The fields of a body, or of an object inside it."""

    title: str
    rows: tuple[FieldRow, ...]


def tables(fields: Fields[Any]) -> Iterator[Table]:
    """First the body's table, then one for each object inside it; then what is not honoured."""
    (body,), components = body_schemas([fields])
    inner = {name: schema for name, schema in components.items() if name != name_of(body)}
    yield Table("", tuple(_rows(components[name_of(body)], fields.honoured)))
    for name, schema in inner.items():
        if schema.get("properties"):
            yield Table(f"`{name}`", tuple(_rows(schema, schema["properties"])))
    if fields.without_effect:
        without = fields.without_effect.items()
        rows = tuple(FieldRow(name, "anything", why) for name, why in sorted(without))
        yield Table("Accepted without effect", rows)
    if fields.refused:
        yield Table("Refused", tuple(_refused(fields)))


def markdown(table: Table) -> str:
    """*table* as Markdown."""
    title = [f"**{table.title}**", ""] if table.title else []
    head = ["| field | value | |", "|---|---|---|"]
    rows = [
        f"| `{row.name}` | {row.value.replace('|', chr(92) + '|')} | {row.meaning} |"
        for row in table.rows
    ]
    return "\n".join((*title, *head, *rows))


def html(table: Table) -> str:
    """*table* as HTML."""
    title = f"<h4>{_code(table.title)}</h4>" if table.title else ""
    rows = "".join(
        f"<tr><td><code>{escape(row.name)}</code></td><td>{_code(row.value)}</td>"
        f"<td>{_code(row.meaning)}</td></tr>"
        for row in table.rows
    )
    return f"{title}<table>{rows}</table>"


def _code(text: str) -> str:
    """*text* escaped, with what stands in backticks as code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if n % 2 else piece for n, piece in enumerate(pieces))


def _rows(schema: Json, names: Any) -> Iterator[FieldRow]:
    required = schema.get("required", ())
    for name, member in schema["properties"].items():
        if name in names:
            value = _value(member) + (", required" if name in required else "")
            yield FieldRow(name, value, member.get("description", ""))


def _refused(fields: Fields[Any]) -> Iterator[FieldRow]:
    for name, row in sorted(fields.refused.items()):
        harmless = " or ".join(f"`{orjson.dumps(value).decode()}`" for value in row.harmless)
        yield FieldRow(name, f"only {harmless}" if harmless else "none", row.instead)


def _value(schema: Json) -> str:
    """Type and limits of a value, in a few words."""
    if "anyOf" in schema:
        return " or ".join(_value(one) for one in schema["anyOf"] if one != {"type": "null"})
    if "$ref" in schema:
        return f"`{name_of(schema)}`"
    if "enum" in schema:
        return " ".join(f"`{one}`" for one in schema["enum"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        kind = f"list of {_value(schema['items'])}" if schema.get("items") else "list"
    return ", ".join((kind, *_limits(schema)))


def _limits(schema: Json) -> Iterator[str]:
    for unit, low, high in LIMITS:
        least, most = schema.get(low), schema.get(high)
        if most is not None and abs(most) > 2**60:
            yield "64 bits"
        elif least is not None and most is not None:
            yield f"{least} to {most}{unit}"
        elif least is not None:
            yield f"at least {least}{unit}"
        elif most is not None:
            yield f"at most {most}{unit}"
    if "exclusiveMinimum" in schema:
        yield f"over {schema['exclusiveMinimum']}"
    if "pattern" in schema:
        yield f"matching `{schema['pattern']}`"
