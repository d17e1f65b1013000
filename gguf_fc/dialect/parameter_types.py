"""Parameters of tools as schema trees: which types they may have, which keys, in which order.

Readers and writers of notations that do not show a value's type ask here.  Understanding a schema
is ``grammar/schema``'s; a schema that cannot be read says nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.schema.json_types import (
    JsonType,
    narrowed,
    objects_of,
    parts_of,
    types_of,
)
from gguf_fc.grammar.schema.known_values import Judge, member
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.refs import Document
from gguf_fc.grammar.schema.tree import (
    ANYTHING,
    Array,
    Object,
    Ref,
    Schema,
    String,
    any_of,
)


@dataclass(frozen=True, slots=True)
class ParameterType:
    """Type of one value: its schema as a tree, and the document that references lead into."""

    schema: Schema
    document: SchemaReader

    @classmethod
    def of(cls, schema: Any) -> ParameterType:
        """The whole document *schema*; None, as one that cannot be read, admits anything."""
        reader = SchemaReader(Document(schema, "$"))
        try:
            return cls(ANYTHING if schema is None else reader.read(schema, "$"), reader)
        except (GrammarError, RecursionError):
            return cls(ANYTHING, reader)

    @property
    def types(self) -> frozenset[JsonType]:
        """JSON types that the value may have."""
        return types_of(self._resolve, self.schema)

    @property
    def takes_any_text(self) -> bool:
        """True if it is a string, any string, and nothing else."""
        return self._resolve(self.schema) == String()

    def accepts(self, value: Any) -> bool:
        """True if *value* is valid."""
        return Judge(self._definition).accepts(self.schema, value)

    def only(self, types: Collection[JsonType]) -> ParameterType:
        """The same without the values of other types."""
        return replace(self, schema=narrowed(self._resolve, self.schema, types))

    def member(self, key: str) -> ParameterType:
        """Type of the member *key* of an object."""
        found = [member(option, key) for option in objects_of(self._resolve, self.schema)]
        declared = [schema for schema, is_declared in found if is_declared]
        schemas = declared or [schema for schema, _ in found]
        return self._inner(schemas)

    @property
    def names(self) -> frozenset[str]:
        """Keys that an object is known to have."""
        options = objects_of(self._resolve, self.schema)
        return frozenset(known.name for option in options for known in option.properties)

    def item(self, at: int) -> ParameterType:
        """Type of the item of that number of an array."""
        parts = parts_of(self._resolve, self.schema)
        return self._inner([part.item(at) for part in parts if isinstance(part, Array)])

    def only_parameter(self) -> tuple[str, ParameterType] | None:
        """Name and type of the parameter of an object that has one, which is required."""
        match objects_of(self._resolve, self.schema):
            case [Object(properties=(known,))] if known.required:
                return known.name, self._inner([known.schema])
            case _:
                return None

    def arranged(self, value: Any) -> Any:
        """*value* with the members of its objects in the order in which the schema lists them."""
        if isinstance(value, list):
            return [self.item(at).arranged(item) for at, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        keys = dict.fromkeys((*self._order(value), *value))
        return {key: self.member(key).arranged(value[key]) for key in keys}

    def _order(self, value: dict[str, Any]) -> list[str]:
        """Keys of *value* as the alternative lists them that it is valid under, or the first."""
        options = objects_of(self._resolve, self.schema)
        judge = Judge(self._definition)
        valid = (option for option in options if judge.accepts(option, value))
        chosen = next(valid, options[0] if options else Object())
        return [known.name for known in chosen.properties if known.name in value]

    def _inner(self, schemas: list[Schema]) -> ParameterType:
        return replace(self, schema=any_of(*schemas) if schemas else ANYTHING)

    def _resolve(self, schema: Schema) -> Schema:
        return self.document.meeting.resolved(schema)

    def _definition(self, ref: Ref) -> Schema:
        return self.document.definition(ref)
