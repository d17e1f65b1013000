"""The shapes templates demand of call ids.

A form is a text with fields: ``{id}`` is the id as it was given, ``{short}`` nine letters and
digits made of it, ``{index}`` counts the calls of a conversation, ``{name}`` is the tool's name.
Calls and results get the same id because the form is filled in once for each call.
"""

from __future__ import annotations

import hashlib

AS_GIVEN = "{id}"
SHORT = "{short}"
# Tried in this order.  The last two are for templates that show nothing but the id of a call.
FORMS = (AS_GIVEN, SHORT, "call_{index}", "functions.{name}:{index}")

_ID_LENGTH = 9
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def shaped_id(form: str, given: str, name: str, index: int) -> str:
    """The id of the call number *index* of a conversation in the shape *form*."""
    return form.format(id=given, short=short_id(given), name=name, index=index)


def short_id(given: str) -> str:
    """*given* if it has nine letters and digits, else nine that depend on it alone."""
    if len(given) == _ID_LENGTH and given.isascii() and given.isalnum():
        return given
    number = int.from_bytes(hashlib.sha256(given.encode(errors="replace")).digest()[:8], "big")
    return "".join(_BASE36[number // 36**n % 36] for n in range(_ID_LENGTH))
