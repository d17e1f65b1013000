"""A JSON Schema, understood: a closed sum of what a value may be.

``schema_read`` makes these trees and ``schema`` turns them into rules.  "Cannot be satisfied" is
a value (``NOTHING``), so that a reader can go on and the alternatives decide.
"""

from __future__ import annotations

from typing import NamedTuple


class Loosened(NamedTuple):
    """A place where the grammar lets through more than the schema does."""

    path: str  # JSON path into the schema, "$" is its root
    keyword: str
    reason: str
