"""Eviction priority of cached sequences: the lowest goes first."""

from __future__ import annotations

from enum import IntEnum


class Priority(IntEnum):
    """Chance that a cached sequence is of use again, as a class."""

    ONE_OFF = 0  # nobody has
    CONVERSATION = 1  # it went on at least once
    PREFIX = 2  # a system text and tools that several sequences begin with
