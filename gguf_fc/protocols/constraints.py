"""Constraints on a whole reply, under every name that local servers of OpenAI's protocol have.

``grammar`` is llama.cpp's, ``guided_*`` and ``structured_outputs`` are vLLM's, ``regex`` and
``ebnf`` SGLang's.  One of them may be sent.  A schema becomes the form of the answer, as
``response_format`` has it; the others are over all that the model writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from msgspec import Meta, Struct

from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.protocols.shared_rows import AS_FORMAT
from gguf_fc.request import OwnGrammar, Schema
from gguf_fc.typed_json import about

AS_GRAMMAR = about("as `grammar`")
AS_SCHEMA = about("as `json_schema`")

Gbnf = Annotated[str | None, about("GBNF over the whole reply; not with another form, nor `tools`")]
AsGbnf = Annotated[str | None, AS_GRAMMAR]
Regex = Annotated[
    str | None, about("a regular expression that the whole reply matches; not with another form")
]
AsRegex = Annotated[str | None, about("as `regex`")]
Options = Annotated[
    Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1, max_length=10_000)]
    | None,
    about("texts, one of which is the whole reply; not with another form"),
]
AsOptions = Annotated[
    Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1, max_length=10_000)]
    | None,
    about("as `choice`"),
]
JsonSchema = Annotated[
    dict[str, Any] | bool | str | None,
    about("JSON Schema of the answer, as `response_format` has it, or its text"),
]
AsJsonSchema = Annotated[dict[str, Any] | bool | str | None, AS_SCHEMA]


class StructuredOutputs(Struct):
    """One constraint on the reply, as vLLM has it."""

    json: AsJsonSchema = None
    regex: AsRegex = None
    choice: AsOptions = None
    grammar: AsGbnf = None
    json_object: Annotated[bool | None, about("`true`: any object")] = None
    structural_tag: Annotated[Any, about("not offered: use `tools`")] = None


Structured = Annotated[StructuredOutputs | None, about("one of these constraints")]

ANY_OBJECT_AT = "structured_outputs.json_object"
# Fields of a body, and what each of them holds.
KINDS: Mapping[str, str] = {
    "grammar": "gbnf",
    "guided_grammar": "gbnf",
    "ebnf": "gbnf",
    "regex": "regex",
    "guided_regex": "regex",
    "choice": "texts",
    "guided_choice": "texts",
    "json_schema": "schema",
    "guided_json": "schema",
    "structured_outputs.grammar": "gbnf",
    "structured_outputs.regex": "regex",
    "structured_outputs.choice": "texts",
    "structured_outputs.json": "schema",
    ANY_OBJECT_AT: "schema",
}
ANY_OBJECT: Schema = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Constrained:
    """The constraint of a body: a schema of the answer, or a grammar; *param* is its path."""

    param: str
    schema: Schema | None = None
    grammar: OwnGrammar | None = None


def constraint_of(body: Struct, others: Mapping[str, bool]) -> Constrained | None:
    """The constraint that *body* has, if any.

    *others* are the fields with which a grammar cannot be combined, and if they were sent; those
    for which a schema is no place either are named ``response_format``.  Raises InvalidParameter.
    """
    given = list(_given(body))
    if not given:
        return None
    (param, value), *more = given
    if more:
        raise _together(param, more[0][0])
    kind = KINDS[param]
    for other, is_sent in others.items():
        if is_sent and (kind != "schema" or other == "response_format"):
            raise _together(param, other)
    match kind:
        case "schema":
            schema = ANY_OBJECT if param == ANY_OBJECT_AT else _schema(value, param)
            return Constrained(param, schema=schema)
        case "gbnf":
            return Constrained(param, grammar=OwnGrammar(kind="gbnf", source=value, param=param))
        case "regex":
            return Constrained(param, grammar=OwnGrammar(kind="regex", source=value, param=param))
        case _:
            texts = tuple(value)
            return Constrained(param, grammar=OwnGrammar(kind="texts", source=texts, param=param))


def _given(body: Struct) -> Iterator[tuple[str, Any]]:
    """Constraints of *body* by their paths."""
    inner = getattr(body, "structured_outputs", None)
    if inner is not None and inner.structural_tag is not None:
        where = "structured_outputs.structural_tag"
        raise UnsupportedParameter(
            f"'{where}' is not supported by this server; {AS_FORMAT.instead}.", param=where
        )
    for path in KINDS:
        holder, _, name = path.rpartition(".")
        value = getattr(inner if holder else body, name, None)
        if value is not None and (path, value) != (ANY_OBJECT_AT, False):
            yield path, value


def _schema(value: Any, param: str) -> Schema:
    if not isinstance(value, str):
        return value if isinstance(value, bool) else dict(value)
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InvalidParameter(f"'{param}' is not JSON: {error}.", param=param) from error
    if not isinstance(found, dict | bool):
        raise InvalidParameter(f"'{param}' must be a JSON Schema, an object.", param=param)
    return found


def _together(param: str, other: str) -> InvalidParameter:
    return InvalidParameter(
        f"'{param}' and '{other}' cannot be combined; send one of them.", param=param
    )
