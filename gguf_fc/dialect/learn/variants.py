"""Variants of a call that models are seen to write, read beside the form of the template."""

from __future__ import annotations

from gguf_fc.dialect.syntax import ID_CHARACTERS, Marked, Parts, Placeholder


def variants(call: Parts, marks: Marked) -> tuple[Parts, ...]:
    """Variants of *call*; *marks* are some that may stand around it."""
    return (*_without_wrapper(call), *_without_namespace(call), *_within(call, marks))


def _within(call: Parts, marks: Marked) -> tuple[Parts, ...]:
    """The call within *marks*, which models may write around it."""
    opening, closing = call[0], call[-1]
    if not (marks.open and isinstance(opening, str) and isinstance(closing, str)):
        return ()
    return ((marks.open + opening, *call[1:-1], closing + marks.close),)


def _without_namespace(call: Parts) -> tuple[Parts, ...]:
    """The call without the namespace before its name, where both are part of the id."""
    opening = call[0]
    if Placeholder("index") not in call or not isinstance(opening, str):
        return ()
    bare = opening.rstrip(ID_CHARACTERS)
    return ((bare, *call[1:]),) if bare != opening and call[1:2] == (Placeholder("name"),) else ()


def _without_wrapper(call: Parts) -> tuple[Parts, ...]:
    """The call without the outer of two tags before its name, which some models forget."""
    opening, closing = call[0], call[-1]
    if not (isinstance(opening, str) and isinstance(closing, str)):
        return ()
    outer, _, inner = opening.strip().rpartition("<")
    if not (outer.rstrip().endswith(">") and outer.startswith("<") and not inner.endswith(">")):
        return ()
    return ((f"<{inner}", *call[1:]),)
