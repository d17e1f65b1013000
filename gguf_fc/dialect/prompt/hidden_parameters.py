"""Parameters of tools that a template does not show, told in the tool's description.

Theory of operation.

1. A template that prints schemas its own way may drop what is nested, or take a parameter that is
   called ``type`` or ``description`` for the keyword.  The model would be held to names it was
   never told.
2. A name that is missing from the prompt is hidden.
3. The name of a keyword stands in every prompt.  So the tool is rendered once more with such
   parameters renamed: each that is shown moves the count of both names alike.
4. What is hidden is told as JSON behind the description, which every template prints.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gguf_fc.dialect.prompt.tool_schemas import MAPS_OF_SCHEMAS, subschemas

_Json = dict[str, Any]
Render = Callable[[Sequence[_Json]], str]

_KEYWORDS = frozenset(
    {
        *("type", "description", "title", "properties", "required", "items", "enum", "default"),
        *("anyOf", "oneOf", "allOf", "const", "format", "nullable", "additionalProperties"),
        *("name", "parameters", "function", "examples", "minimum", "maximum", "pattern"),
    }
)


def with_hidden_parameters(tools: list[_Json], render: Render) -> list[_Json]:
    """*tools*, as template values, with parameters that *render* does not show described in words.

    Raises TemplateError.
    """
    named = [set(_parameter_names(tool["function"]["parameters"])) for tool in tools]
    if not any(named):
        return tools
    prompt = render(tools)
    hidden = {
        n
        for n, names in enumerate(named)
        if any(name not in prompt for name in names)
        or (names & _KEYWORDS and _taken_for_keywords(tools, n, prompt, render))
    }
    return [_described(tool) if n in hidden else tool for n, tool in enumerate(tools)]


def _parameter_names(schema: Any) -> Iterator[str]:
    """Names of all properties inside of *schema*."""
    waiting = [schema]
    while waiting:
        found = waiting.pop()
        properties = found.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        waiting += subschemas(found)


def _taken_for_keywords(tools: Sequence[_Json], n: int, prompt: str, render: Render) -> bool:
    """True if parameters of tool *n* are shown otherwise under another name."""
    function = tools[n]["function"]
    other = {name: f"zq{at}zq" for at, name in enumerate(sorted(_KEYWORDS))}
    renamed = {**function, "parameters": _renamed(function["parameters"], other)}
    shown = render([*tools[:n], {**tools[n], "function": renamed}, *tools[n + 1 :]])
    names = set(_parameter_names(function["parameters"])) & _KEYWORDS
    return any(
        not 0 < shown.count(other[name]) == prompt.count(name) - shown.count(name) for name in names
    )


def _renamed(schema: Any, other: dict[str, str]) -> Any:
    """*schema* with properties called by *other* names."""
    if isinstance(schema, list):
        return [_renamed(item, other) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found: _Json = {}
    for keyword, value in schema.items():
        if keyword in MAPS_OF_SCHEMAS and isinstance(value, dict):
            of_properties = keyword == "properties"
            found[keyword] = {
                other.get(name, name) if of_properties else name: _renamed(member, other)
                for name, member in value.items()
            }
        elif keyword == "required" and isinstance(value, list):
            found[keyword] = [other.get(name, name) for name in value]
        else:
            found[keyword] = _renamed(value, other)
    return found


def _described(tool: _Json) -> _Json:
    function = tool["function"]
    schema = json.dumps(function["parameters"], ensure_ascii=False)
    text = f"{function['description']}\nParameters: {schema}".strip()
    return {**tool, "function": {**function, "description": text}}
