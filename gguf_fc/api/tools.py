"""The tools of a request, whatever its protocol: what is refused about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Schema, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A tool, and where a body has its name and its schema."""

    tool: Tool
    name_at: str
    schema_at: str


def checked_tools(declared: Iterable[Declared]) -> tuple[Tool, ...]:
    """The tools.  Raises InvalidParameter for two of one name, or one whose schema is no object's.

    Arguments are always a JSON object; a schema that forbids that can never be met.
    """
    tools: dict[str, Tool] = {}
    for one in declared:
        name = one.tool.name
        if name in tools:
            raise InvalidParameter(
                f"Two tools are called '{name}'; give each a name of its own.", param=one.name_at
            )
        if not _takes_object(one.tool.parameters):
            raise InvalidParameter(
                f"'{one.schema_at}' must describe a JSON object: its 'type' is \"object\".",
                param=one.schema_at,
            )
        tools[name] = one.tool
    return tuple(tools.values())


def known_name(name: str, tools: Iterable[Tool], param: str) -> str:
    """*name*, which *param* says, if one of *tools* has it.  Raises InvalidParameter."""
    if name not in {tool.name for tool in tools}:
        raise InvalidParameter(f"'{param}' is '{name}', which is not in 'tools'.", param=param)
    return name


def _takes_object(schema: Schema | None) -> bool:
    kind = schema.get("type", "object") if isinstance(schema, dict) else "object"
    return schema is not False and "object" in (kind if isinstance(kind, list) else [kind])
