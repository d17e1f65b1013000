"""Rules without dead ends."""

from __future__ import annotations

from gguf_fc.gbnf.rules import Rules


def prune(rules: Rules) -> Rules:
    return rules
