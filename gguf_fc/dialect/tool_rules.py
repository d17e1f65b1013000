"""Rules for tools and past calls that hold in every protocol, each with the place of the fault."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gguf_fc.dialect.prompt.repair import Unreadable, read_object
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Schema, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A tool, with the paths of its name and of its schema in the request."""

    tool: Tool
    name_at: str
    schema_at: str


def checked_tools(declared: Iterable[Declared]) -> tuple[Tool, ...]:
    """The tools, each with its place.

    Raises InvalidParameter for two of one name, or one whose schema is no object's: arguments are
    always a JSON object, and a schema that forbids that can never be met.
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
        tools[name] = dataclasses.replace(one.tool, schema_at=one.schema_at)
    return tuple(tools.values())


def known_name(name: str, tools: Iterable[Tool], param: str, among: str = "tools") -> str:
    """*name*, given as *param*, if one of *tools*, which the request calls *among*, has it.

    Raises InvalidParameter.
    """
    if name not in {tool.name for tool in tools}:
        raise InvalidParameter(f"'{param}' is '{name}', which is not in '{among}'.", param=param)
    return name


def arguments_text(arguments: str | dict[str, Any] | None, param: str) -> str:
    """*arguments* of a past call as the text of a JSON object, repaired where they are not quite.

    Raises InvalidParameter.
    """
    try:
        found = arguments if isinstance(arguments, dict) else read_object(arguments or "")
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    except (Unreadable, TypeError, ValueError, RecursionError) as error:
        raise InvalidParameter(
            f"'{param}' is not the text of a JSON object; send what the server returned ({error}).",
            param=param,
        ) from error


def _takes_object(schema: Schema | None) -> bool:
    kind = schema.get("type", "object") if isinstance(schema, dict) else "object"
    return schema is not False and "object" in (kind if isinstance(kind, list) else [kind])
