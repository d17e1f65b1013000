"""Common beginnings and ends of texts, cut at whole tags.  Knows nothing of what they mean."""

from __future__ import annotations

import itertools


def beyond(rendered: str, prompt: str) -> str:
    """Cut the beginning that *rendered* shares with the prompt off it."""
    return rendered[len(to_whole_tag(common_start(rendered, prompt))) :]


def to_whole_tag(text: str) -> str:
    """Drop a tag that is cut off at the end of *text*: ``<a><b`` becomes ``<a>``."""
    at = text.rfind("<")
    return text[:at] if at > text.rfind(">") else text


def from_whole_tag(whole: str, end: str) -> str:
    """Shorten *end*, the end of *whole*, so that it does not begin in the middle of a tag."""
    before = whole[: len(whole) - len(end)]
    if before.rfind("<") > before.rfind(">") and ">" in end:
        return end[end.index(">") + 1 :]
    return end


def common_start(first: str, second: str) -> str:
    """Return the longest text that both begin with."""
    both = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return "".join(one for one, _ in both)


def common_end(first: str, second: str) -> str:
    """Return the longest text that both end with."""
    return common_start(first[::-1], second[::-1])[::-1]
