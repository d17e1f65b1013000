"""Grammar over everything the model may write in one turn.

``tool_choice`` is nothing but a grammar: this module turns a syntax, tools and what was asked
into rules.  It knows neither templates nor tokens.

Theory of operation.

1. A turn is reasoning, then text and calls in one of three forms (``Syntax.form``), each composed
   by a module of ``turn/``: *announced*, *framed*, *bare*.  Behind the same names in
   ``read/turn/`` stands the reader of each; what the grammar accepts, it reads.
2. The tool choice decides which parts there may be: ``none`` text, ``auto`` text and then perhaps
   calls, ``required`` calls alone, ``named`` exactly one.  A response format stands in for the
   text.
3. Free text appears only as ``Until`` or ``Without`` (or behind a class that excludes what may
   come instead), never next to other free text: an engine that lexes greedily reads it rightly.
4. Two alternatives never begin with literals of which one is the beginning of the other.
5. What the prompt already holds of the turn (*prefill*) is cut off the front.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gguf_fc.dialect.constrain.grammar_prefix import merged, without_start
from gguf_fc.dialect.constrain.schema_rules import ANY_OBJECT, schema_rules
from gguf_fc.dialect.constrain.turn.announced import AnnouncedComposer
from gguf_fc.dialect.constrain.turn.bare import BareComposer
from gguf_fc.dialect.constrain.turn.calls import CallComposer
from gguf_fc.dialect.constrain.turn.code import CodeCall, CodeComposer, or_code
from gguf_fc.dialect.constrain.turn.framed import FramedComposer
from gguf_fc.dialect.constrain.turn.reasoning import begun_reply, with_reasoning
from gguf_fc.dialect.constrain.turn.text import TextComposer
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.errors import GrammarError
from gguf_fc.grammar import (
    NEVER,
    Builder,
    Grammar,
    KeyOrder,
    Literal,
    Loosened,
    Node,
    Spacing,
    choice,
    sequence,
)
from gguf_fc.grammar.values.spacing import SPACE
from gguf_fc.request import Format, Tool, ToolChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Constraints on the reply: tools, tool choice, response format, and the prefill."""

    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = field(default_factory=ToolChoice)
    parallel: bool = True
    format: Format = field(default_factory=Format)
    prefill: str = ""
    key_order: KeyOrder = "declared"

    @property
    def any_order(self) -> bool:
        """Members of small objects may come in any order."""
        return self.key_order == "any"

    @property
    def must_call(self) -> bool:
        """The reply has to be a call."""
        return self.choice.mode in ("required", "named")

    @property
    def several(self) -> bool:
        """True if there may be more than one call: a tool that is named is called exactly once."""
        return self.parallel and self.choice.mode != "named"

    def callable(self) -> list[tuple[int, Tool]]:
        """The tools that may be called, each with its place in the request.

        Raises GrammarError if a call is required of which there is none.
        """
        permitted = [item for item in enumerate(self.tools) if self.choice.permits(item[1].name)]
        if not permitted and self.must_call:
            raise GrammarError("A call is required, but no tool can be called.", param="tools")
        return permitted


def build_grammar(syntax: Syntax, wanted: Wanted) -> Grammar:
    """Build the grammar of the whole output."""
    return _TurnComposer(syntax, wanted).compose()


@dataclass(slots=True)
class _TurnComposer:
    """Puts the parts of a turn together as the tool choice and the response format say."""

    syntax: Syntax
    wanted: Wanted
    _builder: Builder = field(default_factory=Builder, init=False)
    _report: list[Loosened] = field(default_factory=list, init=False)
    # Compiled once, however often a turn refers to them.
    _calls: Node | None = field(init=False)  # None: there may be no call
    _code: CodeCall | None = field(init=False)  # None: no tool is called as code
    _json: Node | None = field(init=False)  # None: the answer is free text
    _text: TextComposer = field(init=False)
    _form: AnnouncedComposer | FramedComposer | BareComposer = field(init=False)

    def __post_init__(self) -> None:
        syntax, wanted = self.syntax, self.wanted
        calls = CallComposer(
            syntax,
            wanted.callable(),
            wanted.several,
            self._builder,
            self._report,
            wanted.any_order,
        )
        self._calls = calls.all()
        self._code = self._called_as_code(calls)
        self._text = TextComposer(syntax)
        self._json = self._answer()
        match syntax.form:
            case "announced":
                self._form = AnnouncedComposer(syntax, self._text, calls, self._code)
            case "framed":
                self._form = FramedComposer(syntax, self._text)
            case "bare":
                begun = begun_reply(syntax.reasoning, wanted.prefill)
                tools = wanted.tools
                self._form = BareComposer(syntax, self._text, calls, self._code, tools, begun)

    def compose(self) -> Grammar:
        """Make the grammar."""
        prefill = self.wanted.prefill
        turn = with_reasoning(self.syntax, prefill, self._reply, self._builder)
        required = self._calls if self.wanted.must_call else None
        if turn == NEVER and required is not None and self.syntax.marker:
            # The prompt holds the beginning of text: the call comes right behind it.
            between = self.syntax.content.close + self.syntax.gap
            turn = sequence(Literal(between), self._called(required))
        if self.syntax.space and not prefill and self.syntax.form == "announced":
            turn = sequence(choice(Literal(""), Literal(self.syntax.space)), turn)
        if self.syntax.opened and not prefill:
            # Where it is not said what the prompt holds, it may hold what prompts end with.
            turn = choice(turn, without_start(turn, self.syntax.opened))
        return Grammar(self._builder.build(turn), tuple(dict.fromkeys(self._report)))

    def _reply(self, *, after: str = "", instead_of: str = "") -> Node:
        """Text, calls or both; see ``ReplyRules``."""
        gap = Literal(after[len(after.rstrip(SPACE)) :])
        if self._calls is None:
            if self._json is not None:
                return sequence(gap, self._json)
            return self._form.text_only(gap, instead_of)
        if self.wanted.must_call:
            space = self._form.space if isinstance(self._form, BareComposer) else Literal("")
            return sequence(gap, space, or_code(self._called(self._calls), self._code))
        if self._json is not None:
            called = merged(self._json, self._called(self._calls))
            return sequence(gap, or_code(called, self._code))
        return self._form.text_then(self._calls, gap, instead_of)

    def _called(self, calls: Node) -> Node:
        """The *calls* with the fixed text before them."""
        return sequence(Literal(self.syntax.lead), calls)

    def _answer(self) -> Node | None:
        """An answer in the form that was asked for; None if any text will do."""
        asked = self.wanted.format
        if asked.type == "text":
            return None
        schema = asked.schema if asked.type == "json_schema" else ANY_OBJECT
        builder, report, any_order = self._builder, self._report, self.wanted.any_order
        rules = schema_rules(
            schema, asked.schema_at, builder, report, spacing=Spacing(), any_order=any_order
        )
        return self._text.framed(builder.define("answer", rules))

    def _called_as_code(self, calls: CallComposer) -> CodeCall | None:
        """A call of a tool that was built into the model; None if there is none."""
        if self.syntax.code is None:
            return None
        composer = CodeComposer(
            self.syntax.code, self._builder, self._report, self.wanted.any_order
        )
        schemas = {
            tool.name: (calls.schemas[tool.name], tool.parameters_at(n)) for n, tool in calls.tools
        }
        openings = (pattern.opening.strip()[:1] for pattern in self.syntax.patterns)
        return composer.call(schemas, tuple(filter(None, openings)))
