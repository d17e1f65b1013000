"""Texts that begin another speaker's turn, where a template writes them as ordinary text.

A model that ends its turn with a control token needs none of them.  One that only goes on with the
text it was shown, ``### User:``, writes the user's next turn too, unless it is stopped there.
"""

from __future__ import annotations

from collections.abc import Iterator

from gguf_fc.dialect.learn.probe import NEXT, TEXT, USER, Renderings


def turn_marks(seen: Renderings, eos_token: str) -> tuple[str, ...]:
    """Marks of the user's and the assistant's turn; none if the user's stands behind *eos_token*.

    Whether a mark holds another control token is for those to say who know the vocabulary.
    """
    if seen.followed is None:
        return ()
    answered = seen.followed.rfind(TEXT) + len(TEXT)
    users = tuple(_marks(seen.followed[answered : seen.followed.rfind(NEXT)]))
    if not users or (eos_token and eos_token in users[0]):
        return ()
    own = _marks(seen.prompt[seen.prompt.rfind(USER) + len(USER) :])
    return tuple(dict.fromkeys((*users, *own)))


def _marks(between: str) -> Iterator[str]:
    """Marks in the text *between* two turns: its line as it stands, and behind one line break.

    A word alone is a mark only if nothing else is on its line.
    """
    mark = between.strip()
    if not between.startswith("\n") or "\n" in mark or not any(map(str.isalpha, mark)):
        return
    if mark[-1].isalnum():
        if "\n" not in between[between.rindex(mark) :]:
            return
        mark += "\n"
    yield between[: between.index(mark[0])] + mark
    yield "\n" + mark
