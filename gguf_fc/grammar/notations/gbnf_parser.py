"""GBNF text, as llama.cpp reads it, to rules.

The inverse of ``text``.  Whatever is wrong with a grammar is said with its line and column, and
what could do harm later (size, nesting, numbers of rules) is refused here, before native code.
Whether a vocabulary has the tokens that are named is not known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.prune import LEFT_RECURSION, left_recursive
from gguf_fc.grammar.rules import (
    CharClass,
    Literal,
    Node,
    Reference,
    Repeat,
    Rules,
    Special,
    choice,
    sequence,
)

_MAX_CHARACTERS = 250_000
_MAX_RULES = 5_000
_MAX_GROUPS = 60  # in each other
_MAX_COUNTS = 2  # on one element, as in "a"{2}*
_MAX_COUNT = 1_000_000
_MAX_TOKEN = (1 << 31) - 1
_LAST = 0x10FFFF

_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_COUNT = re.compile(r"\{\s*(\d{1,9})\s*(?:(,)\s*(\d{1,9})?\s*)?\}")
_ESCAPE = re.compile(
    r'\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([trn\\"\[\]^-]))', re.ASCII
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOKEN = re.compile(r"<(?:\[(\d{1,10})\]|[^>\[\s][^>\r\n]*)>")
_NAMED_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}
_QUANTITIES: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def parse_gbnf(text: str) -> Rules:
    """The rules of *text*; its start is ``root``.  Raises GrammarError, saying where."""
    if len(text) > _MAX_CHARACTERS:
        raise GrammarError(f"a grammar has {_MAX_CHARACTERS:,} characters at most")
    return _GbnfParser(text).rules()


@dataclass(slots=True, eq=False)
class _GbnfParser:
    text: str
    _at: int = field(default=0, init=False)
    _depth: int = field(default=0, init=False)
    _rules_at: dict[str, int] = field(default_factory=dict, init=False)
    _uses_at: dict[str, int] = field(default_factory=dict, init=False)  # the first one's place

    def rules(self) -> Rules:
        named: dict[str, Node] = {}
        self._skip(_SPACE_AND_LINES)
        while self._at < len(self.text):
            start = self._at
            name = self._take(_NAME) or self._fail("the name of a rule")
            self._rules_at[name] = start
            if len(self._rules_at) > _MAX_RULES:
                self._refuse(f"more than {_MAX_RULES:,} rules")
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
        rules = Rules(named)
        self._check(rules)
        return rules

    def _check(self, rules: Rules) -> None:
        """Every rule that is used is defined, and none can begin with itself."""
        if rules.root not in rules.named:
            raise GrammarError(f"the grammar has no rule '{rules.root}'")
        for name, at in self._uses_at.items():
            if name not in rules.named:
                self._refuse(f"rule '{name}' is not defined", at)
        if (looping := left_recursive(rules)) is not None:
            self._refuse(LEFT_RECURSION.format(looping), self._rules_at[looping])

    def _alternatives(self, space: re.Pattern[str]) -> Node:
        options = [self._series(space)]
        while self._accept("|"):
            self._skip(_SPACE_AND_LINES)
            options.append(self._series(space))
        return choice(*options) if len(options) > 1 else options[0]

    def _series(self, space: re.Pattern[str]) -> Node:
        items: list[Node] = []
        while (item := self._item()) is not None:
            self._skip(space)
            n_counts = 0
            while (counted := self._counted(item)) is not None:
                item, n_counts = counted, n_counts + 1
                if n_counts > _MAX_COUNTS:
                    self._refuse(f"more than {_MAX_COUNTS} counts on one element")
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
                return self._token()
            case _:
                return self._reference()

    def _reference(self) -> Node | None:
        start = self._at
        name = self._take(_NAME)
        if not name:
            return None
        self._uses_at.setdefault(name, start)
        return Reference(name)

    def _token(self) -> Node:
        negated = self._accept("!")
        found = _TOKEN.match(self.text, self._at)
        if found is None:
            self._fail("a token such as <think> or <[7]>")
        if found[1] is not None and int(found[1]) > _MAX_TOKEN:
            self._refuse(f"there is no token {found[1]}")
        self._at = found.end()
        return Special(found[0] if found[1] is None else int(found[1]), negated)

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_GROUPS:
            self._refuse(f"more than {_MAX_GROUPS} groups in each other")
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
            self._refuse(f"the count {found[0]} cannot be used", found.start())
        return Repeat(item, least, most)

    def _literal(self) -> Node:
        self._at += 1
        characters: list[str] = []
        while not self._accept('"'):
            start = self._at
            characters.append(self._character("'\"'"))
            if _SURROGATE.match(characters[-1]):
                self._refuse("half of a surrogate pair is no character", start)
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
                self._refuse("the range ends before it begins")
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
        self._refuse(f"expected {expected}")

    def _refuse(self, what: str, at: int | None = None) -> NoReturn:
        """Say what is wrong *at* a place, or else where the reading has come to."""
        place = self._at if at is None else at
        line = self.text.count("\n", 0, place) + 1
        column = place - self.text.rfind("\n", 0, place)
        raise GrammarError(f"line {line}, column {column}: {what}")
