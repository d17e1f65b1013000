"""Keywords of JSON Schema that a template shows, found by rendering tools that differ in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from gguf_fc.dialect.prompt.tools.alternatives import KEYWORDS
from gguf_fc.errors import TemplateError

_Json = dict[str, Any]
Render = Callable[[Sequence[_Json]], str]

_DEFINITION = "ShownDefinition"
# Of each keyword, the usual schema and others that a template which shows it writes otherwise.
_FORMS: dict[str, tuple[_Json, ...]] = {
    **{
        keyword: (
            {keyword: [{"type": "integer"}, {"type": "null"}]},
            {keyword: [{"type": "boolean"}, {"type": "null"}]},
            {keyword: [{"type": "integer"}, {"type": "string"}]},
        )
        for keyword in ("anyOf", "oneOf")
    },
    "allOf": ({"allOf": [{"type": "integer"}]}, {"allOf": [{"type": "boolean"}]}),
    "type": (
        {"type": ["integer", "null"]},
        {"type": ["boolean", "null"]},
        {"type": ["integer", "string"]},
    ),
}
_PLACES = range(3)  # on top, in an object, in a list


def shows_references(render: Render) -> bool:
    """True if a definition and what refers to it are shown, wherever it is referred to."""
    names = [f"{_DEFINITION}{place}" for place in _PLACES]
    tool = _tool([{"$ref": f"#/$defs/{name}"} for name in names])
    tool["function"]["parameters"]["$defs"] = {name: {"type": "integer"} for name in names}
    try:
        prompt = render([tool])
    except TemplateError:
        return False
    return all(prompt.count(name) > 1 for name in names)


def shown_alternatives(render: Render) -> frozenset[str]:
    """Keywords of alternatives that are shown wherever they stand."""
    return frozenset(keyword for keyword in KEYWORDS if _shows(render, *_FORMS[keyword]))


def _shows(render: Render, usual: _Json, *others: _Json) -> bool:
    """True if in each place each of *others* is shown otherwise than the *usual* schema."""
    try:
        plain = render([_tool([usual] * len(_PLACES))])
        return all(
            plain != render([_tool([other if at == place else usual for at in _PLACES])])
            for place, other in product(_PLACES, others)
        )
    except TemplateError:
        return False


def _tool(schemas: Sequence[_Json]) -> _Json:
    """A tool with a schema in each place."""
    top, inner, item = schemas
    inside = {"type": "object", "properties": {"inner": inner}}
    items = {"type": "array", "items": {"type": "object", "properties": {"item": item}}}
    parameters = {"type": "object", "properties": {"top": top, "inside": inside, "many": items}}
    function = {"name": "look", "description": "Looks.", "parameters": parameters}
    return {"type": "function", "function": function}
