"""Rules of text that goes on behind a mark which is only quoted: ``use <tool_call> for that``.

Theory of operation.  A reader takes a mark for text as soon as no call can begin behind it, and so
do these rules: behind a mark come the first characters by which text departs from every call, and
then any text.  As a call has to keep its forced tokens, text departs no later than

1. with the first character behind the mark, and white space if there is some.  From its own first
   character on a call is as fixed as if nothing could be quoted;
2. where calls begin with a name, with a word that is none, or behind the name of a tool and the
   text before its arguments.

Behind a mark, what begins like the name of a tool or as JSON does is an attempt at a call, and is
held to the right form.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gguf_fc.dialect.syntax import CallPattern, Placeholder, Syntax
from gguf_fc.dialect.write import write_name
from gguf_fc.grammar import CharClass, Literal, Node, Repeat, choice, departing, sequence
from gguf_fc.grammar.regex.charset import Charset, difference, of, union
from gguf_fc.grammar.values.spacing import SPACE

_NAME, _ARGUMENTS = Placeholder("name"), Placeholder("arguments")
_JSON = "{["
_INSTEAD_OF_OBJECT = "\"'nN"  # arguments may be a string, or null
_ATTEMPT = 3  # characters of a tool's name
# What a reader takes for a part of a name, or of a namespace before it.
_NAMING: Charset = ((45, 45), (48, 57), (65, 90), (95, 95), (97, 122), (0x80, 0x10FFFF))
_SPACE = of(SPACE)
_LAYOUT = Repeat(CharClass(_SPACE))
_WHITE = Repeat(CharClass(_SPACE), 1)


@dataclass(frozen=True, slots=True)
class QuotedMarks:
    """Rules of what follows a quoted mark; *marks* announce calls of tools of these *names*."""

    syntax: Syntax
    names: Collection[str]
    marks: Collection[str]

    def behind(self, mark: str, text: Node) -> list[Node]:
        """The rest from behind *mark*, going on with *text*; none where all may be a call."""
        written = list(self._written_behind(mark))
        fixed = [opening for opening, _ in written if opening.strip()]
        named = [pattern for opening, pattern in written if not opening.strip()]
        if any(pattern.inside[0] != _NAME for pattern in named):
            return []
        ways: list[Node] = self._by_character(fixed, named)
        end: list[Node] = [Literal(""), _WHITE]
        if named:
            ways += [*self._by_word(named), *(way for p in named for way in self._by_name(p))]
            end += self._words()
        return [choice(*end), sequence(choice(*ways), text)]

    def _written_behind(self, mark: str) -> Iterator[tuple[str, CallPattern]]:
        """The fixed text between *mark* and the first placeholder in each way to write a call."""
        section = self.syntax.section.open
        for pattern in self.syntax.patterns:
            text = section + pattern.opening
            if mark in text:
                yield text[text.index(mark) + len(mark) :], pattern

    def _by_character(self, fixed: Collection[str], named: Collection[CallPattern]) -> list[Node]:
        """Beginnings that are no call's, right behind the mark and behind white space."""
        attempts = [*_JSON]
        if not named:  # else words are told apart by themselves
            attempts += (write_name(self.syntax, name)[:_ATTEMPT] for name in self.names)
        first = [text.strip()[:1] for text in fixed]
        # Where a call begins with white space, a text that begins without is told from it at once.
        right = [text.strip() if text[:1] in SPACE else text.strip()[:1] for text in fixed]
        words = _NAMING if named else ()
        return [
            self._unlike((*right, *attempts), union(_SPACE, words)),
            sequence(_WHITE, self._unlike((*first, *attempts), union(_SPACE, words))),
        ]

    def _unlike(self, openings: Collection[str], barred: Charset) -> Node:
        return departing((*openings, *self.marks), self.marks, barred)

    def _other(self, *barred: Charset) -> CharClass:
        """A character that is none of *barred* and begins no mark."""
        begun = of("".join(mark[0] for mark in self.marks))
        return CharClass(union(begun, *barred), negated=True)

    def _words(self) -> list[Node]:
        """Words that are no tool's name: right behind a mark, told by their first character."""
        begun, rest = of("".join(self._openings_of_names())), Repeat(CharClass(_NAMING))
        return [
            sequence(_LAYOUT, CharClass(difference(_NAMING, begun)), rest),
            sequence(_WHITE, CharClass(_NAMING), rest),
        ]

    def _by_word(self, named: Collection[CallPattern]) -> list[Node]:
        """A word that is no tool's name, up to what shows that no arguments follow."""
        behind = choice(*(self._no_call(pattern, "") for pattern in named))
        return [sequence(word, behind) for word in self._words()]

    def _openings_of_names(self) -> Iterator[str]:
        """The first characters of what is no word of a text behind a mark."""
        yield from (write_name(self.syntax, name)[0] for name in self.names)
        for opening in self.syntax.content_openings:
            for mark in self.marks:
                yield opening.strip().removeprefix(mark)[:1]

    def _by_name(self, pattern: CallPattern) -> list[Node]:
        """Every tool's name and the text behind it, but neither arguments nor the call's end."""
        between, pairs = _between(pattern), self.syntax.pairs
        if pairs is not None and not pairs.text.before.strip():
            return []  # a key, which may be any text
        if not _arguments_follow(pattern):
            return []
        names = (write_name(self.syntax, name) for name in self.names)
        text = between.rstrip(SPACE)
        return [sequence(Literal(name), self._no_call(pattern, text)) for name in names]

    def _no_call(self, pattern: CallPattern, fixed: str) -> Node:
        """Text behind a word that goes on as no call does, from behind the *fixed* text."""
        arguments, between = self._opening_arguments(pattern), _between(pattern).strip()
        apart = sequence(_WHITE, self._other(_SPACE, arguments))
        if fixed:
            return sequence(Literal(fixed), choice(self._other(_SPACE, arguments), apart))
        following = of(between[0] + _JSON) if between else arguments
        ways = [
            self._other(_NAMING, of("."), _SPACE, following),
            sequence(_WHITE, self._other(_SPACE, following)),
            sequence(Literal("."), self._other(_NAMING)),
        ]
        if between and _arguments_follow(pattern):
            ways.append(self._no_call(pattern, between))
        return choice(*ways)

    def _opening_arguments(self, pattern: CallPattern) -> Charset:
        """The characters with which arguments begin, or the end of a call without any."""
        pairs = self.syntax.pairs
        if pairs is None:
            return of(_JSON + _INSTEAD_OF_OBJECT)
        begun = pairs.text.before.strip()[:1]
        naming = () if begun else union(_NAMING, of("\"'"))
        return union(of(begun + pattern.closing.strip()[:1] + _JSON), naming)


def _between(pattern: CallPattern) -> str:
    """Fixed text between a name and what comes next."""
    part = pattern.inside[1] if len(pattern.inside) > 1 else ""
    return part if isinstance(part, str) else ""


def _arguments_follow(pattern: CallPattern) -> bool:
    """True if behind a name and fixed text come arguments; an id there may be any text."""
    return pattern.inside[2 if _between(pattern) else 1 :][:1] == (_ARGUMENTS,)
