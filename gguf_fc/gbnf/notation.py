"""How a writer spells values: as JSON, as Python, or as a chat template of its own makes of them.

JSON is one notation among others.  What they share: numbers are written as in JSON, lists stand in
square brackets, objects in braces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gguf_fc.gbnf.spacing import Spacing

Escapes = Literal["json", "python", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """The spellings that differ from writer to writer."""

    item: str = ", "  # between two items
    key: str = ": "  # between a key and its value
    true: str = "true"
    false: str = "false"
    null: str = "null"
    quote: str = '"'  # before and after a string; may be a longer mark
    escapes: Escapes = "json"  # "none": a string is as it stands, and cannot hold the quote
    quoted_keys: bool = True

    @classmethod
    def of(cls, spacing: Spacing) -> Notation:
        """JSON with this white space."""
        return cls(item=spacing.item, key=spacing.key)


JSON = Notation()
PYTHON = Notation(true="True", false="False", null="None", quote="'", escapes="python")
