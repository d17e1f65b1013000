"""What is given up first where there is too little room: the lowest."""

from __future__ import annotations

from enum import IntEnum


class Priority(IntEnum):
    """How likely it is that somebody comes back."""

    ONE_OFF = 0  # nobody has
    CONVERSATION = 1  # it went on at least once
    PREFIX = 2  # several begin with it
