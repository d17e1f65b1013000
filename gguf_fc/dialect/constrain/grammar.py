"""The grammar over everything the model may write in one turn.

``tool_choice`` is nothing but a grammar: this module turns a syntax, tools and what was asked
into rules.  It knows neither templates nor tokens.

Rules for what is built here:
1. Free text appears only as ``Until`` or ``Without`` (or behind a class that excludes what may
   come instead), never next to other free text: an engine that lexes greedily reads it rightly.
2. Two alternatives never begin with literals of which one is the beginning of the other.
3. What the prompt already holds of the turn (*prefill*) is cut off the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.constrain.code import CodeComposer
from gguf_fc.dialect.constrain.grammar_pairs import Members, PairsComposer
from gguf_fc.dialect.constrain.grammar_prefix import NOTHING, merged, without_start
from gguf_fc.dialect.constrain.parameters import ANY_OBJECT, arguments_schema
from gguf_fc.dialect.syntax import Parts, Row, Slot, Syntax
from gguf_fc.dialect.write import write_name
from gguf_fc.errors import GrammarError
from gguf_fc.grammar import (
    Builder,
    CharClass,
    Grammar,
    Literal,
    Loosened,
    Node,
    Repeat,
    Spacing,
    Until,
    Without,
    choice,
    compile_schema,
    not_opening,
    sequence,
)
from gguf_fc.request import Format, Tool, ToolChoice

_SPACE = " \t\r\n"
_LAYOUT = CharClass(tuple((ord(character), ord(character)) for character in _SPACE))
_DIGIT = CharClass(((48, 57),))
_MOST_DIGITS = 4
_ID = Repeat(CharClass(((48, 57), (65, 90), (97, 122))), 9, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the reply may be."""

    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = field(default_factory=ToolChoice)
    parallel: bool = True
    format: Format = field(default_factory=Format)
    prefill: str = ""


def build_grammar(syntax: Syntax, wanted: Wanted) -> Grammar:
    """The grammar of the whole output."""
    return _Composer(syntax, wanted).compose()


@dataclass(slots=True)
class _Composer:
    syntax: Syntax
    wanted: Wanted
    _builder: Builder = field(default_factory=Builder, init=False)
    _report: list[Loosened] = field(default_factory=list, init=False)
    # Compiled once, however often a turn refers to them.
    _calls: Node | None = field(default=None, init=False)  # None: there may be no call
    _json: Node | None = field(default=None, init=False)  # None: the answer is free text
    _one: Node = field(default=Literal(""), init=False)  # a call
    _code: Node | None = field(default=None, init=False)  # a call as code, with its mark
    # The arguments by the name of their tool.
    _written: dict[str, Node] = field(default_factory=dict, init=False)
    _paired_members: dict[str, Members] = field(default_factory=dict, init=False)

    def compose(self) -> Grammar:
        self._calls = self._all_calls()
        self._code = self._called_as_code()
        if self.wanted.format.type != "text":
            self._json = self._framed(self._builder.define("answer", self._answer()))
        turn = self._turn(self.wanted.prefill)
        if turn == NOTHING and self._calls is not None and self._must_call and self.syntax.marker:
            # Text was begun: the call comes right behind it.
            between = self.syntax.content.close + self.syntax.gap
            turn = sequence(Literal(between), _begun(self.syntax.lead, self._calls))
        return Grammar(self._builder.build(turn), tuple(self._report))

    def _turn(self, prefill: str) -> Node:
        """Reasoning first, where the model reasons."""
        reasoning = self.syntax.reasoning
        if reasoning is None:
            return without_start(self._reply(), prefill)
        opening, closing = reasoning.open.strip(), reasoning.close.strip()
        if closing in prefill:
            return without_start(self._reply(), prefill.rsplit(closing, 1)[1].lstrip(_SPACE))
        reply = self._builder.define("reply", self._reply(after=reasoning.close))
        thought = sequence(Until((closing,)), reply)
        if opening in prefill:
            return thought
        direct = self._reply(instead_of=opening)
        return without_start(choice(sequence(Literal(opening), thought), direct), prefill)

    def _reply(self, *, after: str = "", instead_of: str = "") -> Node:
        """Text, calls or both, as the tool choice says.

        *after* is the end of the reasoning before it; *instead_of* is what could have stood in
        its place: text may not begin like it.
        """
        gap = Literal(after[len(after.rstrip(_SPACE)) :])
        if self._calls is None:
            return sequence(gap, self._json) if self._json else self._text_only(gap, instead_of)
        called = _begun(self.syntax.lead, self._calls)
        if self._must_call:
            return sequence(gap, self._or_code(called))
        if self._json is not None:
            return sequence(gap, self._or_code(merged(self._json, called)))
        return self._text_then(self._calls, instead_of, gap)

    @property
    def _must_call(self) -> bool:
        return self.wanted.choice.mode in ("required", "named")

    @property
    def _announcing(self) -> tuple[str, ...]:
        """The texts of which each announces a call."""
        marks = self.syntax.announcements
        return (*marks, self.syntax.code.open) if self.syntax.code and self._code else marks

    def _or_code(self, node: Node) -> Node:
        """*node*, or a call as code."""
        if self._code is None or self.syntax.code is None:
            return node
        return choice(node, sequence(Literal(self.syntax.code.open), self._code))

    # Text.

    def _text_only(self, gap: Literal, instead_of: str) -> Node:
        """No call, and nothing that reads like one."""
        if self.syntax.content.open:
            ends = self.syntax.joint or self.syntax.marker
            return sequence(gap, self._framed_text((ends,) if ends else ()))
        if self.syntax.marker:
            return self._guarded(Without(self.syntax.announcements), instead_of)
        return self._unlike_bare(instead_of)

    def _text_then(self, calls: Node, instead_of: str, gap: Literal) -> Node:
        """Text, then perhaps calls, then the end."""
        marker = self.syntax.marker
        if not marker:
            called = self._or_code(_begun(self.syntax.lead, calls))
            return choice(sequence(gap, called), self._unlike_bare(instead_of))
        called = _begun(self.syntax.lead[self.syntax.lead.index(marker) + len(marker) :], calls)
        before = self.syntax.lead[: self.syntax.lead.index(marker)] + marker
        if self.syntax.content.open:
            announced_call = sequence(Literal(before), called)
            if self.syntax.content.close:
                text = self._framed_text(self.syntax.announcements)
                written = sequence(text, choice(Literal(""), announced_call))
            else:
                written = self._framed(self._text_up_to(marker, called, calls))
            return sequence(gap, merged(written, announced_call))
        announced = [sequence(Until((marker,), self._others(marker)), called)]
        announced += [
            sequence(Until((row.marker,), self._others(row.marker)), self._also_calls(row))
            for row in self.syntax.rows[1:]
            if row.marker not in ("", marker)
        ]
        if self._code is not None and self.syntax.code is not None:
            mark = self.syntax.code.open
            announced.append(sequence(Until((mark,), self._others(mark)), self._code))
        texts = choice(Without(self._announcing), *announced)
        plain = self._guarded(texts, instead_of)
        if not instead_of:
            return plain
        return choice(self._or_code(sequence(Literal(before), called)), plain)

    def _text_up_to(self, marker: str, called: Node, calls: Node) -> Node:
        """Text in a frame, then perhaps calls: announced, or behind what ends the frame."""
        joint = self.syntax.joint
        if not joint:
            return choice(Without((marker,)), sequence(Until((marker,)), called))
        return choice(Without((joint,)), sequence(Until((joint,)), _begun(self.syntax.lead, calls)))

    def _others(self, marker: str) -> tuple[str, ...]:
        """The other texts that announce a call; a marker within *marker* is no other."""
        return tuple(m for m in self._announcing if m not in marker)

    def _also_calls(self, row: Row) -> Node:
        """The calls of a turn of which the first is written like *row*, from behind its marker."""
        text = row.opening
        rest = Literal(text[text.index(row.marker) + len(row.marker) :])
        first = choice(*(self._call(tool, row.parts) for tool in self._callable()))
        return sequence(rest, first, self._more())

    def _guarded(self, text: Node, instead_of: str) -> Node:
        """*text*, not beginning with the first character of *instead_of* or of a call."""
        if not instead_of:
            return text
        barred = {instead_of[0], *self.syntax.marker[:1], *_SPACE}
        return choice(sequence(_none_of(barred), text), Literal(""))

    def _unlike_bare(self, instead_of: str) -> Node:
        """Text that cannot be read as a call without a marker; without tools, any text."""
        if not self.wanted.tools:
            return self._guarded(Without(()), instead_of)
        begun = self.syntax.lead.strip()[:1] or self._names_begun()
        mark = self.syntax.code.open if self.syntax.code and self._code else ""
        if named := self._called_in_text():
            barred = {*_SPACE, *instead_of[:1], *begun, *mark[:1]}
            text = choice(sequence(_none_of(barred), named), Literal(""))
        else:
            text = not_opening(self._builder, (*_SPACE, *instead_of[:1], *begun, mark))
        return sequence(Repeat(_LAYOUT), text)

    def _called_in_text(self) -> Node | None:
        """Text, then perhaps calls that only the name of a tool announces; None: it holds none."""
        tools = self._callable() if self._calls is not None else []
        begun = self.syntax.beginnings([tool.name for _, tool in tools])
        options: list[Node] = []
        for numbered in tools if begun else ():
            mark = begun[numbered[1].name]
            others = tuple(other for other in begun.values() if other != mark)
            call = self._call(numbered, self.syntax.call)
            rest = without_start(call, mark.removeprefix(self.syntax.lead))
            options.append(
                sequence(
                    Until((mark,), others), rest, self._more(), Literal(self.syntax.section.close)
                )
            )
        return choice(Without(tuple(begun.values())), *options) if options else None

    def _names_begun(self) -> list[str]:
        """What a call begins with where nothing stands before its name."""
        fixed = "".join(part for part in self.syntax.call if isinstance(part, str))
        following = dict.fromkeys((*_SPACE, "{", *fixed.strip()[:1]))
        return [tool.name + character for tool in self.wanted.tools for character in following]

    def _framed_text(self, barred: tuple[str, ...]) -> Node:
        """Text in its frame, without any of the *barred* texts."""
        framing = self.syntax.content
        if not framing.close:
            return sequence(Literal(framing.open), Without(barred))
        return sequence(Literal(framing.open), Until((framing.close,), barred))

    def _framed(self, text: Node) -> Node:
        framing = self.syntax.content
        return sequence(Literal(framing.open), text, Literal(framing.close))

    def _answer(self) -> Node:
        """An answer in the form that was asked for."""
        asked = self.wanted.format
        schema = asked.schema if asked.type == "json_schema" else ANY_OBJECT
        return self._compile(schema, asked.schema_at, Spacing(), closed=False)

    # Calls.

    def _all_calls(self) -> Node | None:
        """All calls of a turn, from behind the lead; None if there may be none."""
        tools = self._callable()
        if not tools:
            return None
        self._one = self._builder.define(
            "call", choice(*(self._call(tool, self.syntax.call) for tool in tools))
        )
        return sequence(self._one, self._more(), Literal(self.syntax.section.close))

    def _called_as_code(self) -> Node | None:
        """A call of a tool that was built into the model, from behind its mark; None: none."""
        if self.syntax.code is None:
            return None
        composer = CodeComposer(self.syntax.code, self._builder, self._report)
        schemas = {
            tool.name: (arguments_schema(tool.parameters), tool.parameters_at(n))
            for n, tool in self._callable()
        }
        openings = (row.opening.strip()[:1] for row in self.syntax.rows)
        return composer.calls(schemas, tuple(filter(None, openings)))

    def _more(self) -> Node:
        """The calls after the first."""
        if not (self.syntax.parallel and self.wanted.parallel):
            return Literal("")
        opening = self.syntax.separator + self.syntax.rows[0].opening
        return Repeat(sequence(Literal(opening), self._one))

    def _callable(self) -> list[tuple[int, Tool]]:
        chosen = self.wanted.choice
        named = [item for item in enumerate(self.wanted.tools) if chosen.permits(item[1].name)]
        if not named and chosen.mode in ("required", "named"):
            raise GrammarError("A call is required, but no tool can be called.", param="tools")
        return named

    def _call(self, numbered: tuple[int, Tool], parts: Parts) -> Node:
        """A call of one tool, written like *parts*, from behind its opening text."""
        n, tool = numbered
        path = tool.parameters_at(n)
        schema = arguments_schema(tool.parameters)
        if self.syntax.pairs is None:
            if tool.name not in self._written:
                self._written[tool.name] = self._arguments(schema, path)
            return self._row(parts, tool, self._written[tool.name])
        return self._paired(parts, tool, self._members(tool, schema, path))

    def _members(self, tool: Tool, schema: Any, path: str) -> Members:
        assert self.syntax.pairs is not None
        if tool.name not in self._paired_members:
            composer = PairsComposer(self.syntax.pairs, self._builder)
            self._paired_members[tool.name] = composer.members(schema, path)
            self._report.extend(composer.report)
        return self._paired_members[tool.name]

    def _paired(self, parts: Parts, tool: Tool, members: Members) -> Node:
        """A call whose arguments are written one by one, or that has none."""
        bare = self.syntax.bare_call
        some = members.some
        if bare is None:
            none: Node = Literal("")
            either = none if some is None else choice(some, none) if members.may_be_none else some
            return self._row(parts, tool, either)
        rows = [] if some is None else [self._row(parts, tool, some)]
        if members.may_be_none:
            rows.append(self._row(bare, tool, Literal("")))
        return choice(*rows)

    def _row(self, parts: Parts, tool: Tool, arguments: Node) -> Node:
        """The row behind its opening text."""
        items: list[Node] = []
        for part in parts[1 if isinstance(parts[0], str) else 0 :]:
            match part:
                case str(text):
                    items.append(Literal(text))
                case Slot(kind="name"):
                    items.append(Literal(write_name(self.syntax, tool.name)))
                case Slot(kind="id"):
                    items.append(_ID)
                case Slot(kind="index"):
                    items.append(Repeat(_DIGIT, 1, _MOST_DIGITS))
                case Slot():
                    items.append(arguments)
        return _joined(items)

    def _arguments(self, schema: Any, path: str) -> Node:
        if not self.syntax.quoted:
            return self._compile(schema, path, self.syntax.spacing, closed=True)
        self._report.append(Loosened(path, "schema", "the arguments stand inside a JSON string"))
        return self._compile({"type": "string"}, path, self.syntax.spacing, closed=True)

    def _compile(
        self,
        schema: Any,
        path: str,
        spacing: Spacing,
        *,
        closed: bool,
    ) -> Node:
        """A schema's node; any JSON object if the schema cannot be compiled, and reported."""
        try:
            node, loosened = compile_schema(
                schema, self._builder, spacing=spacing, closed=closed, path=path
            )
        except GrammarError as error:
            node, loosened = compile_schema(
                ANY_OBJECT, self._builder, spacing=spacing, closed=False, path=path
            )
            loosened = (*loosened, Loosened(path, "schema", error.message))
        self._report.extend(loosened)
        return node


def _none_of(characters: set[str]) -> CharClass:
    codes = sorted(ord(character) for character in characters)
    return CharClass(tuple((code, code) for code in codes), negated=True)


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


def _begun(lead: str, calls: Node) -> Node:
    return sequence(Literal(lead), calls)
