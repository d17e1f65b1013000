"""Whether a text is in the language of some rules."""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.gbnf.rules import Rules


@dataclass
class Matcher:
    rules: Rules

    def matches(self, text: str) -> bool:
        return bool(text)
