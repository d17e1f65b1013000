"""Derives the marks around a model's reasoning from renderings.

Tried in this order: a turn that shows its reasoning before an answer, a prompt that holds an empty
block where thinking is off, a turn that shows reasoning before a call only, a prompt that opens a
block, a tag named in the template's text, a pair of control tokens of the vocabulary, one of a
vocabulary that is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gguf_fc.dialect.common_text import beyond
from gguf_fc.dialect.learn.known import reasoning_for
from gguf_fc.dialect.learn.probe import TEXT, THOUGHT, USER, Renderings
from gguf_fc.dialect.syntax import Marked

# A tag, perhaps with a word behind it, and another tag.
_EMPTY_BLOCK = re.compile(r"\s*(?P<open><[^<>/\s]+>\w*\n?)(?P<gap>\s*)(?P<close><[^<>\s]+>\s*)")


_NAMED_BLOCK = re.compile(r"</([\w:]*(?:think|thought|reason)[\w:]*)>")
_NAMES_REASONING = re.compile(r"think|thought|reason", re.IGNORECASE)
_NAMES_PARTS = re.compile(r"think|thought|reason|tool|call", re.IGNORECASE)
# How the token that closes a block is made of the one that opens it.
_CLOSERS = (
    (r"^([<\[])(?!/)", r"\1/"),
    (r"^<\|(\w+)>$", r"<\1|>"),
    (r"START_", "END_"),
    (r"start", "end"),
    (r"begin", "end"),
    (r"prefix", "suffix"),
)
_STRIPPER = re.compile(
    r"macro\s+\w*(?:think|thought|reason)\w*\s*\(.*?endmacro", re.IGNORECASE | re.DOTALL
)
_QUOTED_TAG = re.compile(r"""(['"])(<[^<>\s'"]+>)\1""")
_CHANNEL_OF_THOUGHTS = "thought"  # behind a tag that opens a channel stands the channel's name
# A tag at the end of a text, or else its last line.
_WORD, _TAG_AT_END = re.compile(r"\w+\s*"), re.compile(r"<[^<>\s]+>\Z")
_LAST_MARK = re.compile(r"(?:<[^<>\s]+>\w*|[^<>\n]+)\s*\Z")


def derive_reasoning(seen: Renderings) -> Marked | None:
    """Derive the marks around reasoning; None if nothing shows any."""
    return (
        _reasoning_shown(seen)
        or _reasoning_switched(seen)
        or _reasoning_before_call(seen)
        or _reasoning_prompted(seen)
        or _reasoning_named(seen)
        or _reasoning_tokens(seen)
        or _reasoning_known(seen)
    )


def telling_tokens(tokens: Iterable[str]) -> tuple[str, ...]:
    """Control tokens of a vocabulary that name reasoning or calls, sorted."""
    return tuple(sorted(filter(_NAMES_PARTS.search, tokens)))


def without_reasoning(turn: str, reasoning: Marked | None) -> str:
    """Cut the reasoning block, perhaps empty, off the beginning of *turn*."""
    if reasoning is None:
        return turn
    opening, closing = re.escape(reasoning.open.strip()), re.escape(reasoning.close.strip())
    return re.sub(rf"\A\s*(?:{opening}.*?)?{closing}\s*", "", turn, flags=re.DOTALL)


def content_opening(seen: Renderings, turn: str) -> str:
    """Header before the text in *turn*, unless the prompt already holds it."""
    before = turn[: max(0, turn.rfind(TEXT))]
    # Templates that lay out their own text may space the same header differently.
    held = not before.strip() or "".join(seen.prompt.split()).endswith("".join(before.split()))
    return "" if held else before


def _reasoning_shown(seen: Renderings) -> Marked | None:
    """Marks from a turn that shows reasoning before an answer."""
    rendered = seen.thought
    if rendered is None:
        return None
    turn = beyond(rendered, seen.prompt)
    start, text = turn.find(THOUGHT), turn.rfind(TEXT)
    if start < 0 or text < start:
        return None
    opening, closing = turn[:start], turn[start + len(THOUGHT) : text]
    shared = rendered[: len(rendered) - len(turn)]
    rest = seen.prompt[len(shared) :] if seen.prompt.startswith(shared) else ""
    if not opening.strip() and rest.strip() != closing.strip():
        # The prompt opens the block; a history may not show how.  (Or it holds an empty one.)
        opening = rest
    if not opening.strip() and (last := _LAST_MARK.search(shared)):
        opening = last.group()
    if _WORD.fullmatch(opening) and (tag := _TAG_AT_END.search(shared)):
        opening = tag.group() + opening  # a tag and a word are one mark
    framing = content_opening(seen, beyond(seen.plain or "", seen.prompt))
    if closing != framing:
        closing = closing.removesuffix(framing)
    if not closing.strip() or not opening.strip():
        return None
    return Marked(opening.lstrip(), closing)


def _reasoning_before_call(seen: Renderings) -> Marked | None:
    """Marks from a turn that shows reasoning before a call only: the tags around it."""
    shown = seen.thought_and_call or ""
    tags = re.search(rf"(<[^<>\s]+>\w*\s*){re.escape(THOUGHT)}(\s*<[^<>\s]+>\s*)", shown)
    return Marked(tags.group(1), tags.group(2)) if tags else None


def _reasoning_switched(seen: Renderings) -> Marked | None:
    """Marks from a prompt that holds an empty block when thinking is switched off."""
    off = _header(seen.off)
    for other in filter(None, map(_header, (seen.on, seen.prompt))):
        found = _EMPTY_BLOCK.fullmatch(beyond(off, other))
        if found and found["open"] != found["close"].strip():
            return Marked(found["open"], ("\n" if "\n" in found["gap"] else "") + found["close"])
    return None


def _header(prompt: str | None) -> str:
    """Text behind the user's: switches may change the system text as well."""
    return (prompt or "").rpartition(USER)[2]


def _reasoning_prompted(seen: Renderings) -> Marked | None:
    """Marks from a prompt that ends with the opening of a block whose end is seen elsewhere."""
    everything = "".join(filter(None, (seen.prompt, seen.off, seen.plain)))
    for prompt in filter(None, (seen.on, seen.prompt)):
        tag = re.search(r"<([^<>/\s]+)>(\s*)\Z", prompt)
        # A tag with the answer in it is the turn's own.
        answers = tag and f"{tag.group()}{TEXT}" in (seen.plain or "")
        closed = tag and f"</{tag.group(1)}>" in everything
        # A tag that says itself what it opens is closed as all tags are.
        if tag and not answers and (closed or _NAMES_REASONING.search(tag.group(1))):
            return Marked(tag.group(), f"{tag.group(2)}</{tag.group(1)}>")
    return None


def _reasoning_named(seen: Renderings) -> Marked | None:
    """Marks named in the template's own text, which takes such a block apart or asks for one."""
    return _reasoning_in_words(seen) or _reasoning_stripped(seen)


def _reasoning_in_words(seen: Renderings) -> Marked | None:
    """Marks whose own name says that they stand around thoughts."""
    for name in dict.fromkeys(_NAMED_BLOCK.findall(seen.text)):
        if any(mark in seen.text for mark in (f"<{name}>", f"'</{name}>'", f'"</{name}>"')):
            opened = re.search(rf"<{re.escape(name)}>(\s*)\Z", seen.prompt)
            space = opened.group(1) if opened else ""
            return Marked(f"<{name}>{space}", f"{space}</{name}>")
    return None


def _reasoning_stripped(seen: Renderings) -> Marked | None:
    """Marks that a macro looks for whose name says that it strips thoughts."""
    for macro in _STRIPPER.findall(seen.text):
        quoted = dict.fromkeys(tag for _, tag in _QUOTED_TAG.findall(macro))
        for opening in quoted:
            for pattern, closing in _CLOSERS:
                closer, found = re.subn(pattern, closing, opening)
                if found and closer != opening and closer in quoted:
                    word = f"{_CHANNEL_OF_THOUGHTS}\n" if "channel" in opening else ""
                    return Marked(opening + word, closer)
    return None


def _reasoning_known(seen: Renderings) -> Marked | None:
    """Marks of a vocabulary that is known by the other control tokens a template writes."""
    known = reasoning_for(seen.text)
    return known.marks if known else None


def _reasoning_tokens(seen: Renderings) -> Marked | None:
    """Marks from control tokens: one that names reasoning, and its counterpart."""
    for opening in filter(_NAMES_REASONING.search, seen.tokens):
        for pattern, closing in _CLOSERS:
            closer, found = re.subn(pattern, closing, opening)
            if found and closer != opening and closer in seen.tokens:
                return Marked(opening, closer)
    return None
