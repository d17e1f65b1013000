"""How one model writes its turn, as data.

The writer, the grammar and the parser are three readings of a ``Syntax``; nothing else in the
package knows a format.  A turn is, in this order and each part optional,

    reasoning   content   section-open  call separator call ...  section-close

A call is a row of fixed texts and slots.  What can be worked out from the fields (the text that
announces a call, the JSON keys around name and arguments) is a property, not a field.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from gguf_fc.gbnf import Spacing

SlotKind = Literal["name", "arguments", "id"]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where something that differs from call to call is written."""

    kind: SlotKind


Part = str | Slot


@dataclass(frozen=True, slots=True)
class Marked:
    """The fixed texts before and after something."""

    open: str = ""
    close: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """The JSON keys of a call that is one JSON object."""

    name: str
    arguments: str
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """How a model writes reasoning, text and calls."""

    call: tuple[Part, ...]  # begins with a fixed text, which may be ""
    section: Marked = Marked()  # around all calls of a turn
    separator: str = "\n"  # between two calls
    gap: str = ""  # between content and the first call
    content: Marked = Marked()  # around text
    reasoning: Marked | None = None
    spacing: Spacing = field(default_factory=Spacing)  # of the arguments' JSON
    ascii_only: bool = False  # whether the arguments' JSON escapes what is not ASCII
    parallel: bool = True  # more than one call in a turn

    @property
    def lead(self) -> str:
        """The fixed text from the beginning of the calls to the first slot."""
        first = self.call[0]
        return self.section.open + (first if isinstance(first, str) else "")

    @property
    def marker(self) -> str:
        """The text that announces calls; "" if a call is known only by its form."""
        return self._announcing(self.section.open) or self._announcing(self.lead)

    @property
    def call_marker(self) -> str:
        """The text that announces one call among others; "" inside a plain list."""
        return self._announcing(self.lead[len(self.section.open) :])

    def _announcing(self, opening: str) -> str:
        """*opening* without the JSON that it may end with, which a model may space differently."""
        if self.keys is None:
            return opening.strip()
        at = opening.rfind("{")
        return opening[: at if at >= 0 else None].rstrip(" \t\r\n[").lstrip()

    @property
    def keys(self) -> Keys | None:
        """The keys around the slots if a call is one JSON object, None if the name stands free."""
        if (found := _object_in(self.call)) is None:
            return None
        by_slot = {value: key for key, value in found.items() if isinstance(value, str)}
        arguments = next((key for key, value in found.items() if value == {}), None)
        if arguments is None or "name" not in by_slot:
            return None
        return Keys(by_slot["name"], arguments, by_slot.get("id"))

    @property
    def after(self) -> str:
        """The fixed text after one call: what follows its last slot or its JSON object."""
        last = self.call[-1]
        text = last if isinstance(last, str) else ""
        if self.keys is None:
            return text
        return text[text.find("}") + 1 :]

    def to_dict(self) -> dict[str, Any]:
        """The same, as JSON-able data."""
        return {
            "call": [part if isinstance(part, str) else {"slot": part.kind} for part in self.call],
            "section": _marked(self.section),
            "separator": self.separator,
            "gap": self.gap,
            "content": _marked(self.content),
            "reasoning": _marked(self.reasoning) if self.reasoning else None,
            "arguments": {
                "notation": "json",
                "item_separator": self.spacing.item,
                "key_separator": self.spacing.key,
                "ascii_only": self.ascii_only,
            },
            "parallel": self.parallel,
        }


def _marked(marked: Marked) -> dict[str, str]:
    return {"open": marked.open, "close": marked.close}


def _object_in(call: tuple[Part, ...]) -> dict[str, Any] | None:
    """The JSON object that a call is, with the slots' kinds as values ({} for arguments)."""
    sample = "".join(
        part if isinstance(part, str) else "{}" if part.kind == "arguments" else part.kind
        for part in call
    )
    start = sample.find("{")
    if start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(sample, start)
    except ValueError:
        return None
    return found or None
