"""The grammar as a tree of rules.

One tree, several readings: ``gbnf_printer`` prints it as GBNF, ``llguidance`` in that engine's
notation, ``match`` decides whether a text is in the language.  Nothing here knows JSON Schema,
tools or models.

The language of a node is a set of strings of Unicode characters; where a grammar names tokens of a
vocabulary, of characters and tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Literal:
    """Exactly this text; "" is the empty string."""

    text: str


@dataclass(frozen=True, slots=True)
class CharClass:
    """One character in (or, if *negated*, outside) the inclusive code point *ranges*."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """The items one after another."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the options; no options: nothing matches."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """*item* at least *least* and at most *most* times; None: no limit."""

    item: Node
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """The rule of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Until:
    """Any text up to and including the first occurrence of one of the *markers*.

    None of the *barred* texts occurs before it.
    """

    markers: tuple[str, ...]
    barred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Without:
    """Any text, also none, in which no marker occurs.  No markers: any text at all."""

    markers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """*item*, of which its own text says where it ends; a lexer may take it in one piece.

    It says nothing about the language.  Neighbours in JSON (a bracket, a string, a number, a comma
    with the white space around it) are tokens.
    """

    item: Node


@dataclass(frozen=True, slots=True)
class Unlike:
    """Any number of *plain* characters and *escapes*, but as a whole none of the *texts*.

    A text is given as its pieces, each one plain character or one escape.  An escape that stands
    where a text has another one is refused as well.
    """

    texts: tuple[tuple[str, ...], ...]
    plain: CharClass
    escape: Node


@dataclass(frozen=True, slots=True)
class Special:
    """One token of the vocabulary, by its text or its number; if *negated*, any one other token.

    GBNF has it as ``<think>``, ``<[7]>`` and ``!<[7]>``.  Spelling its text is not the same.
    """

    token: str | int
    negated: bool = False

    @property
    def written(self) -> str:
        """The token alone, as GBNF writes it."""
        return f"<[{self.token}]>" if isinstance(self.token, int) else self.token


@dataclass(frozen=True, slots=True)
class Both:
    """Intersection: what all the items match.  Only in the *expression* of a ``Regular``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Complement: what *item* does not match.  Only in the *expression* of a ``Regular``."""

    item: Node


@dataclass(frozen=True, slots=True)
class Regular:
    """A regular language, said twice.

    *expression* is for an engine that knows ``Both`` and ``Not``; *states* says the same with
    plain rules only, one for each state of an automaton.
    """

    expression: Node
    states: Node


Node = (
    Literal
    | CharClass
    | Sequence
    | Choice
    | Repeat
    | Reference
    | Until
    | Without
    | Unlike
    | Token
    | Special
    | Both
    | Not
    | Regular
)


@dataclass(frozen=True, slots=True)
class Rules:
    """Named rules and the one to start from."""

    named: Mapping[str, Node]
    root: str = "root"


@dataclass(slots=True, eq=False)
class Builder:
    """Collects rules under names that are unique and legal in GBNF (``[a-zA-Z0-9-]``)."""

    _named: dict[str, Node] = field(default_factory=dict, init=False)
    _once: dict[Hashable, Reference] = field(default_factory=dict, init=False)
    _used: dict[str, int] = field(default_factory=dict, init=False)  # the last number of each stem

    def __len__(self) -> int:
        """Number of rules."""
        return len(self._named)

    def reserve(self, hint: str) -> Reference:
        """A fresh name near *hint*, to be filled by ``fill``: recursion needs the name first."""
        stem = "".join(c if c.isascii() and c.isalnum() else "-" for c in hint).strip("-") or "rule"
        name, n = stem, self._used.get(stem, 1)
        while name in self._named or name == "root":
            n += 1
            name = f"{stem}-{n}"
        self._used[stem] = n
        self._named[name] = Choice(())
        return Reference(name)

    def fill(self, reference: Reference, node: Node) -> None:
        """Give a reserved name its rule."""
        self._named[reference.name] = node

    def rule(self, reference: Reference) -> Node:
        """The rule of that name, as far as it is filled."""
        return self._named[reference.name]

    def define(self, hint: str, node: Node) -> Reference:
        """Store *node* under a fresh name near *hint*."""
        reference = self.reserve(hint)
        self.fill(reference, node)
        return reference

    def once(self, key: Hashable, hint: str, make: Callable[[], Node]) -> Reference:
        """The rule for *key*, made when it is first asked for; *make* may ask for it again."""
        if key not in self._once:
            self._once[key] = reference = self.reserve(hint)
            self.fill(reference, make())
        return self._once[key]

    def build(self, root: Node) -> Rules:
        """The collected rules with *root* as the start."""
        return Rules({"root": root, **self._named})


NEVER: Node = Choice(())  # matches no text


def sequence(*items: Node) -> Node:
    """*items* in order, flattened, with neighbouring literals joined and empty ones left out."""
    kept: list[Node] = []
    for item in items:
        for part in item.items if isinstance(item, Sequence) else (item,):
            if isinstance(part, Literal) and kept and isinstance(kept[-1], Literal):
                kept[-1] = Literal(kept[-1].text + part.text)
            elif part != Literal(""):
                kept.append(part)
    if len(kept) == 1:
        return kept[0]
    return Sequence(tuple(kept)) if kept else Literal("")


def choice(*options: Node) -> Node:
    """One of *options*, flattened, without doubles."""
    flat: dict[Node, None] = {}
    for option in options:
        flat.update(dict.fromkeys(option.options if isinstance(option, Choice) else (option,)))
    return next(iter(flat)) if len(flat) == 1 else Choice(tuple(flat))


def optional(node: Node) -> Node:
    """*node* or nothing."""
    return Repeat(node, 0, 1)


def repeated(
    item: Node, following: Node, least: int = 0, most: int | None = None
) -> tuple[Node, bool]:
    """*item* at least once, the others as *following*, and whether there may be none.

    Literal("") where there can be none, ``NEVER`` where *most* is less than *least*.
    """
    if most is not None and most < least:
        return NEVER, False
    if most == 0:
        return Literal(""), True
    if item == following:
        return Repeat(item, max(1, least), most), least == 0
    left = None if most is None else most - 1
    more = Repeat(following, max(0, least - 1), left)
    return sequence(item, more if left != 0 else Literal("")), least == 0
