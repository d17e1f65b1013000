"""How a writer spells values: as JSON, as Python, or as a chat template of its own makes of them.

JSON is one notation among others.  What they share: numbers are written as in JSON, lists stand in
square brackets, objects in braces.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from gguf_fc.gbnf.spacing import Spacing

Escapes = Literal["json", "python", "none"]

_SURROGATES = (0xD800, 0xDFFF)
_NAMED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


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

    def string(self, text: str) -> str | None:
        """*text* as a string; None if this notation cannot write it."""
        inside = self.escaped(text)
        return None if inside is None else f"{self.quote}{inside}{self.quote}"

    def name(self, text: str) -> str | None:
        """*text* as the key of a member; None if it cannot be one."""
        return self.string(text) if self.quoted_keys else text

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
        match self.escapes:
            case "json":
                # Half a surrogate pair is no character: it can only be written as an escape.
                whole = not any("\ud800" <= character <= "\udfff" for character in text)
                inside = json.dumps(text, ensure_ascii=not whole)[1:-1]
                if self.quote == '"':
                    return inside
                return inside.replace('\\"', '"').replace(self.quote, f"\\{self.quote}")
            case "python":
                return "".join(map(self._in_python, text))
            case "none":
                return None if self.quote in text else text

    def _in_python(self, character: str) -> str:
        if character == self.quote:
            return f"\\{character}"
        code = ord(character)
        first, last = _SURROGATES
        if character in _NAMED:
            return _NAMED[character]
        if code < ord(" ") or code == 0x7F:  # noqa: PLR2004  the control character beyond the others
            return f"\\x{code:02x}"
        return f"\\u{code:04x}" if first <= code <= last else character


JSON = Notation()
PYTHON = Notation(true="True", false="False", null="None", quote="'", escapes="python")
