"""Replacement of half characters in JSON: lone surrogates, and bytes that are not UTF-8.

Clients that cut texts by length, or that keep UTF-16, cut through characters.  The half stands in
their history, so a body with it would be refused for ever after.
"""

from __future__ import annotations

import re

# An escape at a time, so that in ``\\ud83d`` no surrogate is found.  A pair is one character.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|.)",
    re.DOTALL,
)
# A surrogate as three bytes, as if it were a character.
_ENCODED = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_REPLACEMENT = "\ufffd"


def with_whole_characters(raw: bytes) -> bytes:
    """The JSON text *raw* with U+FFFD for every half character in it."""
    text = _ENCODED.sub(_REPLACEMENT.encode(), raw).decode("utf-8", "replace")
    return _ESCAPE.sub(_without_lone, text).encode()


def _without_lone(escape: re.Match[str]) -> str:
    return _REPLACEMENT if escape["lone"] else escape.group()
