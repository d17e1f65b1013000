"""Syntax of a turn as one model writes it, as data.

The writer, the grammar and the parser are three readings of a ``Syntax``; nothing else in the
package knows a format.  A turn is, in this order and each part optional,

    reasoning   content   section-open  call separator call ...  section-close

A call is written by a pattern of fixed texts and placeholders.  Its arguments are one JSON object
or, with ``Pairs``, written one by one.  What can be worked out from the fields (the text that
announces a call, the JSON keys around name and arguments) is a property, not a field; it is worked
out once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

import msgspec

from gguf_fc.grammar import Spacing
from gguf_fc.grammar.values.notation import JSON, Notation

PlaceholderKind = Literal["name", "arguments", "id", "index", "key", "value"]
# announced: a mark tells of a call, anywhere in text; framed: every part of a turn has a header;
# bare: a call is known by its form alone.
Form = Literal["announced", "framed", "bare"]


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place in a call for something that differs from call to call."""

    kind: PlaceholderKind


Part = str | Placeholder
Parts = tuple[Part, ...]


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


@dataclass(frozen=True, slots=True)
class Pair:
    """One argument: a text, its key, a text, its value, and what stands after (perhaps the key)."""

    before: str
    between: str
    after: Parts

    @property
    def closing(self) -> str:
        """The text that ends the value; the key, if it is repeated, comes behind it."""
        first = self.after[0] if self.after else ""
        return first if isinstance(first, str) else ""

    def after_key(self, key: str) -> str:
        """Text after the value of *key*."""
        return "".join(part if isinstance(part, str) else key for part in self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Arguments that are written one by one.

    Strings stand bare between the fixed texts, or *quoted* as the notation has them.
    """

    text: Pair  # where the value is a string
    other: Pair  # any other value
    guarded: Pair | None = None  # a string that holds one of *guards*
    guards: str = ""
    separator: str = ""
    quoted: bool = False
    scalars: Notation = JSON  # how true, false and null are spelled, and quoted strings
    notation: Notation = JSON  # how lists and objects are spelled, and quoted keys
    item: str | None = None  # lists and objects are nested pairs; the key of a list's items
    ordered: bool = False  # keys in alphabetical order, whatever the caller's
    nulls: bool = True  # an argument that is null is written; if not, it is left out
    either_key: bool = False  # a key may also be written as a string is, and is read so

    @property
    def quotes_keys(self) -> bool:
        """True if a key stands in quotes where it could not be read back without them."""
        return self.quoted and not self.notation.quoted_keys

    @property
    def forms(self) -> tuple[Pair, ...]:
        """The different ways in which an argument is written."""
        return tuple(dict.fromkeys(filter(None, (self.text, self.other, self.guarded))))


# A whole tag with more behind it: what follows may be spaced differently.
_FIRST_TAG = re.compile(r"\s*(\S*>)\s+\S")
_TAG = re.compile(r"<[^<>\s]+>")
_BRACKETS = ("", "[", "(", "{")
_FENCE = re.compile(r"\n[^\w\s]{3,}")  # on a line of its own
_MOST_NAMED = 16  # tools whose calls are looked for in text by their names
_SAMPLES = {"arguments": "{}", "index": "0"}
ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-"


@dataclass(frozen=True)
class CallPattern:
    """One way to write a call: fixed texts, and placeholders between them."""

    parts: Parts

    @cached_property
    def opening(self) -> str:
        """The fixed text before the first placeholder."""
        first = self.parts[0]
        return first if isinstance(first, str) else ""

    @cached_property
    def closing(self) -> str:
        """The fixed text behind the last placeholder."""
        last = self.parts[-1]
        return last if isinstance(last, str) else ""

    @cached_property
    def inside(self) -> Parts:
        """Slots and fixed texts between the two."""
        start = 1 if isinstance(self.parts[0], str) else 0
        return self.parts[start : -1 if isinstance(self.parts[-1], str) else None]

    @cached_property
    def keys(self) -> Keys | None:
        """The keys around the placeholders if the call is one JSON object, None if it is not."""
        if (found := self._object()) is None:
            return None
        values = {value: key for key, value in found.items() if isinstance(value, str)}
        arguments = next((key for key, value in found.items() if value == {}), None)
        if arguments is None or "name" not in values:
            return None
        return Keys(values["name"], arguments, values.get("id") or values.get("0"))

    @cached_property
    def marker(self) -> str:
        """The text that announces the call; "" if it is known only by its form."""
        return self.announcing(self.opening)

    def announcing(self, opening: str) -> str:
        """*opening* without the JSON that it may end with, which a model may space differently."""
        if self.keys is None:
            tag = _FIRST_TAG.match(opening)
            text = tag.group(1) if tag else opening.strip()
            return "" if text in _BRACKETS else text
        at = opening.rfind("{")
        return opening[: at if at >= 0 else None].rstrip(" \t\r\n[").lstrip()

    @cached_property
    def after(self) -> str:
        """The fixed text after the call: what follows its last placeholder or its JSON object."""
        return self.closing if self.keys is None else self.closing[self.closing.find("}") + 1 :]

    def _object(self) -> dict[str, Any] | None:
        """The JSON object that the call is; its values: kinds of placeholders, {} for arguments."""
        sample = "".join(
            part if isinstance(part, str) else _SAMPLES.get(part.kind, part.kind)
            for part in self.parts
        )
        start = sample.find("{")
        if start < 0:
            return None
        try:
            found, _ = json.JSONDecoder().raw_decode(sample, start)
        except ValueError:
            return None
        return found or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Syntax of the tools built into a model: code behind a mark, at the end of a turn.

    A tool of *takes* is called with keywords; one of *runs* is given what stands there as its only
    argument.  Other tools are called as the syntax has it.
    """

    open: str
    call: Parts  # behind the mark
    pairs: Pairs
    takes: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Syntax:
    """Syntax of reasoning, text and calls."""

    call: Parts  # begins with a fixed text, which may be ""
    also: tuple[Parts, ...] = ()  # other ways to write a call, read but never written
    bare_call: Parts | None = None  # a call without arguments, where it is not *call* without them
    section: Marked = Marked()  # around all calls of a turn
    also_sections: tuple[Marked, ...] = ()  # other marks around them, read but never written
    separator: str = "\n"  # between two calls
    gap: str = ""  # between content and the first call
    opened: str = ""  # the beginning of a turn with which prompts end
    space: str = ""  # white space that text may begin with, which no prompt ends with
    content: Marked = Marked()  # around text
    also_content: tuple[str, ...] = ()  # other openings of text
    reasoning: Marked | None = None
    end: str = ""  # of the turn, where a model writes it out
    pairs: Pairs | None = None  # None: the arguments are one JSON object
    quoted: bool = False  # ... which stands as text inside a JSON string
    spacing: Spacing = field(default_factory=Spacing)  # of the arguments' JSON
    indented: bool = False  # ... and may stand on lines of their own
    ascii_only: bool = False  # whether the arguments' JSON escapes what is not ASCII
    first_index: int = 0  # of the number that counts the calls of a turn
    parallel: bool = True  # more than one call in a turn
    code: Code | None = None  # another form, of tools that were built into the model

    def to_dict(self) -> dict[str, Any]:
        """The same, as JSON-able data; ``msgspec.convert`` reads it back."""
        return cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(self)))

    @cached_property
    def patterns(self) -> tuple[CallPattern, ...]:
        """All ways to write a call; the first is the one that is written."""
        return tuple(map(CallPattern, (self.call, *self.also)))

    @cached_property
    def keys(self) -> Keys | None:
        """The JSON keys of a call that is one JSON object, None if the name stands free."""
        return self.patterns[0].keys

    @cached_property
    def after(self) -> str:
        """The fixed text after one call."""
        return self.patterns[0].after

    @cached_property
    def lead(self) -> str:
        """The fixed text from the beginning of the calls to the first placeholder."""
        return self.section.open + self.patterns[0].opening

    @cached_property
    def marker(self) -> str:
        """The text that announces calls; "" if a call is known only by its form."""
        pattern = self.patterns[0]
        return pattern.announcing(self.section.open) or pattern.announcing(self.lead)

    @cached_property
    def form(self) -> Form:
        """The form of a turn: how a reader finds out that a call begins."""
        if not self.marker:
            return "bare"
        return "framed" if self.joint and self.content_openings else "announced"

    @cached_property
    def announcements(self) -> tuple[str, ...]:
        """The texts of which each announces a call; none if a call is known only by its form."""
        if not self.marker:
            return ()
        marks = {self.marker, *(pattern.marker for pattern in self.patterns)}
        marks |= set(self.section_marks)
        return tuple(sorted(marks - {""}))

    @cached_property
    def section_marks(self) -> dict[str, Marked]:
        """The texts that announce calls between the other marks, and those marks."""
        pattern = self.patterns[0]
        return {pattern.announcing(other.open): other for other in self.also_sections}

    def beginnings(self, names: Collection[str]) -> dict[str, str]:
        """For each of *names* the text that begins a call of it where no mark announces calls.

        Empty where the form begins otherwise, or where they are too many to look for in text.
        """
        pattern = self.patterns[0]
        following = (*pattern.inside[1:2], pattern.closing)[0]
        named = pattern.inside[:1] == (Placeholder("name"),)
        if self.marker or not named or len(names) > _MOST_NAMED:
            return {}
        if isinstance(following, Placeholder):
            return {}
        if self.lead.strip():
            following = following.lstrip()[:1]
        elif self.joint:
            following = following[:1]
        elif fence := _FENCE.match(following):
            following = fence.group()
        else:
            return {}
        return {name: self.before_name + name + following for name in names}

    @property
    def before_name(self) -> str:
        """The text before the name of a call that stands behind text, where no mark announces it.

        What opens a call, or where nothing does, the header of a new part of the turn, or a line.
        """
        return self.lead if self.lead.strip() else self.joint or "\n"

    @cached_property
    def joint(self) -> str:
        """The text after which the model begins anew within its turn; "" where there is none."""
        return self.gap.strip()

    @cached_property
    def headers(self) -> tuple[str, ...]:
        """Parts of the joint that a model writes where it begins anew, the longest first."""
        behind = self.joint.removeprefix(self.part_end).strip()
        tag = _TAG.match(behind)
        parts = (self.joint, behind, tag.group() if tag else "")
        return tuple(dict.fromkeys(filter(None, parts)))

    @cached_property
    def part_end(self) -> str:
        """The mark that ends a part of a turn whose parts have headers of their own, or ""."""
        tag = _TAG.match(self.joint)
        return tag.group() if tag else ""

    @cached_property
    def thought_end(self) -> str:
        """The mark that ends reasoning, without the header of what comes next."""
        closing = self.reasoning.close.strip() if self.reasoning else ""
        end = self.part_end
        return end if end and closing.startswith(end) else closing

    @cached_property
    def content_openings(self) -> tuple[str, ...]:
        """The texts that open content."""
        return tuple(filter(None, (self.content.open, *self.also_content)))

    @cached_property
    def id_parts(self) -> Parts:
        """The parts that make up a call's id, where the model counts its calls itself.

        The number, and what is written together with it: up to white space, a quote or a tag.
        """
        at = next((n for n, part in enumerate(self.call) if part == Placeholder("index")), None)
        if at is None:
            return ()
        taken: list[Part] = [self.call[at]]
        for part in reversed(self.call[:at]):
            if isinstance(part, Placeholder):
                taken.insert(0, part)
                continue
            word = part[len(part.rstrip(ID_CHARACTERS)) :]
            taken.insert(0, word)
            if word != part:
                break
        return tuple(part for part in taken if part != "")
