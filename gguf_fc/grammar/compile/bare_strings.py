"""The text of a string that is written without quotes or escapes, up to a closing marker.

Some formats write a parameter as it is: ``<parameter=city>Paris</parameter>``.  The rule made here
is that of the text between; which of a schema's values are strings is taken from the same tree
that ``schema`` writes rules from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gguf_fc.grammar.rules import Builder, Literal, Node, choice
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.refs import Document
from gguf_fc.grammar.schema.tree import AnyOf, Anything, Loosened, Ref, Schema, String, Values
from gguf_fc.grammar.values.notation import Notation
from gguf_fc.grammar.values.spelling import Spelling
from gguf_fc.grammar.values.strings import StringBound, loosened, overlaps, text_rule

_AS_IT_IS = Notation(escapes="none")


def compile_raw(
    schema: Any,
    builder: Builder,
    *,
    stops: tuple[str, ...],
    path: str = "$",
    document: Any = None,
) -> tuple[Node | None, tuple[Loosened, ...]]:
    """The rule of the strings valid under *schema*, as they are, and what it lets through beyond.

    None if no string is valid.  None of *stops* occurs in the text, nor would one begin in it if
    a stop followed.  *document* is where references lead to, if that is more than *schema*; *path*
    is where *schema* stands in it.
    """
    reader = SchemaReader(Document(schema if document is None else document, "$"))
    writer = _Writer(builder, stops, reader, path)
    node = writer.write(reader.read(schema, path), frozenset())
    return node, tuple(reader.report)


@dataclass(frozen=True, slots=True, eq=False)
class _Writer:
    builder: Builder
    stops: tuple[str, ...]
    reader: SchemaReader
    path: str

    def write(self, schema: Schema, within: frozenset[str]) -> Node | None:
        """The strings among the values of *schema*; *within* are the references being followed."""
        match schema:
            case Anything():
                return self._text(StringBound())
            case String(bound):
                return self._text(bound)
            case Values(texts):
                values = (json.loads(text) for text in texts)
                return _any([self._exactly(value) for value in values if isinstance(value, str)])
            case AnyOf(options):
                return _any([self.write(option, within) for option in options])
            case Ref(key) if key not in within:
                return self.write(self.reader.definition(schema), within | {key})
            case _:
                return None

    def _text(self, bound: StringBound) -> Node | None:
        if bound.is_empty:
            return None
        for keyword, reason in loosened(bound, self.stops):
            self.reader.loosen(self.path, keyword, reason)
        spelling = Spelling(self.builder, _AS_IT_IS)
        if bound.is_free:
            return text_rule(bound, spelling, self.stops)
        key = ("raw", self.stops, bound)
        return self.builder.once(key, "text", lambda: text_rule(bound, spelling, self.stops))

    def _exactly(self, text: str) -> Node | None:
        cut = any(stop in text for stop in self.stops)
        return None if cut or text.endswith(tuple(overlaps(self.stops))) else Literal(text)


def _any(options: list[Node | None]) -> Node | None:
    possible = [option for option in options if option is not None]
    return choice(*possible) if possible else None
