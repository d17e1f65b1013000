"""Strings that stand without quotes or escapes, up to a text that closes them.

Some formats write a parameter as it is: ``<parameter=city>Paris</parameter>``.  The rule made here
is that of the text between; which of a schema's values are strings is taken from the same tree
that JSON's rules are written from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from gguf_fc.grammar.rules import Builder, Literal, Node, choice
from gguf_fc.grammar.schema.json_types import alternatives
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.tree import Schema, String, Values
from gguf_fc.grammar.values.notation import Notation
from gguf_fc.grammar.values.spelling import Spelling
from gguf_fc.grammar.values.strings import StringBound, loosened, overlaps, text_rule

_AS_IT_IS = Notation(escapes="none")


@dataclass(frozen=True, slots=True, eq=False)
class BareStrings:
    """Writer of bare strings in one grammar.

    None of *stops* occurs in a text, nor would one begin in it if a stop followed.
    """

    builder: Builder
    reader: SchemaReader
    stops: tuple[str, ...]

    def write(self, schema: Schema, path: str) -> Node | None:
        """Rule of the strings valid under *schema*, as they are; None if none can be written."""
        found: list[Node] = []
        for part in alternatives(self.reader.meeting.resolved, schema):
            match part:
                case String(bound) if not bound.is_empty:
                    found.append(self._text(bound, path))
                case Values(texts):
                    found += self._known([json.loads(text) for text in texts])
                case _:
                    pass
        return choice(*found) if found else None

    def is_free(self, schema: Schema) -> bool:
        """True if every text that holds no stop is valid."""
        parts = alternatives(self.reader.meeting.resolved, schema)
        return any(isinstance(part, String) and part.bound.is_free for part in parts)

    def _text(self, bound: StringBound, path: str) -> Node:
        for keyword, reason in loosened(bound, self.stops):
            self.reader.loosen(path, keyword, reason)
        spelling = Spelling(self.builder, _AS_IT_IS)
        if bound.is_free:
            return text_rule(bound, spelling, self.stops)
        key = ("bare", self.stops, bound)
        return self.builder.once(key, "text", lambda: text_rule(bound, spelling, self.stops))

    def _known(self, values: list[object]) -> list[Node]:
        """Strings among the *values* that can stand bare."""
        strings = (value for value in values if isinstance(value, str))
        ends = tuple(overlaps(self.stops))
        return [
            Literal(text)
            for text in strings
            if not any(stop in text for stop in self.stops) and not text.endswith(ends)
        ]
