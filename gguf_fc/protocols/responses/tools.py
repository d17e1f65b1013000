"""Tools of a response: functions and custom tools; tools of other types are passed over.

Tools may stand in a namespace, as those of MCP servers do, and a call then says namespace and name
apart.  A model knows no namespaces, so it is offered such a tool by one name:

1. ``weather`` in ``mcp__city`` is called ``mcp__city__weather``; what no name may hold is ``_``;
2. a name that another tool has already, or that is too long, ends with a hash of the two;
3. names depend on the tool alone, so they stay the same in a conversation whose tools change.
   Only where two would be the same, the first one has it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from gguf_fc.dialect.openai_json.custom_tools import ANY_TEXT, matching, text_tool
from gguf_fc.dialect.openai_json.tool_choice import tool_choice_of
from gguf_fc.dialect.openai_json.tools import Declared, checked_tools
from gguf_fc.dialect.openai_json.types import ToolName
from gguf_fc.errors import InvalidParameter
from gguf_fc.protocols.responses.tool_types import CallableTool, ResponseTool
from gguf_fc.request import Schema, Tool, ToolChoice

Full = tuple[str | None, str]  # a namespace, if any, and the name in it

LONGEST = 128  # characters of a name
_CALLABLE = ("function", "custom", "namespace")
_NO_NAME = re.compile(r"[^\w.:/-]")


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool that the model may call, its path, and the name by which the model knows it."""

    tool: CallableTool
    where: str
    namespace: str | None
    name: str

    @property
    def full(self) -> Full:
        """Namespace and name, as the client has them."""
        return self.namespace, self.tool.name or ""


@dataclass(frozen=True)
class Offers:
    """The tools of a request: those that are offered, and the paths of those passed over."""

    offered: tuple[Offer, ...] = ()
    passed_over: tuple[str, ...] = ()
    _others: frozenset[str | None] = field(default=frozenset())  # names of those passed over

    @cached_property
    def _names(self) -> Mapping[Full, str]:
        return {offer.full: offer.name for offer in self.offered}

    @cached_property
    def namespaced(self) -> Mapping[str, tuple[str, str]]:
        """Namespace and name of each offered name that stands for both."""
        return {
            offer.name: (offer.namespace, offer.tool.name or "")
            for offer in self.offered
            if offer.namespace is not None
        }

    @property
    def custom(self) -> frozenset[str]:
        """Offered names of the tools that take a text."""
        return frozenset(offer.name for offer in self.offered if offer.tool.type == "custom")

    def name_of(self, namespace: str | None, name: str) -> str:
        """Name by which the model knows the tool *name* of *namespace*, offered or not."""
        if (known := self._names.get((namespace or None, name))) is not None:
            return known
        if namespace:
            return joined(namespace, name)
        inner = [offered for (_, own), offered in self._names.items() if own == name]
        return inner[0] if len(inner) == 1 else name

    def tools(self) -> tuple[Tool, ...]:
        """The tools as the model is offered them.  Raises InvalidParameter."""
        return checked_tools(map(_declared, self.offered))

    def choice(self, choice: str | dict[str, Any] | None, tools: tuple[Tool, ...]) -> ToolChoice:
        """*choice* among *tools*, which are these.  Raises InvalidParameter."""
        if not isinstance(choice, dict):
            return tool_choice_of(choice, tools)
        match choice:
            case {"type": "allowed_tools", "tools": list(entries)}:
                over = set(self._entries_over(entries))
                kept = [entry for n, entry in enumerate(entries) if n not in over]
                named = [one for entry in kept for one in self._named(entry)]
                return tool_choice_of({**choice, "tools": named}, tools)
            case {"type": "namespace"}:
                one_of = {"type": "allowed_tools", "mode": "required", "tools": [choice]}
                return self.choice(one_of, tools)
            case {"name": str()}:
                (choice,) = self._named(choice)
            case _:
                pass
        return tool_choice_of(choice, tools)

    def entries_passed_over(self, choice: str | dict[str, Any] | None) -> Iterator[str]:
        """Paths of mentions of tools that are passed over."""
        entries = choice.get("tools") if isinstance(choice, dict) else None
        if isinstance(entries, list):
            yield from (f"tool_choice.tools[{n}]" for n in self._entries_over(entries))

    def _entries_over(self, entries: Sequence[Any]) -> Iterator[int]:
        for n, entry in enumerate(entries):
            if isinstance(entry, dict):
                kind = entry.get("type", "function")
                # Any JSON may stand there, and a list cannot be looked up in a set.
                custom = kind == "custom" and entry.get("name") in tuple(self._others)
                if kind not in _CALLABLE or custom:
                    yield n

    def _named(self, entry: Any) -> list[Any]:
        """*entry* by the name that the model knows; a namespace is all that is in it."""
        match entry:
            case {"type": "namespace", "name": str(namespace)}:
                inside = [one.name for one in self.offered if one.namespace == namespace]
                return [{"type": "function", "name": name} for name in inside] or [entry]
            case {"name": str(name)}:
                given = entry.get("namespace")
                known = self.name_of(given if isinstance(given, str) else None, name)
                rest = {name: value for name, value in entry.items() if name != "namespace"}
                return [rest | {"name": known}]
            case _:
                return [entry]


def joined(namespace: str, name: str) -> str:
    """The one name of a tool in a namespace."""
    wanted = _NO_NAME.sub("_", f"{namespace}__{name}")
    return wanted if len(wanted) <= LONGEST else _hashed(wanted, namespace, name)


def read_offers(sources: Iterable[tuple[str, Sequence[ResponseTool]]]) -> Offers:
    """The tools of *sources*, lists of tools with their paths; a later list replaces tools.

    Raises InvalidParameter.
    """
    found = {where: list(_flat(where, tools)) for where, tools in sources}
    flat = [one for tools in found.values() for one in tools]
    offered: dict[Full, Offer] = {}
    taken = {tool.name or "" for _, tool, namespace in flat if namespace is None}
    for tools in found.values():
        here: set[Full] = set()
        for where, tool, namespace in tools:
            if not tool.is_offered:
                continue
            full = namespace, _name(tool, f"{where}.name")
            if full in here:
                raise InvalidParameter(
                    f"Two tools are called '{full[1]}'; give each a name of its own.",
                    param=f"{where}.name",
                )
            here.add(full)
            if full in offered:
                name = offered[full].name
            else:
                name = full[1] if namespace is None else _free(namespace, full[1], taken)
            offered[full] = Offer(tool, where, namespace, name)
    over = [(where, tool.name) for where, tool, _ in flat if not tool.is_offered]
    return Offers(
        tuple(offered.values()),
        tuple(where for where, _ in over),
        frozenset(name for _, name in over),
    )


def _flat(
    where: str, tools: Sequence[ResponseTool]
) -> Iterator[tuple[str, CallableTool, str | None]]:
    """Each tool with its path and its namespace."""
    for n, tool in enumerate(tools):
        if tool.type != "namespace":
            yield f"{where}[{n}]", tool, None
            continue
        namespace = _name(tool, f"{where}[{n}].name", of=str)
        for i, inner in enumerate(tool.tools or ()):
            described = inner
            if not inner.description:
                described = msgspec.structs.replace(inner, description=tool.description)
            yield f"{where}[{n}].tools[{i}]", described, namespace


def _free(namespace: str, name: str, taken: set[str]) -> str:
    """The name of a tool in a namespace, which no other has."""
    wanted = joined(namespace, name)
    if wanted in taken:
        wanted = _hashed(wanted, namespace, name)
    taken.add(wanted)
    return wanted


def _hashed(wanted: str, namespace: str, name: str) -> str:
    mark = hashlib.sha256(f"{namespace}\0{name}".encode(errors="replace")).hexdigest()[:8]
    return f"{wanted[: LONGEST - 9]}_{mark}"


def _declared(offer: Offer) -> Declared:
    tool, where = offer.tool, offer.where
    if tool.type == "custom":
        return Declared(
            tool=text_tool(offer.name, tool.description, _form(tool, f"{where}.format")),
            name_at=f"{where}.name",
            schema_at=where,
        )
    return Declared(
        tool=Tool(
            name=offer.name,
            description=tool.description,
            parameters=tool.parameters,
            strict=bool(tool.strict),
        ),
        name_at=f"{where}.name",
        schema_at=f"{where}.parameters",
    )


def _form(tool: CallableTool, where: str) -> Schema:
    """The form of a custom tool's text."""
    asked = tool.format
    if asked is None or asked.type == "text":
        return ANY_TEXT
    for name, given in (("syntax", asked.syntax), ("definition", asked.definition)):
        if given is None:
            raise InvalidParameter(f"'{where}.{name}' is required.", param=f"{where}.{name}")
    return matching(asked.syntax or "", asked.definition or "", where)


def _name(tool: CallableTool, param: str, of: Any = ToolName) -> str:
    if tool.name is None:
        raise InvalidParameter(
            f"'{param}' is required; the fields of a tool stand in the tool itself.", param=param
        )
    try:
        name: str = msgspec.convert(tool.name, of)
    except msgspec.ValidationError as error:
        raise InvalidParameter(f"'{param}' cannot be used: {error}.", param=param) from error
    return name
