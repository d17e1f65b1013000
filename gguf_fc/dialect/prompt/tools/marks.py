"""Tools with a mark in the place of every name a model can be held to, to see which are shown.

Marked are the names of properties and the texts of ``enum`` and ``const``: each place has a mark of
its own, so that a name is not taken to be shown because it stands somewhere else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.prompt.tools.references import inlined, reference_steps
from gguf_fc.dialect.prompt.tools.tool_schemas import MAPS_OF_SCHEMAS, mapped

_Json = dict[str, Any]
_MARK = re.compile(r"zq\d+x\d+qz")


@dataclass(slots=True)
class MarkedTool:
    """A tool by its number, and the words that its marks stand for."""

    tool: _Json  # the tool with marks
    words: dict[str, str]  # each mark that has to be shown, and what it stands for


def marked_tool(tool: _Json, number: int) -> MarkedTool:
    """The tool with marks that no other *number* has."""
    function = tool["function"]
    marker = _Marker(number, reference_steps(function["parameters"]))
    schema = marker.marked(function["parameters"])
    # Definitions that nothing refers to need not be shown.
    needed = marks_in(json.dumps(inlined(schema)))
    words = {mark: word for mark, word in marker.words.items() if mark in needed}
    return MarkedTool({**tool, "function": {**function, "parameters": schema}}, words)


def marks_in(text: str) -> set[str]:
    """The marks that stand in *text*."""
    return set(_MARK.findall(text))


@dataclass(slots=True)
class _Marker:
    number: int
    steps: frozenset[str]  # keywords that references lead through, such as "components"
    words: dict[str, str] = field(default_factory=dict)

    def marked(self, schema: Any) -> Any:
        """A schema with marks."""
        if not isinstance(schema, dict):
            return schema
        properties = schema.get("properties")
        names = {}
        if isinstance(properties, dict):
            names = {name: self._mark(name) for name in properties}
        found: _Json = {}
        for keyword, value in schema.items():
            if keyword == "properties" and names:
                found[keyword] = {names[name]: self.marked(value[name]) for name in value}
            elif keyword == "required" and isinstance(value, list):
                found[keyword] = [_renamed(name, names) for name in value]
            elif keyword == "enum" and isinstance(value, list):
                found[keyword] = [self._value(item) for item in value]
            elif keyword == "const":
                found[keyword] = self._value(value)
            elif keyword in self.steps and keyword not in MAPS_OF_SCHEMAS:
                found[keyword] = self.marked(value)
            else:
                found[keyword] = mapped(keyword, value, self.marked)
        return found

    def _value(self, value: Any) -> Any:
        return self._mark(value) if isinstance(value, str) and value else value

    def _mark(self, word: str) -> str:
        mark = f"zq{self.number}x{len(self.words)}qz"
        self.words[mark] = word
        return mark


def _renamed(name: Any, names: dict[str, str]) -> Any:
    return names.get(name, name) if isinstance(name, str) else name
