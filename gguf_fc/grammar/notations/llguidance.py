"""Rules as llguidance reads them: its own form of Lark grammars.

Knows llguidance's notation and how its lexer works, not its library.

Theory of operation.  llguidance cuts the text into *terminals* (regular expressions, upper-case
names) and parses their sequence with *rules* (lower-case names).

1. The lexer takes the longest terminal and never goes back.  So everything regular that stands
   side by side becomes one terminal: inside a regular expression nothing is cut too early or too
   late, and what it accepts is exactly what the tree says.  Rules remain for recursion.
2. Text never matches a control token.  So literals are split where they hold the text of one, and
   the token stands there by its number: ``<[7]>``.  A terminal ends by itself before a token.
3. "Text up to a marker" is one regular expression: it ends with the marker and holds none before.
   It cannot be extended, so taking the longest is right.  Where the marker holds a control token,
   it is any text, then the token.
4. "Text without markers" is the complement.  A marker with a control token needs no excluding:
   free text cannot contain the token anyway.

What a regular part is followed by must not be able to extend it, if that is recursive: after a
JSON number comes a comma or a bracket, never a digit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gguf_fc.grammar.notations.named_tokens import number_of
from gguf_fc.grammar.notations.token_texts import Found, TokenTexts
from gguf_fc.grammar.prune import children, holding, uses_of
from gguf_fc.grammar.rules import (
    Both,
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
    sequence,
)

_TEXT = "/(?s:.*)/"
_MOST_WRITTEN_OUT = 50
_SURROGATES = (0xD800, 0xDFFF)


def print_llguidance(rules: Rules, special: Mapping[str, int]) -> str:
    """*rules* as text; *special* maps the text of each control token to its id."""
    return _Printer(rules, special).text()


@dataclass(frozen=True, slots=True)
class _Irregular:
    """Text of a rule's right side that is no part of a terminal."""

    text: str


_Atom = Node | _Irregular  # a node here is regular


@dataclass(slots=True, eq=False)
class _Printer:
    rules: Rules
    special: Mapping[str, int]
    _any_token: TokenTexts = field(init=False)
    _regular: set[str] = field(default_factory=set, init=False)
    _cut: set[str] = field(default_factory=set, init=False)  # rules that hold tokens
    _names: dict[tuple[str, str], str] = field(default_factory=dict, init=False)
    _terminals: dict[Node, str] = field(default_factory=dict, init=False)
    _lines: list[str] = field(default_factory=list, init=False)
    _waiting: list[tuple[str, Callable[[Node], str], str]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._any_token = TokenTexts(self.special)

    def text(self) -> str:
        """The whole grammar."""
        uses = uses_of(self.rules)
        self._regular = holding(self.rules, self._is_regular, uses)
        self._cut = holding(self.rules, _holds_token, uses)
        root = self.rules.root
        start = self._terminal_name(root) if root in self._regular else self._rule_name(root)
        while self._waiting:
            name, write, rule = self._waiting.pop()
            self._lines.append(f"{name}: {write(self.rules.named[rule])}")
        return "\n".join(["%llguidance {}", f"start: {start}", *self._lines, ""])

    # A rule may be needed both ways: whole, inside a terminal, and cut at its tokens.

    def _terminal_name(self, rule: str) -> str:
        return self._name("T", rule, self._expression)

    def _rule_name(self, rule: str) -> str:
        return self._name("r", rule, self._rule)

    def _name(self, form: str, rule: str, write: Callable[[Node], str]) -> str:
        """The name of *rule* in that *form*, in which it is then going to be written."""
        if (form, rule) not in self._names:
            # Numbered, as names that differ in case only would meet.
            stem = f"{form}_{rule.replace('-', '_')}_{len(self._names)}"
            name = stem.upper() if form == "T" else stem.lower()
            self._names[form, rule] = name
            self._waiting.append((name, write, rule))
        return self._names[form, rule]

    def _is_regular(self, node: Node, regular: set[str]) -> bool:
        """True if *node* can be one regular expression, given the *regular* rules."""
        match node:
            case Special():
                return False
            case Regular():
                return True
            case Literal(text):
                return self._token_in(text) is None
            case Until(markers):
                return not any(self._token_in(marker) for marker in markers)
            case Reference(name):
                return name in regular
            case _:
                return all(self._is_regular(child, regular) for child in children(node))

    def _is_piece(self, node: Node) -> bool:
        """True if *node* is regular and need not be cut."""
        return self._is_regular(node, self._regular) and not _holds_token(node, self._cut)

    def _token_in(self, text: str) -> Found | None:
        """The first control token in *text*; the longest of those that begin there."""
        return self._any_token.search(text)

    # Right sides of rules.

    def _rule(self, node: Node) -> str:
        """*node* as the right side of a rule."""
        match node:
            case Choice(options):
                return self._options(options)
            case _:
                return self._series(self._atoms(node))

    def _options(self, options: tuple[Node, ...]) -> str:
        """Alternatives; the regular ones are one terminal."""
        regular = [option for option in options if self._is_piece(option)]
        printed = [self._rule(option) for option in options if option not in regular]
        if regular:
            printed.insert(0, self._terminal(choice(*regular)))
        return " | ".join(printed)

    def _series(self, atoms: list[_Atom]) -> str:
        """*atoms* in order; neighbouring regular ones are one terminal."""
        printed: list[str] = []
        run: list[Node] = []
        for atom in [*atoms, _Irregular("")]:
            if not isinstance(atom, _Irregular):
                run.append(atom)
                continue
            if (joined := sequence(*run)) != Literal(""):
                printed.append(self._terminal(joined))
            printed.append(atom.text)
            run = []
        return " ".join(filter(None, printed)) or '""'

    def _atoms(self, node: Node) -> list[_Atom]:
        if self._is_piece(node):
            return [node]
        match node:
            case Token(item):
                # Not joined with its neighbours: a token is a terminal wherever it stands.
                whole = self._is_regular(item, self._regular)
                return [_Irregular(self._terminal(item))] if whole else self._atoms(item)
            case Sequence(items):
                return [atom for item in items for atom in self._atoms(item)]
            case Literal() | Special():
                return self._split(node)
            case Until(markers, barred):
                return self._until(markers, barred)
            case Reference(name):
                return [_Irregular(self._rule_name(name))]
            case Choice(options):
                return [_Irregular(f"({self._options(options)})")]
            case Repeat(item, least, most):
                return [_Irregular(f"({self._rule(item)}){_count(least, most)}")]
            case CharClass() | Without() | Unlike() | Regular() | Both() | Not():
                raise AssertionError(node)

    def _named(self, node: Special) -> str:
        return f"<[{'^' if node.negated else ''}{number_of(node, self.special)}]>"

    def _split(self, node: Literal | Special) -> list[_Atom]:
        """Literal text in pieces, its control tokens by number."""
        if isinstance(node, Special):
            return [_Irregular(self._named(node))]
        text, atoms = node.text, list[_Atom]()
        while (found := self._token_in(text)) is not None:
            number = self.special[found.text]
            atoms += [Literal(text[: found.start]), _Irregular(f"<[{number}]>")]
            text = text[found.end :]
        return [*atoms, Literal(text)]

    def _until(self, markers: tuple[str, ...], barred: tuple[str, ...]) -> list[_Atom]:
        """Text, then one of the markers, some of which hold a control token."""
        plain = tuple(marker for marker in markers if self._token_in(marker) is None)
        ways = [
            self._series([Without(plain + barred), *self._split(Literal(marker))])
            for marker in markers
            if marker not in plain
        ]
        if plain:
            ways.append(self._terminal(Until(plain, barred)))
        return [_Irregular(ways[0] if len(ways) == 1 else f"({' | '.join(ways)})")]

    # Terminals.

    def _terminal(self, node: Node) -> str:
        """Terminal that stands for a regular *node* in a rule."""
        match node:
            case Reference(name):
                return self._terminal_name(name)
            case Literal(text):
                return json.dumps(text)
            case _:
                if node not in self._terminals:
                    self._terminals[node] = name = f"T_{len(self._terminals)}"
                    self._lines.append(f"{name}: {self._expression(node)}")
                return self._terminals[node]

    def _expression(self, node: Node) -> str:
        """*node* as the right side of a terminal."""
        match node:
            case Sequence() | Choice() if (pattern := _pattern(node)) is not None:
                return _written(pattern)
            case Choice(options):
                return " | ".join(map(self._operand, options))
            case Sequence(items):
                return " ".join(map(self._operand, items))
            case _:
                return self._operand(node)

    def _operand(self, node: Node) -> str:
        match node:
            case Literal(text):
                return json.dumps(text)
            case CharClass():
                return f"/{_class(node)}/"
            case Reference(name):
                return self._terminal_name(name)
            case Token(item) | Regular(item):
                return self._operand(item)
            case Repeat(item, least, most):
                return f"({self._expression(item)}){_count(least, most)}"
            case Sequence() | Choice():
                pattern = _pattern(node)
                return f"({self._expression(node)})" if pattern is None else _written(pattern)
            case _:
                return self._operation(node)

    def _operation(self, node: Node) -> str:
        """Operators that a plain regular expression does not have: intersection and complement."""
        match node:
            case Both(items):
                return f"({' & '.join(map(self._operand, items))})"
            case Not(item):
                return f"~({self._expression(item)})"
            case Without(markers):
                return self._without(markers)
            case Until(markers, barred):
                ends, passes = f"/(?s:.*)({_any(markers)})/", f"/(?s:.*)({_any(markers)})(?s:.+)/"
                plain = [text for text in barred if self._token_in(text) is None]
                early = f" & ~/(?s:.*)({_any(plain)})(?s:.*)/" if plain else ""
                return f"({ends} & ~{passes}{early})"
            case Unlike():
                return self._unlike(node)
            case _:  # a special token, which is never part of a terminal
                raise AssertionError(node)

    def _without(self, markers: tuple[str, ...]) -> str:
        plain = [marker for marker in markers if self._token_in(marker) is None]
        return f"({_TEXT} & ~/(?s:.*)({_any(plain)})(?s:.*)/)" if plain else _TEXT

    def _unlike(self, node: Unlike) -> str:
        escape = self._operand(node.escape)
        free = self._operand(Repeat(Choice((node.plain, node.escape))))
        barred = [json.dumps("".join(pieces)) for pieces in node.texts]
        for before, known in _escapes(node.texts).items():
            others = " | ".join(map(json.dumps, known))
            barred.append(f"({json.dumps(before)} ({escape} & ~({others})) {free})")
        return f"({free} & ~({' | '.join(barred)}))"


def _holds_token(node: Node, cut: set[str]) -> bool:
    match node:
        case Token():
            return True
        case Reference(name):
            return name in cut
        case _:
            return any(_holds_token(child, cut) for child in children(node))


def _written(pattern: str) -> str:
    """A regular expression; an empty one would begin a comment."""
    return f"/{pattern}/" if pattern else '""'


def _pattern(node: Node) -> str | None:
    """*node* as a plain regular expression, which nests deeper than groups do; None if it is none.

    Large counts stay outside: there they are counted, here they would be written out.
    """
    match node:
        case Literal(text):
            return "".join(map(_character, text))
        case CharClass():
            return _class(node)
        case Sequence(items):
            parts = [_pattern(item) for item in items]
            return None if None in parts else "".join(filter(None, parts))
        case Choice(options):
            parts = [_pattern(option) for option in options]
            return None if None in parts else f"({'|'.join(part or '' for part in parts)})"
        case Repeat(item, least, most) if max(least, most or 0) <= _MOST_WRITTEN_OUT:
            inner = _pattern(item)
            return None if inner is None else f"({inner}){_count(least, most)}"
        case Token(item):
            return _pattern(item)
        case _:
            return None


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
        case _:
            return f"{{{least},{most}}}"


def _escapes(texts: tuple[tuple[str, ...], ...]) -> dict[str, list[str]]:
    """The escapes in *texts* by what stands before them."""
    found: dict[str, list[str]] = {}
    for pieces in texts:
        for at, piece in enumerate(pieces):
            if len(piece) > 1:
                found.setdefault("".join(pieces[:at]), []).append(piece)
    return found


def _any(markers: Iterable[str]) -> str:
    return "|".join("".join(map(_character, marker)) for marker in markers)


def _class(node: CharClass) -> str:
    ranges = [part for low, high in node.ranges for part in _without_surrogates(low, high)]
    if not ranges:
        return "(?s:.)" if node.negated else "[^\\x{0}-\\x{10FFFF}]"
    inside = "".join(
        _character(chr(low)) + ("" if low == high else "-" + _character(chr(high)))
        for low, high in ranges
    )
    return f"[{'^' if node.negated else ''}{inside}]"


def _without_surrogates(low: int, high: int) -> Iterator[tuple[int, int]]:
    """The range without what is no character to llguidance."""
    first, last = _SURROGATES
    if high < first or low > last:
        yield low, high
        return
    if low < first:
        yield low, first - 1
    if high > last:
        yield last + 1, high


def _character(character: str) -> str:
    plain = character.isascii() and character.isalnum()
    return character if plain else f"\\x{{{ord(character):X}}}"
