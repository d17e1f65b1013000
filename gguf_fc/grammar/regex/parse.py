"""Regular expressions as ECMA-262 writes them, to trees.

This is the language of JSON Schema's ``pattern``.  Greedy and lazy counts are the same here, since
only whether something matches is asked.  What no automaton can do (back references) and what has
no agreed meaning raises ``Unsupported``.  Beyond the standard, since real schemas use them: inline
flags ``(?i)`` and ``(?s)``, ``(?P<name>...)``, and the anchors ``\\A``, ``\\Z`` and ``\\z``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NoReturn

from gguf_fc.grammar.regex.charset import (
    ALL,
    DIGITS,
    LAST,
    LINE_ENDS,
    SPACE,
    WORD,
    Charset,
    both_cases,
    category,
    complement,
    intersection,
    of,
    union,
)

_MAX_GROUPS = 60  # in each other
_MAX_COUNT = 10_000
_MAX_LENGTH = 20_000

_COUNT = re.compile(r"\{(\d{1,9})(?:(,)(\d{1,9})?)?\}", re.ASCII)
_SIMPLE_COUNTS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_CODE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|c([a-zA-Z])|0(?![0-9]))"
)
_LOW_SURROGATE = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_PROPERTY = re.compile(r"\\([pP])\{([A-Za-z_=]+)\}")
_NAME = re.compile(r"\?P?<[A-Za-z_$][\w$]*>")
_FLAGS = re.compile(r"\?([is]+)([:)])")
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_SETS: dict[str, Charset] = {"d": DIGITS, "w": WORD, "s": SPACE}
_SETS |= {name.upper(): complement(found) for name, found in _SETS.items()}
_PLACES: dict[str, Place] = {"A": "start", "Z": "end", "z": "end", "b": "edge", "B": "no edge"}
_LOOKS = {"?=": (True, True), "?!": (True, False), "?<=": (False, True), "?<!": (False, False)}

Place = Literal["start", "end", "edge", "no edge"]


class Unsupported(Exception):
    """Raised for an expression that cannot be turned into an automaton; the message says why."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set."""

    characters: Charset


@dataclass(frozen=True, slots=True)
class Series:
    """The items one after another."""

    items: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """One of the options."""

    options: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """*item* so many times."""

    item: Tree
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class At:
    """No text, but only in this place; an edge is one of a word."""

    place: Place


@dataclass(frozen=True, slots=True)
class Look:
    """No text, but what is *ahead* (or behind) does, or does not, match *item*."""

    item: Tree
    ahead: bool
    holds: bool


Tree = Chars | Series | Either | Times | At | Look


def parse_regex(source: str) -> Tree:
    """The tree of *source*; ``Unsupported`` if it is none, or cannot be used."""
    if len(source) > _MAX_LENGTH:
        raise Unsupported(f"the expression is longer than {_MAX_LENGTH} characters")
    return _RegexParser(source).tree()


def search(tree: Tree) -> Tree:
    """*tree* anywhere in a text: what a match means in JSON Schema."""
    anything = Times(Chars(ALL), 0, None)
    return Series((anything, tree, anything))


def literal(text: str) -> Tree:
    """Exactly *text*."""
    return Series(tuple(Chars(intersection(of(letter), ALL)) for letter in text))


def nodes(tree: Tree) -> Iterator[Tree]:
    """*tree* and everything in it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case Series(items):
                waiting.extend(items)
            case Either(options):
                waiting.extend(options)
            case Times(item) | Look(item):
                waiting.append(item)
            case Chars() | At():
                pass


@dataclass(frozen=True, slots=True)
class _Flags:
    any_case: bool = False
    dot_all: bool = False


@dataclass(slots=True, eq=False)
class _RegexParser:
    source: str
    _at: int = field(default=0, init=False)
    _depth: int = field(default=0, init=False)
    _flags: _Flags = field(default=_Flags(), init=False)

    def tree(self) -> Tree:
        found = self._alternatives()
        if self._at < len(self.source):
            self._fail("a closing bracket without an opening one")
        return found

    def _alternatives(self) -> Tree:
        options = [self._series()]
        while self._accept("|"):
            options.append(self._series())
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _series(self) -> Tree:
        items: list[Tree] = []
        while self._at < len(self.source) and self.source[self._at] not in "|)":
            if (item := self._item()) is not None:
                items.append(self._counted(item))
        return items[0] if len(items) == 1 else Series(tuple(items))

    def _item(self) -> Tree | None:
        """One element without its count; None for flags, which are no element."""
        character = self.source[self._at]
        match character:
            case "^" | "$":
                self._at += 1
                return At("start" if character == "^" else "end")
            case ".":
                self._at += 1
                return Chars(ALL if self._flags.dot_all else complement(LINE_ENDS))
            case "[":
                return self._chars(self._class())
            case "(":
                return self._group()
            case "\\":
                return self._escape()
            case _:
                if character in _SIMPLE_COUNTS:
                    self._fail("a count with nothing before it")
                self._at += 1
                return self._chars(of(character))

    def _counted(self, item: Tree) -> Tree:
        sign = self.source[self._at : self._at + 1]
        if sign in _SIMPLE_COUNTS:
            self._at += 1
            least, most = _SIMPLE_COUNTS[sign]
        elif found := _COUNT.match(self.source, self._at):
            self._at = found.end()
            least = int(found[1])
            most = int(found[3]) if found[3] else None if found[2] else least
        else:
            return item
        if max(least, most or 0) > _MAX_COUNT or (most is not None and most < least):
            self._fail("a count that cannot be used")
        self._accept("?")  # lazy: the same language
        if self.source[self._at : self._at + 1] in _SIMPLE_COUNTS:
            self._fail("a count of a count")
        return Times(item, least, most)

    def _group(self) -> Tree | None:
        self._depth += 1
        if self._depth > _MAX_GROUPS:
            self._fail(f"more than {_MAX_GROUPS} groups in each other")
        self._at += 1
        flags = self._flags
        look = next((signs for signs in _LOOKS if self._accept(signs)), None)
        if look is None and self.source.startswith("?", self._at) and not self._accept("?:"):
            if found := _FLAGS.match(self.source, self._at):
                self._at = found.end()
                named = {"i": "any_case", "s": "dot_all"}
                self._flags = replace(flags, **{named[letter]: True for letter in found[1]})
                if found[2] == ")":
                    self._depth -= 1
                    return None
            elif not self._take(_NAME):
                self._fail("a group of a kind that is not known")
        inner = self._alternatives()
        if not self._accept(")"):
            self._fail("a group that is not closed")
        self._flags = flags
        self._depth -= 1
        return inner if look is None else Look(inner, *_LOOKS[look])

    def _escape(self) -> Tree:
        name = self.source[self._at + 1 : self._at + 2]
        if name in _PLACES:
            self._at += 2
            return At(_PLACES[name])
        if name in "123456789k":
            self._fail("a reference to an earlier group" if name else "nothing after a backslash")
        return self._chars(self._escaped_set())

    def _chars(self, characters: Charset) -> Chars:
        wanted = both_cases(characters) if self._flags.any_case else characters
        return Chars(intersection(wanted, ALL))

    def _escaped_set(self) -> Charset:
        """Set that an escape stands for, in a class or outside."""
        if found := self._take(_PROPERTY):
            characters = category(found[2])
            if characters is None:
                self._fail(f"the Unicode property {found[2]!r}")
            return characters if found[1] == "p" else complement(characters)
        name = self.source[self._at + 1 : self._at + 2]
        if name in _SETS:
            self._at += 2
            return _SETS[name]
        code = self._code()
        return ((code, code),)

    def _code(self) -> int:
        """One character, written as an escape."""
        if found := self._take(_CODE):
            return self._numbered(found)
        name = self.source[self._at + 1 : self._at + 2]
        if not name or (name.isalnum() and name not in _CONTROLS):
            self._fail(f"the escape \\{name}")
        self._at += 2
        return ord(_CONTROLS.get(name, name))

    def _numbered(self, found: re.Match[str]) -> int:
        if found[4]:
            return ord(found[4]) % 32
        code = int(found[1] or found[2] or found[3] or "0", 16)
        if 0xD800 <= code < 0xDC00 and (low := self._take(_LOW_SURROGATE)):  # noqa: PLR2004
            return 0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        if code > LAST:
            self._fail("a character beyond Unicode")
        return code

    def _class(self) -> Charset:
        self._at += 1
        negated = self._accept("^")
        parts: list[Charset] = []
        while not self._accept("]"):
            low = self._class_member()
            if self.source.startswith("-", self._at) and not self.source.startswith("-]", self._at):
                before = self._at
                self._at += 1
                high = self._class_member()
                if _is_single(low) and _is_single(high):
                    if high[0][0] < low[0][0]:
                        self._fail("a range that ends before it begins")
                    low = ((low[0][0], high[0][0]),)
                else:  # such as [\w-.]: the dash is itself
                    self._at = before
            parts.append(low)
        found = union(*parts)
        if self._flags.any_case:
            found = both_cases(found)
        return complement(found) if negated else found

    def _class_member(self) -> Charset:
        character = self.source[self._at : self._at + 1]
        if not character:
            self._fail("a class that is not closed")
        if character == "\\":
            if self.source.startswith("\\b", self._at):
                self._at += 2
                return of("\b")
            return self._escaped_set()
        self._at += 1
        return of(character)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.source, self._at)
        self._at = found.end() if found else self._at
        return found

    def _accept(self, text: str) -> bool:
        if not self.source.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _fail(self, what: str) -> NoReturn:
        raise Unsupported(f"{what}, at character {self._at + 1} of the expression")


def _is_single(characters: Charset) -> bool:
    return len(characters) == 1 and characters[0][0] == characters[0][1]
