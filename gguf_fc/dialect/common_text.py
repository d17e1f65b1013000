"""What texts have in common, cut where a tag is whole.  Knows nothing of what the texts mean."""

from __future__ import annotations

import itertools


def beyond(rendered: str, prompt: str) -> str:
    """What *rendered* has after the beginning it shares with the prompt."""
    return rendered[len(to_whole_tag(common_start(rendered, prompt))) :]


def to_whole_tag(text: str) -> str:
    """*text* without a tag that is cut off at its end: ``<a><b`` is ``<a>``."""
    at = text.rfind("<")
    return text[:at] if at > text.rfind(">") else text


def from_whole_tag(whole: str, end: str) -> str:
    """The end of *whole*, or less of it: not from the middle of a tag."""
    before = whole[: len(whole) - len(end)]
    if before.rfind("<") > before.rfind(">") and ">" in end:
        return end[end.index(">") + 1 :]
    return end


def common_start(first: str, second: str) -> str:
    """The longest text that both begin with."""
    both = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return "".join(one for one, _ in both)


def common_end(first: str, second: str) -> str:
    """The longest text that both end with."""
    return common_start(first[::-1], second[::-1])[::-1]
