"""Grammars: one rule tree, made from JSON Schema or by hand, printed and matched.

Knows nothing of tools, models or tokens (but for the texts of control tokens in ``llguidance``).
"""

from __future__ import annotations

from gguf_fc.grammar.compile.schema import compile_schema
from gguf_fc.grammar.grammar import (
    Grammar,
    KeyOrder,
    gbnf_to_grammar,
    regex_to_grammar,
    schema_to_grammar,
    texts_to_grammar,
)
from gguf_fc.grammar.notations.gbnf_parser import parse_gbnf
from gguf_fc.grammar.rules import (
    NEVER,
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
from gguf_fc.grammar.schema.tree import Loosened
from gguf_fc.grammar.search.departing import departing
from gguf_fc.grammar.search.not_opening import not_opening
from gguf_fc.grammar.values.notation import JSON, PYTHON, Notation
from gguf_fc.grammar.values.spacing import Spacing

__all__ = [
    "JSON",
    "NEVER",
    "PYTHON",
    "Builder",
    "CharClass",
    "Choice",
    "Grammar",
    "KeyOrder",
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
    "compile_schema",
    "departing",
    "gbnf_to_grammar",
    "not_opening",
    "optional",
    "parse_gbnf",
    "regex_to_grammar",
    "schema_to_grammar",
    "sequence",
    "texts_to_grammar",
]
