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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gguf_fc.grammar.notations.llguidance_terminals import Terminals, repetition
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
    _terminals: Terminals = field(init=False)
    _lines: list[str] = field(default_factory=list, init=False)
    _waiting: list[tuple[str, Callable[[Node], str], str]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._any_token = TokenTexts(self.special)
        self._terminals = Terminals(self._any_token, self._terminal_name, self._lines)

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
        return self._name("T", rule, self._terminals.expression)

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
            printed.insert(0, self._terminals.of(choice(*regular)))
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
                printed.append(self._terminals.of(joined))
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
                return [_Irregular(self._terminals.of(item))] if whole else self._atoms(item)
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
                return [_Irregular(f"({self._rule(item)}){repetition(least, most)}")]
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
            ways.append(self._terminals.of(Until(plain, barred)))
        return [_Irregular(ways[0] if len(ways) == 1 else f"({' | '.join(ways)})")]


def _holds_token(node: Node, cut: set[str]) -> bool:
    match node:
        case Token():
            return True
        case Reference(name):
            return name in cut
        case _:
            return any(_holds_token(child, cut) for child in children(node))
