"""Values that stand bare between fixed texts, where nothing but a schema tells ``42`` from "42".

Two halves that agree: what ``write_bare`` makes of a string, ``read_bare`` makes the string again.

Theory of operation.  Of a text between fixed texts, and the type that is admitted:

1. A text that spells a value of an admitted type, other than a string, is that value; where strings
   are admitted too, only if it is valid: ``{"a": 1}`` that fits no object of the schema is a text.
2. A string in JSON's quotes is the string without them where the schema says nothing of types, or
   where it would not be read as a string if it stood without them.
3. Any other text is itself, with the quotes it may have.
4. So a string is written as it is if 1 to 3 make it again, and in JSON's quotes if not.
"""

from __future__ import annotations

import json

from gguf_fc.dialect.parameter_types import ParameterType
from gguf_fc.dialect.read.strings import as_json_string
from gguf_fc.dialect.read.values import as_json
from gguf_fc.grammar.schema.json_types import ALL_TYPES, JsonType, json_type
from gguf_fc.grammar.values.notation import JSON, PYTHON


def read_bare(text: str, admitted: ParameterType) -> str:
    """JSON of a bare *text* where values of the type *admitted* may stand."""
    types = admitted.types
    others = types - {"string"}
    for notation in (JSON, PYTHON):
        value = as_json(text, notation)
        if value is not None and _is_of(value, others, admitted if others != types else None):
            return value
    quoted = as_json(text)
    if quoted is not None and quoted[0] == '"' and "string" in types:
        inside = json.loads(quoted)
        if types == ALL_TYPES or not is_plain(inside, admitted):
            return quoted
    return _string(text)


def write_bare(text: str, admitted: ParameterType) -> str:
    """The string *text* as it stands bare where values of the type *admitted* may stand."""
    if "string" not in admitted.types or is_plain(text, admitted):
        return text
    return json.dumps(text, ensure_ascii=False)


def is_plain(text: str, admitted: ParameterType) -> bool:
    """True if *text* is read as the string that it is."""
    return read_bare(text, admitted) == _string(text)


def _is_of(value: str, types: frozenset[JsonType], valid: ParameterType | None) -> bool:
    """True if a JSON text is of one of *types*, and valid if that is asked."""
    found = json.loads(value)
    return json_type(found) in types and (valid is None or valid.accepts(found))


def _string(text: str) -> str:
    return f'"{as_json_string(text)}"'
