"""Values that stand bare between fixed texts, where nothing but a schema tells ``42`` from "42".

Two halves that agree: what ``write_bare`` makes of a string, ``read_bare`` makes the string again.

Theory of operation.  Of a text between fixed texts, and the kinds of value that are admitted:

1. A text that spells a value of such a kind, other than a string, is that value.
2. A string in JSON's quotes is the string without them where the schema says nothing of kinds, or
   where it would not be read as a string if it stood without them.
3. Any other text is itself, with the quotes it may have.
4. So a string is written as it is if 1 to 3 make it again, and in JSON's quotes if not.
"""

from __future__ import annotations

import json

from gguf_fc.dialect.kinds import ANY, Kind, kind_of
from gguf_fc.dialect.read.values import as_json, as_json_string
from gguf_fc.grammar.values.notation import JSON, PYTHON

_SPELLED = {"{": {}, "[": [], '"': "", "t": True, "f": False, "n": None}


def read_bare(text: str, kinds: frozenset[Kind]) -> str:
    """The JSON of a bare *text* where values of *kinds* are admitted."""
    for notation in (JSON, PYTHON):
        value = as_json(text, notation)
        if value is not None and _kind(value) in kinds - {"string"}:
            return value
    quoted = as_json(text)
    if quoted is not None and _kind(quoted) == "string" and "string" in kinds:
        inside = json.loads(quoted)
        if kinds == ANY or not is_plain(inside, kinds):
            return quoted
    return _string(text)


def write_bare(text: str, kinds: frozenset[Kind]) -> str:
    """The string *text* as it stands bare where values of *kinds* are admitted."""
    if "string" not in kinds or is_plain(text, kinds):
        return text
    return json.dumps(text, ensure_ascii=False)


def is_plain(text: str, kinds: frozenset[Kind]) -> bool:
    """Whether *text* is read as the string that it is."""
    return read_bare(text, kinds) == _string(text)


def _kind(value: str) -> Kind:
    """Of the value that a JSON text spells."""
    return kind_of(_SPELLED.get(value[0], 0))


def _string(text: str) -> str:
    return f'"{as_json_string(text)}"'
