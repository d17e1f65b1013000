"""Rules as GBNF."""

from __future__ import annotations

from gguf_fc.gbnf.rules import Rules


def print_gbnf(rules: Rules) -> str:
    return str(rules)
