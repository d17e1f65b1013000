"""GBNF text, as llama.cpp reads it, to rules.

The inverse of ``text``.  Knows the notation only; whether the rules can work (every name defined,
no left recursion) is ``prune``'s to say.  Tokens (``<think>``, ``<[7]>``) are refused: the tree
speaks of text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from gguf_fc.errors import GrammarError
from gguf_fc.gbnf.rules import (
    CharClass,
    Literal,
    Node,
    Reference,
    Repeat,
    Rules,
    choice,
    sequence,
)

_MAX_GROUPS = 60  # in each other
_MAX_COUNT = 1_000_000
_LAST = 0x10FFFF

_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_COUNT = re.compile(r"\{\s*(\d{1,9})\s*(?:(,)\s*(\d{1,9})?\s*)?\}")
_ESCAPE = re.compile(
    r'\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([trn\\"\[\]^-]))', re.ASCII
)
_NAMED_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}
_QUANTITIES: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def parse_gbnf(text: str) -> Rules:
    """The rules of *text*; its start is ``root``."""
    return _Parser(text).rules()


@dataclass(slots=True, eq=False)
class _Parser:
    text: str
    _at: int = field(default=0, init=False)
    _depth: int = field(default=0, init=False)

    def rules(self) -> Rules:
        named: dict[str, Node] = {}
        self._skip(_SPACE_AND_LINES)
        while self._at < len(self.text):
            name = self._take(_NAME) or self._fail("the name of a rule")
            self._skip(_SPACE)
            if not self._accept("::="):
                self._fail("'::='")
            self._skip(_SPACE_AND_LINES)
            node = self._alternatives(_SPACE)
            # A second rule of the same name replaces the first, as in llama.cpp.
            named[name] = node
            if self._at < len(self.text) and self.text[self._at] not in "\r\n":
                self._fail("the end of the line")
            self._skip(_SPACE_AND_LINES)
        if "root" not in named:
            raise GrammarError("the grammar has no rule 'root'")
        return Rules(named)

    def _alternatives(self, space: re.Pattern[str]) -> Node:
        options = [self._series(space)]
        while self._accept("|"):
            self._skip(_SPACE_AND_LINES)
            options.append(self._series(space))
        return choice(*options)

    def _series(self, space: re.Pattern[str]) -> Node:
        items: list[Node] = []
        while (item := self._item()) is not None:
            self._skip(space)
            while (counted := self._counted(item)) is not None:
                item = counted
                self._skip(space)
            items.append(item)
        return sequence(*items)

    def _item(self) -> Node | None:
        """One element without its count; None where there is none."""
        match self.text[self._at : self._at + 1]:
            case '"':
                return self._literal()
            case "[":
                return self._class()
            case "(":
                return self._group()
            case ".":
                self._at += 1
                return CharClass((), negated=True)
            case "<" | "!":
                raise GrammarError(f"{self._place()}: tokens cannot be named in a grammar here")
            case _:
                name = self._take(_NAME)
                return Reference(name) if name else None

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_GROUPS:
            raise GrammarError(f"{self._place()}: more than {_MAX_GROUPS} groups in each other")
        self._at += 1
        self._skip(_SPACE_AND_LINES)
        node = self._alternatives(_SPACE_AND_LINES)
        if not self._accept(")"):
            self._fail("')'")
        self._depth -= 1
        return node

    def _counted(self, item: Node) -> Node | None:
        """*item* with the count that follows, if one does."""
        sign = self.text[self._at : self._at + 1]
        if sign in _QUANTITIES:
            self._at += 1
            return Repeat(item, *_QUANTITIES[sign])
        if sign != "{":
            return None
        found = _COUNT.match(self.text, self._at) or self._fail("a count such as {2,5}")
        self._at = found.end()
        least = int(found[1])
        most = int(found[3]) if found[3] else None if found[2] else least
        if max(least, most or 0) > _MAX_COUNT or (most is not None and most < least):
            raise GrammarError(f"{self._place()}: the count {found[0]} cannot be used")
        return Repeat(item, least, most)

    def _literal(self) -> Node:
        self._at += 1
        characters: list[str] = []
        while not self._accept('"'):
            characters.append(self._character("'\"'"))
        return Literal("".join(characters))

    def _class(self) -> Node:
        self._at += 1
        negated = self._accept("^")
        ranges: list[tuple[int, int]] = []
        while not self._accept("]"):
            low = high = ord(self._character("']'"))
            if self.text.startswith("-", self._at) and not self.text.startswith("-]", self._at):
                self._at += 1
                high = ord(self._character("']'"))
            if high < low:
                raise GrammarError(f"{self._place()}: the range ends before it begins")
            ranges.append((low, high))
        return CharClass(tuple(sorted(ranges)), negated)

    def _character(self, closing: str) -> str:
        """One character, perhaps written as an escape."""
        character = self.text[self._at : self._at + 1]
        if not character:
            self._fail(closing)
        if character != "\\":
            self._at += 1
            return character
        found = _ESCAPE.match(self.text, self._at) or self._fail("a known escape")
        self._at = found.end()
        if found[4]:
            return _NAMED_ESCAPES.get(found[4], found[4])
        code = int(found[1] or found[2] or found[3], 16)
        return chr(code) if code <= _LAST else self._fail("a Unicode character")

    # Scanning.

    def _skip(self, space: re.Pattern[str]) -> None:
        found = space.match(self.text, self._at)
        self._at = found.end() if found else self._at

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _accept(self, text: str) -> bool:
        if not self.text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _fail(self, expected: str) -> NoReturn:
        raise GrammarError(f"{self._place()}: expected {expected}")

    def _place(self) -> str:
        line = self.text.count("\n", 0, self._at) + 1
        column = self._at - self.text.rfind("\n", 0, self._at)
        return f"line {line}, column {column}"
