"""Rules as GBNF, the grammar notation of llama.cpp.

Knows llama.cpp's limits: rule names are ``[a-zA-Z0-9-]``, a repetition counts to 2000 at most, and
there is no way to say "text without these markers", which becomes rules of its own here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gguf_fc.grammar.regex.charset import charset, difference, of
from gguf_fc.grammar.rules import (
    NEVER,
    Both,
    Builder,
    CharClass,
    Choice,
    Literal,
    Node,
    Not,
    Reference,
    Regular,
    Repeat,
    Rules,
    Sequence,
    Special,
    Token,
    Unlike,
    Until,
    Without,
    choice,
    optional,
    sequence,
)
from gguf_fc.grammar.search.aho_corasick import Searcher
from gguf_fc.grammar.search.trie import Trie

# llama.cpp writes S{0,n} out as n rules, and refuses n > 2000.  Larger counts are made of blocks.
_MOST_REPEATS = 1000
_BLOCK = 100
_NESTED = 8  # groups in groups, after which a rule of its own begins

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CLASS_ESCAPES = {"\\": "\\\\", "]": "\\]", "^": "\\x5E", "-": "\\x2D", "[": "\\["}


def plain_rules(rules: Rules) -> Rules:
    """*rules* with nothing but what GBNF has; the start rule comes first, under the name ``root``.

    A repeated item is never empty: ``(x?){3}`` becomes ``x{0,3}``, which is read in one way only.
    """
    return _Plain(rules).rules()


def print_gbnf(plain: Rules) -> str:
    """Plain rules as text."""
    return "".join(f"{name} ::= {_alternatives(node)}\n" for name, node in plain.named.items())


@dataclass(slots=True, eq=False)
class _Plain:
    """Rewrites rules with nothing but what GBNF has."""

    source: Rules
    _builder: Builder = field(default_factory=Builder, init=False)
    _renamed: dict[str, Reference] = field(default_factory=dict, init=False)
    _searches: dict[Until | Without | Unlike, Node] = field(default_factory=dict, init=False)
    _blocks: dict[tuple[Node, int], Node] = field(default_factory=dict, init=False)

    def rules(self) -> Rules:
        named = dict(self.source.named)
        root = named.pop(self.source.root)
        self._renamed = {name: self._builder.reserve(name) for name in named}
        self._renamed[self.source.root] = Reference("root")
        for name, node in named.items():
            self._builder.fill(self._renamed[name], self._plain(node))
        return self._builder.build(self._plain(root))

    def _plain(self, node: Node) -> Node:
        match node:
            case Sequence(items):
                return sequence(*map(self._plain, items))
            case Choice(options):
                return choice(*map(self._plain, options))
            case Repeat(item, least, most):
                return self._repeat(self._plain(item), least, most)
            case Token(item) | Regular(states=item):
                return self._plain(item)
            case Unlike():
                if node not in self._searches:
                    self._searches[node] = self._unlike(node)
                return self._searches[node]
            case Reference(name):
                return self._renamed[name]
            case Until() | Without():
                if node not in self._searches:
                    self._searches[node] = self._search(node)
                return self._searches[node]
            case _:
                return node

    def _repeat(self, item: Node, least: int, most: int | None) -> Node:
        """Nested where the counts are large.

        ``S{0,k}`` is ``(S{b}){0,k/b - 1} S{0,b + k%b}``: every count up to k can be reached.
        """
        item, least, most = _never_empty(item, least, most)
        if max(least, most or 0) <= _MOST_REPEATS:
            return Repeat(item, least, most)
        block = self._block(item)
        start = self._exactly(item, least)
        if most is None:
            return sequence(start, Repeat(item))
        more = most - least
        if more <= _MOST_REPEATS:
            return sequence(start, Repeat(item, 0, more))
        blocks = self._repeat(block, 0, more // _BLOCK - 1)
        return sequence(start, blocks, Repeat(item, 0, _BLOCK + more % _BLOCK))

    def _exactly(self, item: Node, count: int) -> Node:
        if count <= _MOST_REPEATS:
            return Repeat(item, count, count) if count else Literal("")
        blocks = self._exactly(self._block(item), count // _BLOCK)
        rest = count % _BLOCK
        return sequence(blocks, Repeat(item, rest, rest)) if rest else blocks

    def _block(self, item: Node) -> Node:
        if (item, _BLOCK) not in self._blocks:
            once = item if isinstance(item, Reference) else self._builder.define("item", item)
            self._blocks[item, _BLOCK] = self._builder.define(
                f"{once.name}-x{_BLOCK}", Repeat(once, _BLOCK, _BLOCK)
            )
        return self._blocks[item, _BLOCK]

    def _search(self, node: Until | Without) -> Node:
        """The markers' automaton, one rule a state."""
        until = isinstance(node, Until)
        if not node.markers:
            return Repeat(CharClass((), negated=True))
        searcher = Searcher.of(node.markers, node.barred if isinstance(node, Until) else ())
        states = {
            state: self._builder.reserve("until" if until else "without")
            for state in searcher.open_states()
        }
        if not states:
            return Literal("")
        for state, rule in states.items():
            self._builder.fill(rule, _transitions(searcher, state, states, until=until))
        return states[0]

    def _unlike(self, node: Unlike) -> Node:
        """The tree of the texts, from its leaves up; a rule of its own now and then."""
        escapes: list[Node] = []
        if node.escape != NEVER:
            escapes.append(self._builder.once(node.escape, "escape", lambda: node.escape))
        pieces = choice(node.plain, *escapes)
        free = self._builder.once((node.plain, *escapes), "any", lambda: Repeat(pieces))
        rules: dict[Trie, Node] = {}
        for trie, depth in reversed(Trie.of(node.texts).downwards()):
            options: list[Node] = [
                sequence(Literal(piece), rules[after]) for piece, after in trie.after.items()
            ]
            letters = [piece for piece in trie.after if len(piece) == 1]
            options.append(Sequence((_apart(node.plain, "".join(letters)), free)))
            if len(letters) == len(trie.after):
                options += [Sequence((escape, free)) for escape in escapes]
            rest: Node = Choice(tuple(options))
            rest = rest if trie.ends else optional(rest)
            shared = depth % _NESTED == 0 or len(letters) > 1
            rules[trie] = self._builder.define("unlike", rest) if shared else rest
        return rules[trie]


def _apart(plain: CharClass, letters: str) -> CharClass:
    """*plain* without the *letters*."""
    if plain.negated:
        return CharClass(tuple(sorted((*plain.ranges, *_points(list(letters))))), negated=True)
    return CharClass(difference(charset(plain.ranges), of(letters)))


def _never_empty(item: Node, least: int, most: int | None) -> tuple[Node, int, int | None]:
    """A repetition's parts, so that the item is not empty as far as it says so itself."""
    match item:
        case _ if most == 0:
            return item, least, most
        case Repeat(inner, 0, None):
            return inner, 0, None
        case Repeat(inner, 1, None):
            return inner, least, None
        case Repeat(inner, 0, int(each)):
            return _never_empty(inner, 0, None if most is None else most * each)
        case Choice(options) if Literal("") in options:
            kept = choice(*(option for option in options if option != Literal("")))
            return _never_empty(kept, 0, most)
        case _:
            return item, least, most


def _transitions(
    searcher: Searcher, state: int, states: dict[int, Reference], *, until: bool
) -> Node:
    moves = searcher.moves[state]
    by_target: dict[int, list[str]] = {}
    for character, target in moves.items():
        by_target.setdefault(target, []).append(character)
    others = CharClass(_points(list(moves)), negated=True)
    options: list[Node] = [sequence(others, states[0])]
    for target, characters in by_target.items():
        reading = CharClass(_points(characters))
        if target in states:
            options.append(sequence(reading, states[target]))
        elif until and target not in searcher.barred:
            options.append(reading)
    return choice(*options) if until else optional(choice(*options))


def _points(characters: list[str]) -> tuple[tuple[int, int], ...]:
    return tuple((code, code) for code in sorted(map(ord, characters)))


def _alternatives(node: Node) -> str:
    match node:
        case Choice(options):
            return " | ".join(map(_series, options))
        case _:
            return _series(node)


def _series(node: Node) -> str:
    match node:
        case Sequence(items):
            return " ".join(map(_single, items))
        case _:
            return _single(node)


def _single(node: Node) -> str:
    match node:
        case Literal(text):
            return f'"{"".join(map(_escaped, text))}"'
        case CharClass(ranges, negated):
            return _class(ranges, negated=negated)
        case Reference(name):
            return name
        case Special(negated=negated):
            return f"{'!' if negated else ''}{node.written}"
        case Repeat(item, least, most):
            inner = _single(item)
            # A repeat of a repeat needs a group of its own.
            grouped = f"({inner})" if isinstance(item, Repeat) else inner
            return grouped + _count(least, most)
        case Sequence() | Choice():
            return f"({_alternatives(node)})"
        case Until() | Without() | Unlike() | Token() | Both() | Not() | Regular():
            raise AssertionError(node)


def _count(least: int, most: int | None) -> str:
    match least, most:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
        case _, None:
            return f"{{{least},}}"
        case _ if least == most:
            return f"{{{least}}}"
        case _:
            return f"{{{least},{most}}}"


def _class(ranges: tuple[tuple[int, int], ...], *, negated: bool) -> str:
    if not ranges:
        # Neither "no character" nor "any character" can be an empty pair of brackets.
        return "[\\U00000000-\\U0010FFFF]" if negated else "[^\\U00000000-\\U0010FFFF]"
    inside = "".join(
        _in_class(low) if low == high else f"{_in_class(low)}-{_in_class(high)}"
        for low, high in ranges
    )
    return f"[{'^' if negated else ''}{inside}]"


def _in_class(code: int) -> str:
    return _CLASS_ESCAPES.get(chr(code)) or _escaped(chr(code))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if 0x20 <= code < 0x7F:  # noqa: PLR2004  printable ASCII
        return character
    if code <= 0xFF:  # noqa: PLR2004
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"  # noqa: PLR2004
