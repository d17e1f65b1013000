"""In how many ways a text can go on at one place of a grammar.

A sampler that keeps all ways apart, as llama.cpp's does, takes time for each of them; and where
several lead to the same reading, it takes that time again for every character of a token.  So the
ways are counted before such a sampler is given a grammar.

Theory of operation.  A way leads to a *leaf*: something that reads a character, in its place in a
rule.  A sequence leads where its first item does, and where the rest of it does as often as that
item can be empty.  What follows a whole rule belongs to those who use it, and is counted there.
Without left recursion a rule depends only on rules it can begin with; first these are counted, and
then every place inside every rule.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.prune import first_references
from gguf_fc.grammar.rules import Choice, Literal, Node, Reference, Repeat, Rules, Sequence

MOST_WAYS = 3000  # at one place
MOST_ALIKE = 8  # to one leaf; white space beside white space makes two or three
_ENDLESS = 1 << 20  # any number far beyond the limits


@dataclass(frozen=True, slots=True)
class _Lead:
    """The ways into a node: how many to each leaf, and how many past it without reading."""

    leaves: Counter[int]
    past: int

    def times(self, count: int) -> _Lead:
        """The same ways, each so many times."""
        leaves = {leaf: min(ways * count, _ENDLESS) for leaf, ways in self.leaves.items()}
        return _Lead(Counter(leaves), min(self.past * count, _ENDLESS))

    def then(self, rest: _Lead) -> _Lead:
        """The ways into this with *rest* after it."""
        if not self.past:
            return self
        after = rest.times(self.past)
        return _Lead(self.leaves + after.leaves, after.past)


def refuse_crowded(rules: Rules) -> None:
    """Raise GrammarError if a text can go on in too many ways somewhere.

    *rules* are plain, as GBNF has them.
    """
    _Counts(rules).check()


@dataclass(slots=True, eq=False)
class _Counts:
    rules: Rules
    _known: dict[str, _Lead] = field(default_factory=dict, init=False)
    _n_leaves: int = field(default=0, init=False)

    def check(self) -> None:
        """Count for every rule, after those that it can begin with; then for all inside them."""
        first = first_references(self.rules)
        waiting = list(self.rules.named)
        while waiting:
            name = waiting[-1]
            unknown = [other for other in first[name] if other not in self._known]
            if name not in self._known and unknown:
                waiting += unknown
                continue
            waiting.pop()
            if name not in self._known:
                self._known[name] = self._lead(self.rules.named[name], whole=False)
        for node in self.rules.named.values():
            self._lead(node, whole=True)

    def _lead(self, node: Node, *, whole: bool) -> _Lead:
        """The ways into *node*; if *whole*, all places inside it are checked as well."""
        match node:
            case Literal(""):
                return _Lead(Counter(), 1)
            case Reference(name):
                return self._known[name]
            case Sequence(items):
                return self._row(items, whole=whole)
            case Choice(options):
                leads = [self._lead(option, whole=whole) for option in options]
                leaves: Counter[int] = Counter()
                for lead in leads:
                    leaves.update(lead.leaves)
                return _checked(_Lead(leaves, sum(lead.past for lead in leads)))
            case Repeat(item, least, most):
                return _checked(_repeated(self._lead(item, whole=whole), least, most))
            case _:
                self._n_leaves += 1
                return _Lead(Counter({self._n_leaves: 1}), 0)

    def _row(self, items: tuple[Node, ...], *, whole: bool) -> _Lead:
        leads: list[_Lead] = []
        for item in items:
            leads.append(self._lead(item, whole=whole))
            if not whole and not leads[-1].past:
                break
        found = _Lead(Counter(), 1)
        for lead in reversed(leads):
            found = _checked(lead.then(found))
        return found


def _repeated(item: _Lead, least: int, most: int | None) -> _Lead:
    """Ways into copies of *item*, of which any number may be passed if one may."""
    if not item.past:
        return _Lead(item.leaves, 0 if least else 1)
    return item.times(_ENDLESS if most is None else most)


def _checked(lead: _Lead) -> _Lead:
    alike = max(lead.leaves.values(), default=0)
    if len(lead.leaves) > MOST_WAYS or max(alike, lead.past) > MOST_ALIKE:
        raise GrammarError(
            f"there are more than {MOST_WAYS:,} ways on at one place, or more than {MOST_ALIKE} to "
            "read one text, which llama.cpp's grammar sampler would take too long for"
        )
    return lead
