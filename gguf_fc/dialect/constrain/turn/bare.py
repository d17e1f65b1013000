"""Grammar of the form in which no mark announces a call: it is known by its form alone.

Text may not begin as a call does, or the two could not be told apart by what was written so far.
Behind text a call is known by what its form begins with together with the name of a tool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gguf_fc.dialect.constrain.grammar_prefix import without_start
from gguf_fc.dialect.constrain.turn.calls import CallComposer
from gguf_fc.dialect.constrain.turn.code import CodeCall, or_code
from gguf_fc.dialect.constrain.turn.text import TextComposer, none_of
from gguf_fc.dialect.syntax import CallPattern, Syntax
from gguf_fc.grammar import (
    CharClass,
    Literal,
    Node,
    Repeat,
    Until,
    Without,
    choice,
    not_opening,
    sequence,
)
from gguf_fc.grammar.search.trie import Trie
from gguf_fc.grammar.values.spacing import SPACE
from gguf_fc.request import Tool

_LAYOUT = CharClass(tuple((ord(character), ord(character)) for character in SPACE))


@dataclass(slots=True)
class BareComposer:
    """Makes the rules of calls or text; *tools* are all that the model knows of."""

    syntax: Syntax
    text: TextComposer
    calls: CallComposer
    code: CodeCall | None
    tools: Sequence[Tool]
    begun: str = ""  # what the prompt holds of the reply

    def text_only(self, gap: Node, instead_of: str) -> Node:  # noqa: ARG002  text may be spaced
        """No call, and nothing that reads like one."""
        return self._text(instead_of)

    @property
    def space(self) -> Node:
        """White space before a call that is required, where turns begin with some."""
        return Repeat(_LAYOUT, 0, len(self.syntax.space))

    def text_then(self, calls: Node, gap: Node, instead_of: str) -> Node:
        """Calls; or text, then perhaps calls."""
        written = sequence(Literal(self.syntax.lead), calls)
        others = map(self.calls.otherwise_marked, self.syntax.also_sections)
        marked = (*map(self._marked, self._marking), *others)
        called = or_code(choice(written, *marked), self.code)
        return choice(sequence(gap, self.space, called), self._text(instead_of))

    @property
    def _marking(self) -> list[CallPattern]:
        """Other ways to write a call, with marks around it."""
        return [pattern for pattern in self.syntax.patterns[1:] if pattern.marker]

    def _marked(self, pattern: CallPattern) -> Node:
        """One call with marks around it, which models may leave out."""
        one = (self.calls.one(numbered, pattern.parts) for numbered in self.calls.tools)
        return sequence(Literal(pattern.opening), choice(*one))

    def _text(self, instead_of: str) -> Node:
        """Text that does not begin like a call; without tools, any text."""
        if not self.tools:
            return self.text.guarded(Without(()), instead_of)
        begun = self.syntax.lead.strip()[:1]
        marks = [self.code.mark] if self.code else []
        marks += [pattern.marker for pattern in self._marking]
        marks += [section.open.rstrip() for section in self.syntax.also_sections]
        openings = [begun] if begun else self._names_begun()
        openings = [*SPACE, *instead_of[:1], *openings, *marks]
        later = self._later_calls()
        if self.begun.strip() and not any(map(self.begun.lstrip().startswith, openings)):
            return self._with_calls(later)  # text has begun
        text = self._unlike(openings, later) if later else not_opening(self.calls.builder, openings)
        return sequence(Repeat(_LAYOUT), text)

    def _later_calls(self) -> dict[str, Node]:
        """Calls that stand behind text: the mark that announces one -> what follows it."""
        tools = self.calls.tools
        begun = self.syntax.beginnings([tool.name for _, tool in tools])
        found: dict[str, Node] = {}
        for numbered in tools if begun else ():
            mark = begun[numbered[1].name]
            call = self.calls.one(numbered, self.syntax.call)
            rest = without_start(call, mark.removeprefix(self.syntax.before_name))
            found[mark] = sequence(rest, self.calls.more(), Literal(self.syntax.section.close))
        return found

    def _with_calls(self, later: Mapping[str, Node]) -> Node:
        """Text, then perhaps calls that only the name of a tool announces."""
        options: list[Node] = []
        for mark, rest in later.items():
            others = tuple(other for other in later if other != mark)
            options.append(sequence(Until((mark,), others), rest))
        return choice(Without(tuple(later)), *options)

    def _unlike(self, openings: Sequence[str], later: Mapping[str, Node]) -> Node:
        """Text that begins with none of *openings*, then perhaps calls.

        One rule for each text that may still become an opening, from the longest up.  Behind such
        a text a mark stands whole or not at all: its first character is where the two part.
        """
        root = Trie.of(map(tuple, openings))
        text = self.calls.builder.define("behind-text", self._with_calls(later))
        announced = [sequence(Literal(mark), rest) for mark, rest in later.items()]
        rules: dict[Trie, Node] = {}
        for trie, _ in reversed(root.downwards()):
            inner = {} if trie is root else {mark[0] for mark in later}
            options: list[Node] = [Literal(""), sequence(none_of({*trie.after, *inner}), text)]
            options += [
                sequence(Literal(character), rules[after])
                for character, after in trie.after.items()
                if not after.ends
            ]
            options += announced if trie is not root else []
            rules[trie] = self.calls.builder.define("opening", choice(*options))
        return rules[root]

    def _names_begun(self) -> list[str]:
        """Beginnings of calls where nothing stands before the name."""
        fixed = "".join(part for part in self.syntax.call if isinstance(part, str))
        following = dict.fromkeys((*SPACE, "{", *fixed.strip()[:1]))
        return [tool.name + character for tool in self.tools for character in following]
