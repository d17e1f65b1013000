"""Templates of one file, and which of them a conversation is rendered with.

A file may hold templates beside its first one: for conversations with tools, with documents to
answer from, or with answers in a JSON Schema.  The choice depends on what the request has, and on
calls of the past, so it stays the same as a conversation grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from gguf_fc.dialect.prompt.forms import TemplateFacts
from gguf_fc.request import Message, Tool

DOCUMENTS = "documents"  # the template variable


def variables_of_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Variables by which templates are told of the schema of an answer."""
    wrapped = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return {"json_schema": schema, "schema": schema, "response_format": wrapped}


Facts_co = TypeVar("Facts_co", bound=TemplateFacts, covariant=True)


@dataclass(frozen=True, kw_only=True)
class FileTemplates(Generic[Facts_co]):
    """Analyses of the templates of a file."""

    base: Facts_co
    tools: Facts_co  # for conversations with tools or calls
    documents: Facts_co | None = None
    schema: Facts_co | None = None
    # The names of templates beside the first, and what each is used for.
    uses: Mapping[str, str] = field(default_factory=dict)

    def choice(
        self, turns: Sequence[Message], tools: Sequence[Tool], variables: Mapping[str, Any]
    ) -> tuple[Facts_co, ...]:
        """Templates to render a conversation with, best first."""
        if tools:
            return (self.tools,)
        found = {id(each): each for each in self._toolless(turns, variables)}
        return tuple(found.values())

    @property
    def used(self) -> tuple[Facts_co, ...]:
        """The templates of use, the one for tools first."""
        found = (self.tools, self.base, self.documents, self.schema)
        return tuple({id(each): each for each in found if each is not None}.values())

    def schema_variables(
        self, schema: Mapping[str, Any], turns: Sequence[Message], tools: Sequence[Tool]
    ) -> dict[str, Any]:
        """Variables by which a template tells of the *schema* of an answer; none if it cannot."""
        shown = self.schema is not None and not tools and not _has_calls(turns)
        return variables_of_schema(schema) if shown else {}

    def _toolless(
        self, turns: Sequence[Message], variables: Mapping[str, Any]
    ) -> Iterator[Facts_co]:
        if _has_calls(turns):
            yield self.tools
        if self.documents is not None and variables.get(DOCUMENTS):
            yield self.documents
        if self.schema is not None and any(map(variables.get, variables_of_schema({}))):
            yield self.schema
        yield self.base


def _has_calls(turns: Sequence[Message]) -> bool:
    return any(turn.tool_calls for turn in turns)
