"""Writes a turn as the model would: the inverse of ``parser``.

Knows the syntax, not the template: headers and end-of-turn tokens are not written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gguf_fc.dialect.syntax import Slot, Syntax


@dataclass(frozen=True, slots=True)
class Call:
    """A call to write."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


def write(
    syntax: Syntax, *, content: str = "", reasoning: str = "", calls: Sequence[Call] = ()
) -> str:
    """The whole turn."""
    parts = []
    if reasoning and syntax.reasoning:
        parts.append(syntax.reasoning.open + reasoning + syntax.reasoning.close)
    if content:
        parts.append(syntax.content.open + content + syntax.content.close)
    if calls:
        parts.append(syntax.gap if content else "")
        written = (write_call(syntax, call) for call in calls)
        parts.append(syntax.section.open + syntax.separator.join(written) + syntax.section.close)
    return "".join(parts)


def write_call(syntax: Syntax, call: Call) -> str:
    """One call, with its own marks."""
    return "".join(
        part if isinstance(part, str) else _filled(syntax, part, call) for part in syntax.call
    )


def write_arguments(syntax: Syntax, arguments: dict[str, Any]) -> str:
    """Arguments with the syntax's own JSON spacing."""
    return json.dumps(
        arguments,
        ensure_ascii=syntax.ascii_only,
        separators=(syntax.spacing.item, syntax.spacing.key),
    )


def write_name(syntax: Syntax, name: str) -> str:
    """A name as it stands in the text: escaped inside JSON, bare elsewhere."""
    return name if syntax.keys is None else json.dumps(name, ensure_ascii=False)[1:-1]


def _filled(syntax: Syntax, slot: Slot, call: Call) -> str:
    match slot.kind:
        case "name":
            return write_name(syntax, call.name)
        case "arguments":
            return write_arguments(syntax, call.arguments)
        case "id":
            return call.id
