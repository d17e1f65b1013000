"""Rules without dead ends.

An alternative that nothing can match is legal in the tree and fatal in print: neither GBNF nor
llguidance can say "never", and a model led into a rule without an end would write for ever.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from gguf_fc.errors import GrammarError
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

LEFT_RECURSION = "rule '{}' is left recursive: it can begin with itself"

Property = Callable[[Node, set[str]], bool]  # of a node, given the rules known to have it
Uses = Mapping[str, tuple[str, ...]]  # by rule, the rules it refers to, with doubles


def prune(rules: Rules) -> Rules:
    """The same language, without rules and alternatives that are unreachable or match nothing.

    Raises ``GrammarError`` for a reference to no rule, for left recursion, and if no text at all
    matches.
    """
    uses = uses_of(rules)
    _require_definitions(rules, uses)
    live = holding(rules, _is_productive, uses)
    if rules.root not in live:
        raise GrammarError("nothing can match this grammar: its requirements contradict each other")
    alive = ((name, _alive(rules.named[name], live)) for name in live)
    named = {name: node for name, node in alive if node is not None}
    uses = {
        name: uses[name] if node is rules.named[name] else tuple(references(node))
        for name, node in named.items()
    }
    reached = _reachable(uses, rules.root)
    pruned = Rules({name: named[name] for name in rules.named if name in reached}, rules.root)
    if (name := left_recursive(pruned, uses)) is not None:
        raise GrammarError(LEFT_RECURSION.format(name))
    return pruned


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below *node*."""
    match node:
        case Sequence(items):
            return items
        case Choice(options):
            return options
        case Repeat(item) | Token(item) | Unlike(escape=item) | Not(item):
            return (item,)
        case Both(items):
            return items
        case Regular(expression, states):
            return (expression, states)
        case _:
            return ()


def nodes(node: Node) -> Iterator[Node]:
    """*node* and all below it, in order."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))


def references(node: Node) -> Iterator[str]:
    """The names of the rules *node* refers to, with doubles."""
    return (inner.name for inner in nodes(node) if isinstance(inner, Reference))


def uses_of(rules: Rules) -> Uses:
    """The rules that each rule refers to."""
    return {name: tuple(references(node)) for name, node in rules.named.items()}


def _require_definitions(rules: Rules, uses: Uses) -> None:
    if rules.root not in rules.named:
        raise GrammarError(f"the grammar has no rule {rules.root!r}")
    for name, targets in uses.items():
        for target in targets:
            if target not in rules.named:
                raise GrammarError(f"rule {name!r} refers to {target!r}, which is not defined")


def holding(rules: Rules, holds: Property, uses: Uses) -> set[str]:
    """The least set of rules for which *holds* is true, given the set itself."""
    users: dict[str, list[str]] = {name: [] for name in rules.named}
    for name in rules.named:
        for target in uses[name]:
            users[target].append(name)
    found: set[str] = set()
    # In order and without doubles, so that a rule that uses many is not asked after each of them.
    waiting = deque(list(rules.named)[::-1])
    queued = set(waiting)
    while waiting:
        name = waiting.popleft()
        queued.remove(name)
        if holds(rules.named[name], found):
            found.add(name)
            for user in users[name]:
                if user not in found and user not in queued:
                    waiting.append(user)
                    queued.add(user)
    return found


def _is_productive(node: Node, live: set[str]) -> bool:
    match node:
        case Sequence(items):
            return all(_is_productive(item, live) for item in items)
        case Choice(options):
            return any(_is_productive(option, live) for option in options)
        case Repeat(item, least, most):
            return (most is None or least <= most) and (least == 0 or _is_productive(item, live))
        case Token(item) | Regular(states=item):
            return _is_productive(item, live)
        case Reference(name):
            return name in live
        case Until(markers):
            return bool(markers)
        case _:
            return True


def _is_nullable(node: Node, nullable: set[str]) -> bool:
    match node:
        case Sequence(items):
            return all(_is_nullable(item, nullable) for item in items)
        case Choice(options):
            return any(_is_nullable(option, nullable) for option in options)
        case Repeat(item, least):
            return least == 0 or _is_nullable(item, nullable)
        case Token(item) | Regular(states=item):
            return _is_nullable(item, nullable)
        case Reference(name):
            return name in nullable
        case Both() | Not():
            raise AssertionError(node)
        case _:
            return _is_nullable_leaf(node)


def _is_nullable_leaf(node: Literal | CharClass | Until | Without | Unlike | Special) -> bool:
    match node:
        case Literal(text):
            return not text
        case CharClass() | Special():
            return False
        case Until(markers):
            return "" in markers
        case Without():
            return True
        case Unlike(texts):
            return () not in texts


def _alive(node: Node, live: set[str]) -> Node | None:
    """*node* without what matches nothing; None if that is all of it."""
    match node:
        case Sequence(items):
            kept = [_alive(item, live) for item in items]
            whole = [item for item in kept if item is not None]
            return _same(node, items, whole, sequence) if len(whole) == len(kept) else None
        case Choice(options):
            kept = [_alive(option, live) for option in options]
            whole = [option for option in kept if option is not None]
            return _same(node, options, whole, choice) if whole else None
        case Repeat(item, least, most):
            inner = _alive(item, live)
            unchanged = inner is item and most != 0 and (least, most) != (1, 1)
            possible = most is None or least <= most
            return node if unchanged and possible else _alive_repeat(inner, least, most)
        case Token(item):
            inner = _alive(item, live)
            return node if inner is item else None if inner is None else Token(inner)
        case _:
            return node if _is_productive(node, live) else None


def _same(
    node: Node, before: tuple[Node, ...], after: list[Node], make: Callable[..., Node]
) -> Node:
    """*node* itself where nothing below it has changed."""
    unchanged = len(before) == len(after) and all(map(operator.is_, before, after))
    return node if unchanged and len(after) != 1 else make(*after)


def _alive_repeat(item: Node | None, least: int, most: int | None) -> Node | None:
    if most is not None and least > most:
        return None
    if item is None or most == 0:
        return Literal("") if least == 0 else None
    return item if least == most == 1 else Repeat(item, least, most)


def _reachable(uses: Uses, root: str) -> set[str]:
    seen = {root}
    waiting = [root]
    while waiting:
        for target in uses[waiting.pop()]:
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def first_references(rules: Rules, uses: Uses | None = None) -> dict[str, tuple[str, ...]]:
    """For each rule, the rules it can begin with."""
    nullable = holding(rules, _is_nullable, uses_of(rules) if uses is None else uses)
    return {name: tuple(_leftmost(node, nullable)) for name, node in rules.named.items()}


def left_recursive(rules: Rules, uses: Uses | None = None) -> str | None:
    """A rule that can begin with itself, if there is one."""
    first = first_references(rules, uses)
    done: set[str] = set()
    for start in first:
        path: dict[str, None] = {}
        waiting = [(start, False)]
        while waiting:
            name, leaving = waiting.pop()
            if leaving:
                path.pop(name)
                done.add(name)
            elif name in path:
                return name
            elif name not in done:
                path[name] = None
                waiting.append((name, True))
                waiting.extend((target, False) for target in first[name])
    return None


def _leftmost(node: Node, nullable: set[str]) -> Iterator[str]:
    """The rules that may stand at the very beginning of *node*."""
    match node:
        case Reference(name):
            yield name
        case Choice(options):
            for option in options:
                yield from _leftmost(option, nullable)
        case Repeat(item) | Token(item) | Regular(states=item):
            yield from _leftmost(item, nullable)
        case Sequence(items):
            for item in items:
                yield from _leftmost(item, nullable)
                if not _is_nullable(item, nullable):
                    return
        case _:
            return
