"""Notations of values: JSON, Python, or what a chat template makes of them.

JSON is one notation among others.  What they share: numbers are written as in JSON, lists stand in
square brackets, objects in braces.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from gguf_fc.grammar.values.spacing import Spacing

Escapes = Literal["json", "python", "none"]

# A key without quotes: what cannot be taken for a bracket, a separator or a quote.
BARE_KEY = r"""[^\s\x00-\x1F"'`,:;=<>(){}\[\]\\|]+"""
_BARE_KEY = re.compile(BARE_KEY)
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


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

    @property
    def escaped_quote(self) -> str:
        """The quote that is written with a backslash inside a string."""
        if len(self.quote) == 1:
            return self.quote
        return '"' if self.escapes == "json" else ""

    @property
    def has_bare_quote(self) -> bool:
        """True if nothing stands for the quote, so that it cannot occur in a string."""
        return self.escapes == "none" or len(self.quote) > 1

    def string(self, text: str) -> str | None:
        """*text* as a string; None if this notation cannot write it."""
        inside = self.escaped(text)
        return None if inside is None else f"{self.quote}{inside}{self.quote}"

    def name(self, text: str) -> str | None:
        """*text* as the key of a member; None if it cannot be one."""
        return text if self.is_bare(text) else self.string(text)

    def is_bare(self, key: str) -> bool:
        """True if *key* is written without quotes; with them where it could not be read back."""
        return not self.quoted_keys and _BARE_KEY.fullmatch(key) is not None

    def scalar(self, value: Any) -> str | None:
        """A value that is no list and no object; None if this notation cannot write it."""
        match value:
            case True:
                return self.true
            case False:
                return self.false
            case None:
                return self.null
            case str():
                return self.string(value)
            case _:
                return json.dumps(value)

    def escaped(self, text: str) -> str | None:
        """*text* as it stands between the quotes; None if it cannot."""
        inside = "".join(map(self.letter, text))
        # Nor may a mark without an escape begin in the text and end in the one that follows.
        begins = f"{inside}{self.quote}".find(self.quote) < len(inside)
        return None if self.has_bare_quote and begins else inside

    def letter(self, character: str) -> str:
        """One character between the quotes."""
        if self.escapes == "none" or character.isalnum():
            return character
        if character in (self.escaped_quote, "\\"):
            return f"\\{character}"
        # Half a surrogate pair is no character: it can only be written as an escape.
        half = "\ud800" <= character <= "\udfff"
        if self.escapes == "json":
            return character if character == '"' else json.dumps(character, ensure_ascii=half)[1:-1]
        if character in _NAMED:
            return _NAMED[character]
        if character < " " or character == "\x7f":
            return f"\\x{ord(character):02x}"
        return f"\\u{ord(character):04x}" if half else character


JSON = Notation()
PYTHON = Notation(true="True", false="False", null="None", quote="'", escapes="python")
