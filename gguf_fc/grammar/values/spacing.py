"""The white space between the tokens of a JSON text.

A grammar either fixes it, to what one writer produces, or leaves it free.  Fixed is better for a
model: what has only one continuation needs no decoding.
"""

from __future__ import annotations

from dataclasses import dataclass

SPACE = " \t\r\n"  # all that is white space in JSON


@dataclass(frozen=True, slots=True)
class Spacing:
    """The exact text between two items and between a key and its value, as in ``json.dumps``."""

    item: str = ", "
    key: str = ": "
