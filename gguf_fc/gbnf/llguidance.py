"""Rules as llguidance reads them."""

from __future__ import annotations

from collections.abc import Mapping

from gguf_fc.gbnf.rules import Rules


def print_llguidance(rules: Rules, special: Mapping[str, int]) -> str:
    del special
    return str(rules)
