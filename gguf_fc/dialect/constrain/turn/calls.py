"""Rules of the calls of a turn: one call of each tool, and the calls one behind another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from gguf_fc.dialect.common_text import common_start
from gguf_fc.dialect.constrain.grammar_pairs import Members, PairsComposer
from gguf_fc.dialect.constrain.grammar_prefix import merged
from gguf_fc.dialect.constrain.schema_rules import arguments_schema, schema_rules
from gguf_fc.dialect.constrain.turn.loose_calls import loose_calls
from gguf_fc.dialect.syntax import CallPattern, Marked, Parts, Placeholder, Syntax
from gguf_fc.dialect.write import write_name
from gguf_fc.grammar import (
    NEVER,
    Builder,
    CharClass,
    Literal,
    Loosened,
    Node,
    Repeat,
    Spacing,
    choice,
    sequence,
)
from gguf_fc.request import Tool

_DIGIT = CharClass(((48, 57),))
_MOST_DIGITS = 4
_ID = Repeat(CharClass(((48, 57), (65, 90), (97, 122))), 9, 9)


@dataclass(slots=True)
class CallComposer:
    """Makes the rules of calls of *tools*, each of which comes with its place in the request."""

    syntax: Syntax
    tools: Sequence[tuple[int, Tool]]  # those that may be called
    several: bool  # calls in a turn, if the syntax has room for them
    builder: Builder
    report: list[Loosened]
    any_order: bool = False  # of arguments
    _one: Node = field(default=Literal(""), init=False)
    schemas: dict[str, Any] = field(init=False)  # of the arguments, by the name of their tool
    # The arguments by the name of their tool: compiled once, however often a turn refers to them.
    _written: dict[str, Node] = field(default_factory=dict, init=False)
    _paired_members: dict[str, Members] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.schemas = {
            tool.name: arguments_schema(tool.parameters, tool.parameters_at(n), self.report)
            for n, tool in self.tools
        }

    def all(self) -> Node | None:
        """All calls of a turn, from behind the lead; None if there may be none."""
        if not self.tools:
            return None
        first = choice(*(self.one(numbered, self.syntax.call) for numbered in self.tools))
        self._one = self.builder.define("call", first)
        return sequence(self._one, self.more(), Literal(self.syntax.section.close))

    def otherwise_marked(self, marks: Marked, announced: str = "") -> Node:
        """All calls of a turn between other *marks*, from behind the text that *announced* them."""
        opening = marks.open + self.syntax.patterns[0].opening
        rest = opening[opening.index(announced) + len(announced) :]
        return sequence(Literal(rest), self._one, self.more(), Literal(marks.close))

    def more(self) -> Node:
        """The calls after the first."""
        if not (self.syntax.parallel and self.several):
            return Literal("")
        opening = self.syntax.separator + self.syntax.patterns[0].opening
        return Repeat(sequence(Literal(opening), self._one))

    def loosely(self, rest: str) -> list[Node]:
        """All calls of a turn laid out otherwise, from behind the marker that *rest* follows."""
        if self.syntax.pairs is not None:
            return []
        rules = {
            tool.name: self._loose_arguments(tool.name, tool.parameters_at(n))
            for n, tool in self.tools
        }
        several = self.syntax.parallel and self.several
        return loose_calls(self.syntax, rest, rules, self.builder, several=several)

    def _loose_arguments(self, name: str, path: str) -> Node:
        if not self.syntax.indented:
            return self._written[name]
        report: list[Loosened] = []  # the same as of the written form
        schema = self.schemas[name]
        return self._json(schema, path, report, None)

    def written_like(self, pattern: CallPattern) -> Node:
        """All calls of a turn, the first written like *pattern*, from behind its marker."""
        text = pattern.opening
        rest = Literal(text[text.index(pattern.marker) + len(pattern.marker) :])
        first = choice(*(self.one(numbered, pattern.parts) for numbered in self.tools))
        return sequence(rest, first, self.more())

    def one(self, numbered: tuple[int, Tool], parts: Parts) -> Node:
        """A call of one tool, written like *parts*, from behind its opening text."""
        n, tool = numbered
        path = tool.parameters_at(n)
        schema = self.schemas[tool.name]
        if self.syntax.pairs is None:
            if tool.name not in self._written:
                self._written[tool.name] = self._arguments(schema, path)
            return self._row(parts, tool, self._written[tool.name])
        return self._paired(parts, tool, self._members(tool, schema, path))

    def _arguments(self, schema: Any, path: str) -> Node:
        """Arguments that are one JSON object."""
        if self.syntax.quoted:
            reason = "the arguments stand inside a JSON string"
            self.report.append(Loosened(path, "schema", reason))
            schema = {"type": "string"}
        return self._json(schema, path, self.report, self.syntax.spacing)

    def _json(
        self, schema: Any, path: str, report: list[Loosened], spacing: Spacing | None
    ) -> Node:
        builder, any_order = self.builder, self.any_order
        return schema_rules(schema, path, builder, report, spacing=spacing, any_order=any_order)

    def _members(self, tool: Tool, schema: Any, path: str) -> Members:
        """Arguments that are written one by one."""
        assert self.syntax.pairs is not None
        if tool.name not in self._paired_members:
            closings = tuple(pattern.closing for pattern in self.syntax.patterns)
            composer = PairsComposer(
                self.syntax.pairs, self.builder, closings=closings, any_order=self.any_order
            )
            self._paired_members[tool.name] = composer.members(schema, path)
            self.report.extend(composer.report)
        return self._paired_members[tool.name]

    def _paired(self, parts: Parts, tool: Tool, members: Members) -> Node:
        """A call whose arguments are written one by one, or that has none."""
        bare = self.syntax.bare_call
        some = members.some
        if bare is None:
            none: Node = Literal("")
            either = none if some is None else choice(some, none) if members.may_be_none else some
            return self._row(parts, tool, either)
        without = self._row(bare, tool, Literal(""))
        if some is None:
            return without if members.may_be_none else NEVER
        row = self._row(parts, tool, some)
        return merged(row, without) if members.may_be_none else row

    def _row(self, parts: Parts, tool: Tool, arguments: Node) -> Node:
        """The pattern behind its opening text."""
        items: list[Node] = []
        start = 1 if isinstance(parts[0], str) else 0
        for at, part in enumerate(parts[start:], start):
            match part:
                case str():
                    items.append(self._fixed(parts, at))
                case Placeholder(kind="name"):
                    items.append(Literal(write_name(self.syntax, tool.name)))
                case Placeholder(kind="id"):
                    items.append(_ID)
                case Placeholder(kind="index"):
                    items.append(Repeat(_DIGIT, 1, _MOST_DIGITS))
                case Placeholder():
                    items.append(arguments)
        return _joined(items)

    def _fixed(self, parts: Parts, at: int) -> Node:
        """The fixed text at one place, where no mark announces calls in each of its layouts."""
        if self.syntax.marker or parts != self.syntax.call:
            return Literal(str(parts[at]))
        around = parts[:at], parts[at + 1 :]
        same = (also for also in self.syntax.also if (also[:at], also[at + 1 :]) == around)
        return either([str(layout[at]) for layout in (parts, *same)])


def either(texts: Sequence[str]) -> Node:
    """One of *texts*; what some begin with is written once, so that no two ways begin alike."""
    first: dict[str, list[str]] = {}
    for text in dict.fromkeys(texts):
        first.setdefault(text[:1], []).append(text)
    options: list[Node] = []
    for begun in first.values():
        shared = reduce(common_start, begun)
        behind = [text[len(shared) :] for text in begun]
        options.append(sequence(Literal(shared), either(behind) if len(begun) > 1 else Literal("")))
    return choice(*options)


def _joined(items: Sequence[Node]) -> Node:
    """*items* in a row, with adjacent literals made one."""
    joined: list[Node] = []
    for item in items:
        last = joined[-1] if joined else None
        if isinstance(item, Literal) and isinstance(last, Literal):
            joined[-1] = Literal(last.text + item.text)
        else:
            joined.append(item)
    return sequence(*joined)
