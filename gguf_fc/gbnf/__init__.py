"""Grammars: one rule tree, made from JSON Schema or by hand, printed and matched.

Knows nothing of tools, models or tokens (but for the texts of control tokens in ``llguidance``).
"""

from __future__ import annotations

from gguf_fc.gbnf.grammar import Grammar, gbnf_to_grammar, schema_to_grammar
from gguf_fc.gbnf.notation import JSON, PYTHON, Notation
from gguf_fc.gbnf.openings import not_opening
from gguf_fc.gbnf.parse import parse_gbnf
from gguf_fc.gbnf.raw import compile_raw
from gguf_fc.gbnf.rules import (
    Builder,
    CharClass,
    Choice,
    Literal,
    Node,
    Reference,
    Regular,
    Repeat,
    Rules,
    Sequence,
    Special,
    Token,
    Unlike,
    Until,
    Without,
    choice,
    optional,
    sequence,
)
from gguf_fc.gbnf.schema import compile_schema
from gguf_fc.gbnf.schema_tree import Loosened
from gguf_fc.gbnf.spacing import Spacing

__all__ = [
    "JSON",
    "PYTHON",
    "Builder",
    "CharClass",
    "Choice",
    "Grammar",
    "Literal",
    "Loosened",
    "Node",
    "Notation",
    "Reference",
    "Regular",
    "Repeat",
    "Rules",
    "Sequence",
    "Spacing",
    "Special",
    "Token",
    "Unlike",
    "Until",
    "Without",
    "choice",
    "compile_raw",
    "compile_schema",
    "gbnf_to_grammar",
    "not_opening",
    "optional",
    "parse_gbnf",
    "schema_to_grammar",
    "sequence",
]
