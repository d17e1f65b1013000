"""Bounds of strings: lengths, patterns, formats, and texts they must not be.

A ``StringBound`` is a conjunction.  It can be met with another, asked about a text, tested for
emptiness and complemented, and it says which of its conditions have to be left out: a pattern that
no automaton can follow, or that needs too large a one.  ``text_rule`` writes the rule.

An unknown format says nothing, as in JSON Schema, but is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from gguf_fc.grammar.regex.automaton import MOST_STATES, regex_automaton
from gguf_fc.grammar.regex.charset import ALL, Charset
from gguf_fc.grammar.regex.dfa import Dfa, TooLarge, among, counted, meet
from gguf_fc.grammar.regex.parse import (
    Chars,
    Either,
    Series,
    Times,
    Tree,
    Unsupported,
    literal,
    parse_regex,
    search,
)
from gguf_fc.grammar.regex.to_expression import expression
from gguf_fc.grammar.regex.to_rules import automaton_rules
from gguf_fc.grammar.rules import (
    NEVER,
    Both,
    Literal,
    Node,
    Not,
    Regular,
    Repeat,
    Without,
)
from gguf_fc.grammar.values.formats import format_pattern
from gguf_fc.grammar.values.spelling import Spelling, char_class

_MOST_KEPT = 512  # automata, from one grammar to the next
_MOST_TRIES = 4  # to add a condition to others with which it is too large
_PUNCTUATION = frozenset("^$\\.*+?()[]{}|/")
_ANY_TEXT = Times(Chars(ALL), 0, None)

Left = tuple[str, str]  # a keyword and why it is not enforced


@dataclass(frozen=True, slots=True)
class StringBound:
    """The strings of so many characters that match every pattern and format, and so on."""

    min_length: int = 0
    max_length: int | None = None
    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    not_patterns: tuple[str, ...] = ()
    not_formats: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def is_free(self) -> bool:
        """True if every string is allowed."""
        return self == StringBound()

    @property
    def is_empty(self) -> bool:
        """True if no string is allowed; False where that is too much work to find out."""
        if self.max_length is not None and self.max_length < self.min_length:
            return True
        if self == StringBound(self.min_length, excluded=self.excluded):
            return False  # there are more texts than can be excluded
        found = _conditions_met(self.without_lengths, ())
        return not found.dfa.has_length(self.min_length, self.max_length)

    @property
    def only_lengths(self) -> StringBound:
        """The strings of so many characters, whatever they are."""
        return StringBound(self.min_length, self.max_length)

    @property
    def without_lengths(self) -> StringBound:
        """The same conditions on texts of any length."""
        return replace(self, min_length=0, max_length=None)

    def accepts(self, text: str) -> bool:
        """True if *text* is allowed; what cannot be enforced allows it."""
        if len(text) < self.min_length or text in self.excluded:
            return False
        if self.max_length is not None and len(text) > self.max_length:
            return False
        return all(part.dfa.accepts(text) == part.wanted for part in _parts(self)[0])

    def meet(self, other: StringBound) -> StringBound:
        """Intersection of both."""
        most = [most for most in (self.max_length, other.max_length) if most is not None]
        return StringBound(
            max(self.min_length, other.min_length),
            min(most, default=None),
            _joined(self.patterns, other.patterns),
            _joined(self.formats, other.formats),
            _joined(self.not_patterns, other.not_patterns),
            _joined(self.not_formats, other.not_formats),
            _joined(self.excluded, other.excluded),
        )

    def simplified(self) -> StringBound:
        """The same strings, without conditions that all strings fulfil."""
        if self == self.only_lengths or self.excluded:
            return self
        always = _conditions_met(self.without_lengths, ()).dfa.is_all(0)
        return self.only_lengths if always else self

    def complement(self) -> tuple[StringBound, ...]:
        """All other strings: those that one of these allows."""
        return tuple(self._opposites())

    def _opposites(self) -> Iterator[StringBound]:
        if self.min_length:
            yield StringBound(max_length=self.min_length - 1)
        if self.max_length is not None:
            yield StringBound(min_length=self.max_length + 1)
        yield from (StringBound(not_patterns=(pattern,)) for pattern in self.patterns)
        yield from (StringBound(not_formats=(name,)) for name in self.formats)
        yield from (StringBound(patterns=(pattern,)) for pattern in self.not_patterns)
        yield from (StringBound(formats=(name,)) for name in self.not_formats)
        yield from (StringBound(patterns=(exact_pattern(text),)) for text in self.excluded)


def exact_pattern(text: str) -> str:
    """The pattern that only *text* matches."""
    escaped = "".join(f"\\{letter}" if letter in _PUNCTUATION else letter for letter in text)
    return f"^{escaped}$"


def text_rule(bound: StringBound, spelling: Spelling, stops: tuple[str, ...] = ()) -> Node:
    """The texts that *bound* allows, as *spelling* writes them.

    None of *stops* occurs in them, nor would one begin in them if a stop followed.
    """
    letter = spelling.letter
    if bound.is_free and not stops:
        return Repeat(letter(ALL))
    if bound.is_free and spelling.notation.escapes == "none" and not list(overlaps(stops)):
        return Without(stops)
    found = _automaton(bound, stops)
    if found.dfa.is_empty:
        return NEVER
    if found.dfa.longest == 0:
        return Literal("")
    if found.dfa.is_all(0) and found.lengths == (0, None):
        return Repeat(letter(ALL))
    terms: list[Node] = []
    for part in found.parts:
        term = expression(part.tree, part.dfa, letter)
        if part.wanted or term != NEVER:
            terms.append(term if part.wanted else Not(term))
    if found.lengths != (0, None) or not any(part.wanted for part in found.parts):
        terms.append(Repeat(letter(ALL), *found.lengths))
    whole = terms[0] if len(terms) == 1 else Both(tuple(terms))
    return Regular(whole, _states(found, spelling))


def _states(found: _Conditions, spelling: Spelling) -> Node:
    least, most = found.lengths
    if found.run is not None:
        characters, fewest = found.run
        return Repeat(spelling.letter(characters), max(least, fewest), most)
    return automaton_rules(found.dfa, spelling.letter, spelling.builder)


def loosened(bound: StringBound, stops: tuple[str, ...] = ()) -> tuple[Left, ...]:
    """Conditions that cannot be enforced of a string that holds no stop, and why."""
    if not stops and bound in (bound.only_lengths, StringBound(excluded=bound.excluded)):
        return ()
    if not stops and bound.simplified() == bound.only_lengths:
        return _conditions_met(bound.without_lengths, ()).left
    return _automaton(bound, stops).left


@dataclass(frozen=True, slots=True)
class _Condition:
    """One condition: an expression that the whole text has, or has not, to match."""

    keyword: str
    tree: Tree
    dfa: Dfa
    wanted: bool


@dataclass(frozen=True, slots=True)
class _Conditions:
    """Conditions, and lengths, that are enforced together, and what is not."""

    dfa: Dfa
    parts: tuple[_Condition, ...]
    lengths: tuple[int, int | None]
    left: tuple[Left, ...]
    run: tuple[Charset, int] | None = None  # too many for an automaton, but all of one kind


@lru_cache(maxsize=_MOST_KEPT)
def _automaton(bound: StringBound, stops: tuple[str, ...]) -> _Conditions:
    """DFA of all of *bound*; without the lengths where that is too large."""
    least, most = bound.min_length, bound.max_length
    found = _conditions_met(bound.without_lengths, stops)
    shortest, longest = found.dfa.shortest, found.dfa.longest
    if shortest >= least and (most is None or (longest is not None and longest <= most)):
        return found
    try:
        return replace(
            found, dfa=counted(found.dfa, least, most, MOST_STATES), lengths=(least, most)
        )
    except TooLarge:
        if found.dfa.run is not None:
            return replace(found, lengths=(least, most), run=found.dfa.run)
        keyword = "maxLength" if most is not None else "minLength"
        reason = "too large together with the other conditions on the text"
        return replace(found, left=(*found.left, (keyword, reason)))


@lru_cache(maxsize=_MOST_KEPT)
def _conditions_met(bound: StringBound, stops: tuple[str, ...]) -> _Conditions:
    """DFA of the conditions but the lengths, without those that would be too much."""
    wanted, left = _parts(bound)
    parts = (*_stop_parts(stops), *_excluded_parts(bound.excluded))
    dfa = _barring(bound.excluded, stops)
    tries = _MOST_TRIES
    for part in wanted:
        met = _met(dfa, part.dfa, wanted=part.wanted) if tries else None
        if met is None:
            tries = max(0, tries - 1)
            left = (*left, (part.keyword, "together with its siblings it is too large"))
        else:
            dfa, parts = met, (*parts, part)
    return _Conditions(dfa, parts, (0, None), left)


@lru_cache(maxsize=_MOST_KEPT)
def _barring(excluded: tuple[str, ...], stops: tuple[str, ...]) -> Dfa:
    """DFA of texts that are not excluded and hold no stop.  There always is one."""
    parts = (*_stop_parts(stops), *_excluded_parts(excluded))
    limit = MOST_STATES + sum(map(len, (*stops, *excluded)))
    return meet([(part.dfa, part.wanted) for part in parts], limit)


@lru_cache(maxsize=_MOST_KEPT)
def _met(dfa: Dfa, other: Dfa, *, wanted: bool) -> Dfa | None:
    """Intersection of *dfa* and, as *wanted*, *other*; None if that is too large."""
    if dfa.is_all(0) and wanted:
        return other
    try:
        return meet([(dfa, True), (other, wanted)], MOST_STATES + len(dfa.moves))
    except TooLarge:
        return None


@lru_cache(maxsize=_MOST_KEPT)
def _parts(bound: StringBound) -> tuple[tuple[_Condition, ...], tuple[Left, ...]]:
    """The conditions that can be enforced one by one, and those that cannot."""
    kept: list[_Condition] = []
    left: list[Left] = []
    for keyword, source, wanted in _conditions(bound):
        pattern = source if keyword == "pattern" else format_pattern(source)
        if pattern is None:
            left.append((keyword, f"{source!r} is not a format that is enforced"))
            continue
        found = _compiled(pattern)
        if isinstance(found, str):
            left.append((keyword, found))
        else:
            kept.append(_Condition(keyword, *found, wanted))
    return tuple(kept), tuple(left)


def _conditions(bound: StringBound) -> Iterator[tuple[str, str, bool]]:
    yield from (("pattern", pattern, True) for pattern in bound.patterns)
    yield from (("format", name, True) for name in bound.formats)
    yield from (("pattern", pattern, False) for pattern in bound.not_patterns)
    yield from (("format", name, False) for name in bound.not_formats)


@lru_cache(maxsize=_MOST_KEPT)
def _compiled(pattern: str) -> tuple[Tree, Dfa] | str:
    """A pattern found anywhere in a text, as a tree and as an automaton; or why it cannot be."""
    try:
        tree = search(parse_regex(pattern))
        dfa = regex_automaton(tree)
        expression(tree, dfa, char_class)  # to know now that there is one
    except Unsupported as error:
        return str(error)
    return tree, dfa


def _stop_parts(stops: tuple[str, ...]) -> Iterator[_Condition]:
    if not stops:
        return
    inside = search(Either(tuple(map(literal, stops))))
    ends = (Series((_ANY_TEXT, literal(overlap))) for overlap in overlaps(stops))
    tree = Either((inside, *ends))
    yield _Condition("stops", tree, regex_automaton(tree), wanted=False)


def _excluded_parts(texts: tuple[str, ...]) -> Iterator[_Condition]:
    if texts:
        yield _Condition("excluded", Either(tuple(map(literal, texts))), among(texts), wanted=False)


def overlaps(stops: tuple[str, ...]) -> Iterator[str]:
    """Endings a text must not have, since with a stop after it another one would begin in it."""
    for one in stops:
        for size in range(1, len(one)):
            begun, rest = one[:size], one[size:]
            if any(rest.startswith(other) or other.startswith(rest) for other in stops):
                yield begun


def _joined(some: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(some + more))
